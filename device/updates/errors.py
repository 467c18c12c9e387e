"""What can go wrong with an update, each with what to do about it."""

# ruff: noqa: N818  (the names say what is wrong; the base class says that it is an error)

from __future__ import annotations

from device.errors import BitternError


class UpdateFailed(BitternError):
    """An update did not happen; what ran before runs on."""


class NotSetUp(UpdateFailed):
    """There is no place to look for updates, or nobody whose releases are trusted."""


class NotTrusted(UpdateFailed):
    """The manifest is not signed by somebody whose releases are trusted."""


class BadRelease(UpdateFailed):
    """A manifest or an archive is not what it must be."""


class Stale(UpdateFailed):
    """An offer that has run out, or is older than one that was seen: somebody holds back."""


class NotWanted(UpdateFailed):
    """The release is older than this one, or the same, or needs what is not here."""


class NotNow(UpdateFailed):
    """Another update is at work, or somebody is using the appliance."""


class NoRoom(UpdateFailed):
    """There is not enough space on the disk."""


class NotProven(UpdateFailed):
    """The new release itself is to blame: it was not ready, or failed its test."""


class DidNotProve(UpdateFailed):
    """The new release did not show that it works; the previous one is back."""

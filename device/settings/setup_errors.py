"""Why a set-up cannot go on."""

from __future__ import annotations

from device.errors import BitternError


class SetupError(BitternError):
    """Something that the owner has to mend first."""


class SetupEndedError(BitternError):
    """The owner went away in the middle, or the terminal did."""

    exit_code = 130
    """As a shell says of a command that was interrupted."""

"""What can go wrong with models, each with the command or the step that mends it."""

# ruff: noqa: N818  (the names say what is wrong; the base class says that it is an error)

from __future__ import annotations

from device.errors import BitternError


class ModelError(BitternError):
    """Anything a person must hear about models."""


class MissingModel(ModelError):
    """A model that is wanted now is absent, incomplete or damaged."""


class UnknownModel(ModelError):
    """No model of that name is in the manifest."""


class UnreadableModel(ModelError):
    """A file of the store may not be read, or the disk under it fails."""


class BadManifest(ModelError):
    """The manifest of models contradicts itself or cannot be read."""


class LicenceNotAccepted(ModelError):
    """A model under limiting or uncertain terms was asked for without agreeing to them."""


class FetchFailed(ModelError):
    """A model could not be brought into the store; what is there already stays usable."""


class WrongHash(FetchFailed):
    """What came is not what was pinned; it was thrown away."""


class NoSpace(FetchFailed):
    """The file system of the store is full, or its quota is."""


class ConversionFailed(FetchFailed):
    """A fetched model could not be written in the form the runtime needs."""

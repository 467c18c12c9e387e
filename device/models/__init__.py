"""The model store: models as pinned files, fetched once, checked, and found by name.

Every room that needs a model asks ``path_of("silero/silero_vad.onnx")``, or for a set of
files that belong together ``path_of("whisper-tiny.en")``, and gets a path that exists, or
``MissingModel`` with the command that mends it. The sets stand in
``firmware_config/models.toml``.
"""

from __future__ import annotations

from pathlib import Path

from device.models import manifest
from device.models.errors import MissingModel, ModelError
from device.models.location import chosen_folder, store_folder
from device.models.model_store import ModelStore

__all__ = ["MissingModel", "ModelError", "ModelStore", "path_of", "store", "store_at", "store_of"]


def store() -> ModelStore:
    """Return the store of this machine and user, as it is now (see ``location``)."""
    return store_at(store_folder())


def store_at(folder: Path) -> ModelStore:
    """Return the store in a folder, with the models that this release knows."""
    return ModelStore(folder, manifest.shipped())


def store_of(wished: str) -> ModelStore:
    """Return the store that the settings wish for (``[paths] models``), else the usual one."""
    return store_at(chosen_folder(wished))


def path_of(name: str) -> Path:
    """Return where a model, or the folder of a set of models, lies.

    Raises MissingModel when it is absent or cut short, UnknownModel when there is no such.
    """
    return store().path_of(name)

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
from device.models.location import store_folder
from device.models.model_store import Store

__all__ = ["MissingModel", "ModelError", "Store", "path_of", "store"]


def store() -> Store:
    """Return the store of this machine and user, as it is now (see ``location``)."""
    return Store(store_folder(), manifest.shipped())


def path_of(name: str) -> Path:
    """Return where a model, or the folder of a set of models, lies.

    Raises MissingModel when it is absent or cut short, UnknownModel when there is no such.
    """
    return store().path_of(name)

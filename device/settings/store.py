"""Where the models of a command lie: the border at which ``BITTERN_MODELS`` is read.

What serves (``run``, ``brain``, ``talk``) goes by the settings, and by the variable only where
they name no store. What cares for a store (``models``, ``sounds``, ``update test``) goes by the
variable first: it is how an update has a release complete and try out a store of its own.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device.models import ModelStore
    from device.settings import LoadedSettings
    from device.settings.tree import Paths


def load_to_serve(
    config: Path | None = None, environ: Mapping[str, str] = os.environ
) -> LoadedSettings:
    """Load the settings; the variable counts where they name no store."""
    from device.settings import load_settings

    loaded = load_settings(config)
    return loaded if loaded.settings.paths.models else _with_named_store(loaded, environ)


def load_to_try(
    config: Path | None = None, environ: Mapping[str, str] = os.environ
) -> LoadedSettings:
    """Load the settings; the store is the one that the variable names, if it names one."""
    from device.settings import load_settings

    return _with_named_store(load_settings(config), environ)


def store_to_care_for(environ: Mapping[str, str] = os.environ) -> ModelStore:
    """Return the store that the variable names, else that of the settings, else the usual one."""
    from device.errors import BitternError
    from device.models import store_of
    from device.settings.tree import Paths

    try:
        paths = load_to_try(environ=environ).settings.paths
    except BitternError:
        # Models must be to be had with settings that hold a mistake.
        paths = _named(Paths(), environ)
    return store_of(paths.models)


def _with_named_store(loaded: LoadedSettings, environ: Mapping[str, str]) -> LoadedSettings:
    paths = _named(loaded.settings.paths, environ)
    return dataclasses.replace(loaded, settings=dataclasses.replace(loaded.settings, paths=paths))


def _named(paths: Paths, environ: Mapping[str, str]) -> Paths:
    from device.models.location import named_folder

    named = named_folder(environ)
    return paths if named is None else dataclasses.replace(paths, models=str(named))

"""Where the models lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "BITTERN_MODELS"
"""Environment variable that names the store; it goes before everything else."""
APPLIANCE = Path("/var/lib/bittern/models")
"""The store of an installed appliance, shared by its services and its administrators."""


def store_folder(
    environment: Mapping[str, str] = os.environ,
    appliance: Path = APPLIANCE,
) -> Path:
    """Return the folder of the store; it need not exist yet.

    The order: what ``BITTERN_MODELS`` says, the appliance's own store if it is there and
    may be read, and the user's cache directory otherwise.
    """
    named = environment.get(VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    if os.access(appliance, os.R_OK | os.X_OK):
        return appliance
    return _user_cache(environment) / "bittern" / "models"


def _user_cache(environment: Mapping[str, str]) -> Path:
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    # The base directory specification: a relative path there is to be ignored.
    return named if named.is_absolute() else Path.home() / ".cache"

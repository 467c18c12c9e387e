"""Where the models lie on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from device.models.errors import ModelError

VARIABLE = "BITTERN_MODELS"
"""Names a store to the commands that care for one. Read at the command line, and nowhere else."""
APPLIANCE = Path("/var/lib/bittern-models")
"""The store of an installed appliance: root's, in a folder of root's. Its services read it."""

STAGED_BY_OLD_UPDATERS = Path("/var/lib/bittern/models/.staged")
"""Where the first updaters have a new release complete its models: in a folder of the service's
user, to which root must not write."""


def store_folder(
    environment: Mapping[str, str] = os.environ,
    appliance: Path = APPLIANCE,
) -> Path:
    """Return the folder of the store; it need not exist yet.

    The order: what ``BITTERN_MODELS`` says, the appliance's own store if it is there and
    may be read, and the user's cache directory otherwise.
    """
    return named_folder(environment) or usual_folder(environment, appliance)


def named_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that the caller of a command has named by ``BITTERN_MODELS``, if any.

    What an old updater names is where this release will not look: the appliance's own store is
    meant, which is there from then on (see :func:`old_store`).
    """
    named = environment.get(VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser().absolute()
    return APPLIANCE if folder == STAGED_BY_OLD_UPDATERS else folder


def old_store(environment: Mapping[str, str]) -> Path | None:
    """Return the store of an old release that is about to give way to this one, if any."""
    is_old = environment.get(VARIABLE) == str(STAGED_BY_OLD_UPDATERS)
    return STAGED_BY_OLD_UPDATERS.parent if is_old else None


def chosen_folder(wished: str) -> Path:
    """Return the store that the settings wish for (``[paths] models``), else the usual one.

    No variable has a say: what an appliance loads does not depend on who started it.
    """
    return Path(wished).expanduser() if wished else usual_folder()


def usual_folder(
    environment: Mapping[str, str] = os.environ,
    appliance: Path = APPLIANCE,
) -> Path:
    """Return the store where nobody has named one: the appliance's, or the user's own."""
    if os.access(appliance, os.R_OK | os.X_OK):
        return appliance
    return _user_cache(environment) / "bittern" / "models"


def _user_cache(environment: Mapping[str, str]) -> Path:
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    # The base directory specification: a relative path there is to be ignored.
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        raise ModelError(
            "there is no home folder, and nothing else says where the models lie",
            f"Set HOME, or {VARIABLE}, or [paths] models in the settings.",
        ) from None

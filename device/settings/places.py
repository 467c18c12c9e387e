"""Folders and sockets that have a usual place when the settings name none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from device.errors import BitternError
from device.settings.tree import Endpoint, Paths

OWN_BRAIN = "brain"
"""The url that means: the brain of this appliance, wherever its socket is."""
SYSTEMD_BRAIN = Path("/run/bittern-brain.sock")
"""Where ``bittern-brain.socket`` listens: outside the appliance's own runtime folder, which
is removed when the appliance stops."""


SYSTEMD_TOOLS = Path("/run/bittern-tools.sock")
"""Where ``bittern-tools.socket`` listens."""
SYSTEMD_CAMERA = Path("/run/bittern-camera.sock")
"""Where ``bittern-camera.socket`` listens: each connection is a picture."""
SERVICE_OWN_TOOLS = Path("/etc/bittern/tools.d")


def runtime_folder(paths: Paths, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the sockets; it need not exist yet.

    As a service (``RuntimeDirectory=bittern``) systemd names it; a user has one of their
    own in ``$XDG_RUNTIME_DIR``.
    """
    if paths.runtime:
        return Path(paths.runtime).expanduser()
    if given := environ.get("RUNTIME_DIRECTORY"):
        return Path(given.split(":")[0])
    if session := environ.get("XDG_RUNTIME_DIR"):
        return Path(session) / "bittern"
    return Path("/run/bittern")


def state_folder(paths: Paths, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for timers, alarms and counters; it need not exist yet."""
    if paths.state:
        return Path(paths.state).expanduser()
    if given := environ.get("STATE_DIRECTORY"):
        return Path(given.split(":")[0])
    if base := environ.get("XDG_STATE_HOME"):
        return Path(base) / "bittern"
    return _home() / ".local/state/bittern"


SERVICE_STATE = Path("/var/lib/bittern")
SERVICE_UNIT = Path("/etc/systemd/system/bittern.service")


def state_to_look_at(
    paths: Paths, environ: Mapping[str, str] = os.environ, service: Path = SERVICE_STATE
) -> Path:
    """Return the state folder of the appliance that a user on this machine means.

    Their own, if they have one; else the service's, where there is a service.
    """
    own = state_folder(paths, environ)
    return own if paths.state or own.is_dir() or not SERVICE_UNIT.exists() else service


def brain_to_look_at(
    paths: Paths,
    environ: Mapping[str, str] = os.environ,
    unit_socket: Path = SYSTEMD_BRAIN,
    unit: Path = SERVICE_UNIT,
) -> tuple[Path, bool]:
    """Return the brain's socket of the appliance that a user means, and whether systemd's.

    Where there is a service, it is the service's: a brain of one's own beside it would say
    nothing about that one.
    """
    if not paths.runtime and unit.exists() and unit_socket.is_socket():
        return unit_socket, True
    return brain_socket(paths, environ, unit_socket), False


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise BitternError(
            "there is no home folder, and nothing else says where timers and lists are kept",
            "Set HOME, or [paths] state in the settings.",
        ) from None


def control_socket(paths: Paths, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a running appliance takes orders (``bittern status`` and its like)."""
    return runtime_folder(paths, environ) / "control.sock"


def brain_socket(
    paths: Paths, environ: Mapping[str, str] = os.environ, unit_socket: Path = SYSTEMD_BRAIN
) -> Path:
    """Return where the brain of this appliance listens.

    As a service of systemd, whose socket unit has made ``/run/bittern-brain.sock``, it is
    that: a connection there starts the brain. A folder in the settings comes first.
    """
    is_service = bool(environ.get("RUNTIME_DIRECTORY"))
    if is_service and not paths.runtime and unit_socket.is_socket():
        return unit_socket
    return runtime_folder(paths, environ) / "brain.sock"


def tools_socket(
    paths: Paths, environ: Mapping[str, str] = os.environ, unit_socket: Path = SYSTEMD_TOOLS
) -> Path:
    """Return where the host of other people's tools listens; as :func:`brain_socket`."""
    is_service = bool(environ.get("RUNTIME_DIRECTORY"))
    if is_service and not paths.runtime and unit_socket.is_socket():
        return unit_socket
    return runtime_folder(paths, environ) / "tools.sock"


def camera_socket(
    paths: Paths, environ: Mapping[str, str] = os.environ, unit_socket: Path = SYSTEMD_CAMERA
) -> Path | None:
    """Return where a service asks for a picture; None where the camera is a process of ours."""
    is_service = bool(environ.get("RUNTIME_DIRECTORY"))
    return unit_socket if is_service and not paths.runtime and unit_socket.is_socket() else None


def own_tools_folder(
    chosen: str, environ: Mapping[str, str] = os.environ, service: Path = SERVICE_OWN_TOOLS
) -> Path:
    """Return the folder of the owner's tools; ``chosen`` is what the settings say."""
    if chosen:
        return Path(chosen).expanduser()
    # Also for the owner of an installed appliance, who is root when looking after it.
    if environ.get("RUNTIME_DIRECTORY") or (SERVICE_UNIT.exists() and os.geteuid() == 0):
        return service
    base = environ.get("XDG_CONFIG_HOME") or str(_home() / ".config")
    return Path(base) / "bittern" / "tools.d"


def url_of(endpoint: Endpoint, paths: Paths, environ: Mapping[str, str] = os.environ) -> str:
    """Return the url with its place filled in: ``brain`` becomes ``unix:/run/…/brain.sock``."""
    if endpoint.url == OWN_BRAIN:
        return f"unix:{brain_socket(paths, environ)}"
    return endpoint.url

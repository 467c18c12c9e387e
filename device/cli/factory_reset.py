"""``bittern factory-reset``: forget settings, keys, timers, lists and recordings."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands

UNITS = (
    "bittern.service",
    "bittern-safe.service",
    "bittern-brain.service",
    "bittern-tools.service",
)
KEYS_DROP_IN = Path("/etc/systemd/system/bittern.service.d/10-credentials.conf")
SAVED_BY_UPDATES = Path("/opt/bittern/updates/saved")
"""Settings and data of the house, as they were before each change of the release."""
WORD = "forget"


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``factory-reset``."""
    about = "forget settings, keys, timers, lists and recordings, and start afresh"
    parser = commands.add_parser(
        "factory-reset",
        help=about,
        description=about.capitalize() + ". The program, its models and what says which "
        "hardware there is stay. Of the installed appliance: as root.",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--requested", action="store_true", help="only if the appliance's button asked for it"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="another settings file")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Ask, stop, forget, start."""
    from device.settings.forget import REQUEST, forget
    from device.settings.key_store import SERVICE
    from device.settings.tool_addresses import DROP_INS
    from device.setup.dialogue import on_this_terminal

    is_service = SERVICE.exists() and os.geteuid() == 0 and chosen.config is None
    places = _service_places() if is_service else _own_places(chosen.config)
    if chosen.requested:
        if not (places.state / REQUEST).exists():
            return 0
    elif not chosen.yes:
        dialogue = on_this_terminal()
        dialogue.say(f"This forgets {places.settings_file}, {places.state} and {places.keys}.")
        if dialogue.ask(f'Type "{WORD}" to go on') != WORD:
            dialogue.say("Nothing was forgotten.")
            return 1
    if is_service:
        _systemctl("stop", *UNITS)
    try:
        forget(places.settings_file, places.state, places.keys, places.copies)
    finally:
        if is_service:
            KEYS_DROP_IN.unlink(missing_ok=True)
            shutil.rmtree(DROP_INS, ignore_errors=True)
            _systemctl("daemon-reload")
            _systemctl("reset-failed", *UNITS)
            _systemctl("start", "--no-block", UNITS[0])
    print("everything is forgotten")
    return 0


def _service_places() -> Any:
    from device.settings.forget import PersonalPlaces
    from device.settings.key_store import CREDENTIALS
    from device.settings.load import SYSTEM
    from device.settings.places import SERVICE_OWN_TOOLS
    from device.settings.tool_addresses import TOOL_CREDENTIALS

    also = (SAVED_BY_UPDATES, SERVICE_OWN_TOOLS, TOOL_CREDENTIALS)
    return PersonalPlaces(SYSTEM, Path("/var/lib/bittern"), CREDENTIALS, also)


def _own_places(config: Path | None) -> Any:
    from device.errors import BitternError
    from device.settings import load_settings
    from device.settings.forget import PersonalPlaces
    from device.settings.key_store import UserKeys
    from device.settings.places import state_folder
    from device.settings.settings_file import usual_place
    from device.settings.tree import Paths

    try:
        loaded = load_settings(config)
        file, paths = loaded.user_file or usual_place(), loaded.settings.paths
    except BitternError:
        file, paths = config or usual_place(), Paths()
    return PersonalPlaces(file, state_folder(paths), UserKeys().folder)


def _systemctl(*arguments: str) -> None:
    subprocess.run(["systemctl", *arguments], capture_output=True, timeout=90, check=False)

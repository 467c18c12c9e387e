"""``bittern setup``: the first-run wizard, and every change after it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``setup``."""
    about = "set up microphone, speaker, wake word, key, board and time zone by questions"
    parser = commands.add_parser("setup", help=about, description=about.capitalize() + ".")
    parser.add_argument(
        "steps",
        nargs="*",
        metavar="STEP",
        help="only these: microphone, speaker, wake, key, board, zone",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file to change")
    parser.add_argument(
        "--wav", type=Path, metavar="IN", help="try it with a recording for the microphone"
    )
    parser.add_argument("--out", type=Path, metavar="OUT", help="and this file for the speaker")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Lead through it."""
    from device.logs import log_to_terminal
    from device.settings.key_store import key_store
    from device.settings.places import control_socket
    from device.settings.settings_file import load_for_setup, must_be_writable
    from device.setup.bench import SoundCards, SoundFiles
    from device.setup.dialogue import on_this_terminal
    from device.setup.running import Running
    from device.setup.visit import SetupVisit
    from device.setup.wizard import chosen_steps
    from device.setup.wizard import run as lead

    log_to_terminal("error")
    steps = chosen_steps(chosen.steps)
    dialogue = on_this_terminal()
    loaded, file = load_for_setup(chosen.config)
    must_be_writable(file)
    with tempfile.TemporaryDirectory(prefix="bittern-setup-") as scratch:
        played = chosen.out or Path(scratch) / "played.wav"
        bench = SoundFiles(chosen.wav, played) if chosen.wav else SoundCards()
        visit = SetupVisit(dialogue, bench, loaded, file, key_store())
        running = Running(dialogue, control_socket(loaded.settings.paths))
        lead(visit, steps, running)
    return 0

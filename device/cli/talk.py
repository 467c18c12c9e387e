"""``bittern talk``: the whole appliance on a recording."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``talk``."""
    parser = commands.add_parser(
        "talk",
        help="run the whole appliance on a recording in place of the microphone",
        description="Plays a recording to the appliance in real time. Exit status: 0 a question "
        "was answered, 3 no wake word was heard, another number with a reason otherwise.",
    )
    parser.add_argument("--wav", type=Path, required=True, metavar="IN", help="the recording")
    parser.add_argument("--out", type=Path, metavar="OUT", help="what the speaker would play (WAV)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--endpoint", metavar="NAME", help="ask this endpoint and no other")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--verbose", action="store_true", help="log lines on standard error")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``talk``."""
    from device import reports
    from device.daemon.talk import talk
    from device.logs import log_to_terminal
    from device.settings.store import load_to_serve

    loaded = load_to_serve(chosen.config)
    log_to_terminal("debug" if chosen.verbose else "error")
    report = reports.json_lines() if chosen.json else reports.sentences()
    asyncio.run(talk(loaded, chosen.wav, chosen.out, report, chosen.endpoint))
    return 0

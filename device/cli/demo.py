"""``bittern demo``: the appliance, without a sound card."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``demo``."""
    parser = commands.add_parser(
        "demo",
        help="demonstrate the appliance on synthesized speech, without a sound card",
        description="A synthesized person talks to the appliance; needs no key and no network.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("answer.wav"),
        metavar="OUT",
        help="what the speaker would play (answer.wav)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--verbose", action="store_true", help="log lines on standard error")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run the demonstration."""
    from device import reports
    from device.daemon.demo import demonstrate
    from device.logs import log_to_terminal
    from device.settings.store import load_to_serve

    loaded = load_to_serve(chosen.config)
    log_to_terminal("debug" if chosen.verbose else "error")
    asyncio.run(
        demonstrate(
            loaded,
            reports.sentences(),
            lambda line: print(line, flush=True),
            chosen.out,
            show=reports.lights(),
        )
    )
    return 0

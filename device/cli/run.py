"""``bittern run``: the daemon."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli import Commands

if TYPE_CHECKING:
    from device.settings.tree import Log


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``run``."""
    parser = commands.add_parser(
        "run",
        help="run the appliance with its microphone, speaker and panel",
        description="Runs until SIGTERM or Ctrl-C, and ends within two seconds of it.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument(
        "--safe", action="store_true", help="local brain and shipped settings; says why"
    )
    parser.add_argument("--verbose", action="store_true", help="more log lines")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run the daemon."""
    from device.daemon.service import serve
    from device.logs import log_to_terminal
    from device.settings import load_settings

    if chosen.safe:
        from device.daemon.safe import serve_safely

        log_to_terminal("debug" if chosen.verbose else "info")
        return asyncio.run(serve_safely(lambda: load_settings(chosen.config)))
    loaded = load_settings(chosen.config)
    _log(loaded.settings.log, chosen.verbose)
    asyncio.run(serve(loaded, lambda: load_settings(chosen.config)))
    return 0


def _log(log: Log, is_verbose: bool) -> None:
    """Log lines as the settings say."""
    from device.appliance.journal import log_to_journal
    from device.logs import log_to_terminal

    begin = log_to_journal if log.format == "journal" else log_to_terminal
    begin("debug" if is_verbose else log.level)

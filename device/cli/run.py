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
    from device.appliance.secrecy import hide_memory
    from device.appliance.service_manager import ServiceManager
    from device.errors import BitternError

    hide_memory()
    try:
        return _run_safe(chosen) if chosen.safe else _run(chosen)
    except BitternError as failure:
        # What `systemctl status` shows of a service that has failed.
        ServiceManager().status(failure.what.partition("\n")[0])
        raise


def _run(chosen: argparse.Namespace) -> int:
    from device.daemon.service import serve
    from device.settings.store import load_to_serve

    loaded = load_to_serve(chosen.config)
    _log(loaded.settings.log, chosen.verbose)
    asyncio.run(serve(loaded, lambda: load_to_serve(chosen.config)))
    return 0


def _run_safe(chosen: argparse.Namespace) -> int:
    from device.daemon.safe import serve_safely
    from device.settings.store import load_to_serve
    from device.settings.tree import Log

    _log(Log(), chosen.verbose)
    return asyncio.run(serve_safely(lambda: load_to_serve(chosen.config)))


def _log(log: Log, is_verbose: bool) -> None:
    """Log lines as the settings say."""
    from device.appliance.journal import is_available, is_journalled, log_to_journal
    from device.logs import log_to_terminal

    is_wanted = log.format == "journal"
    if log.format == "auto":
        is_wanted = is_journalled() and is_available()
    begin = log_to_journal if is_wanted else log_to_terminal
    begin("debug" if is_verbose else log.level)

"""``bittern config``: check, show and explain the settings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from device.cli import Commands
from device.errors import EXIT_FAILURE


def add_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare ``bittern config check|show|reference``."""
    family = commands.add_parser("config", help="check, show and explain the settings")
    config = family.add_subparsers(dest="config_command", metavar="COMMAND", required=True)

    check = config.add_parser("check", help="name every mistake in a settings file; exit 1 if any")
    check.add_argument("file", nargs="?", type=Path, help="default: the file that is in force")
    check.set_defaults(run=run_check)

    show = config.add_parser("show", help="print the settings in force, secrets hidden")
    add_config_option(show)
    show.add_argument("--json", action="store_true", help="with the origin of each key")
    show.set_defaults(run=run_show)

    reference = config.add_parser("reference", help="print what every key means, as markdown")
    reference.add_argument("--toml", action="store_true", help="as a commented settings file")
    reference.set_defaults(run=run_reference)


def add_config_option(command: argparse.ArgumentParser) -> None:
    """Give a command the option ``--config FILE`` (``arguments.config: Path | None``)."""
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings file; default: $BITTERN_CONFIG, /etc/bittern/bittern.toml, "
        "~/.config/bittern/bittern.toml",
    )


def run_check(arguments: argparse.Namespace) -> int:
    """Print each mistake in one line, or what is in force when there is none."""
    from device.panel.boards import load_board
    from device.schema.mistakes import MistakesError
    from device.settings.load import SHIPPED, load_settings
    from device.settings.show import key_state

    try:
        loaded = load_settings(arguments.file)
        load_board(loaded.settings.panel.board)
    except MistakesError as bad:
        for mistake in bad.mistakes:
            print(mistake, file=sys.stderr)
        return EXIT_FAILURE
    print(f"{loaded.user_file or SHIPPED}: good")
    for endpoint in loaded.settings.endpoints():
        print(f"  endpoint {endpoint.name}: key {key_state(endpoint, os.environ)}")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Print the effective settings."""
    import json

    from device.settings.load import load_settings
    from device.settings.show import as_json, as_text

    loaded = load_settings(arguments.config)
    if arguments.json:
        print(json.dumps(as_json(loaded, os.environ), indent=2, ensure_ascii=False))
    else:
        print(as_text(loaded, os.environ))
    return 0


def run_reference(arguments: argparse.Namespace) -> int:
    """Print the reference of all keys."""
    from device.settings.show import reference
    from device.settings.template import template

    print(template() if arguments.toml else reference(), end="" if arguments.toml else "\n")
    return 0

"""``bittern config``: check, show and explain the settings."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from device.cli import Commands
from device.errors import EXIT_FAILURE

if TYPE_CHECKING:
    from device.settings.tree import Settings


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

    try:
        loaded = load_settings(arguments.file)
        load_board(loaded.settings.panel.board)
    except MistakesError as bad:
        for mistake in bad.mistakes:
            print(mistake, file=sys.stderr)
        return EXIT_FAILURE
    print(f"{loaded.user_file or SHIPPED}: good")
    for old in loaded.retired:
        print(old, file=sys.stderr)
    return _check_keys(loaded.settings)


def _check_keys(settings: Settings) -> int:
    """Say how it is with each endpoint's key; 1 where one is none."""
    from device.settings.key_store import service_environment
    from device.settings.secrets import KeyFileError, find_key, in_the_clear
    from device.settings.show import key_state

    environ, is_hidden = service_environment(settings.endpoints())
    status = 0
    for endpoint in settings.endpoints():
        state = key_state(endpoint, environ)
        if state == "not found" and is_hidden:
            state = "not found here; those of the service only root can see (sudo)"
        print(f"  endpoint {endpoint.name}: key {state}")
        try:
            find_key(endpoint, environ)
        except KeyFileError as failure:
            print(f"endpoint {endpoint.name}: {failure}", file=sys.stderr)
            status = EXIT_FAILURE
        if (warning := in_the_clear(endpoint)) is not None:
            print(f"endpoint {endpoint.name}: {warning}", file=sys.stderr)
    return status


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

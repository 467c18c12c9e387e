"""The ``bittern`` command: one module per family of commands, and no logic of its own.

A family is a module of this package with two functions::

    def add_commands(commands: Commands) -> None   # declare the sub-commands
    # each sub-parser sets ``run``: a function of the parsed arguments that
    # returns the exit status, and imports what it needs when it is called

so that ``bittern --help`` costs no model, no sound card and no event loop.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from device import __version__
from device.errors import EXIT_FAILURE, BitternError
from device.plain_text import lines

Commands = argparse._SubParsersAction  # the public name argparse never gave it

FAMILIES: tuple[str, ...] = (
    "run",
    "control",
    "watch",
    "turns",
    "household",
    "setup",
    "doctor",
    "spending",
    "factory_reset",
    "talk",
    "demo",
    "brain",
    "bench",
    "config",
    "models",
    "notices",
    "wake",
    "panel",
    "board",
    "mic",
    "devices",
    "sounds",
    "simulate",
    "tools",
    "mcp",
    "camera",
    "update",
)
"""Modules of this package that declare commands, in the order ``--help`` shows them."""


class FamilyParser(argparse.ArgumentParser):
    """A parser that may put off declaring its own commands until it is asked for one of them."""

    later: Callable[[FamilyParser], None] | None = None
    """Declares them; for a family whose declaration loads much of what it runs."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As usual, everything declared."""
        declare, self.later = self.later, None
        if declare is not None:
            declare(self)
        return super().parse_known_args(args, namespace)


def parser() -> FamilyParser:
    """Build the parser of the whole command, every family declared."""
    root = FamilyParser(
        prog="bittern", description="A voice appliance that you can trust in your kitchen."
    )
    root.add_argument("--version", action="version", version=f"bittern {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for family in FAMILIES:
        importlib.import_module(f"{__name__}.{family}").add_commands(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, with every known failure as one clear message."""
    chosen = parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except BitternError as failure:
        print(f"bittern: {lines(failure.what)}", file=sys.stderr)
        if failure.advice:
            print(f"         {lines(failure.advice)}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`bittern … | head`): not a failure, but
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    return status

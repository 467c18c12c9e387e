"""``bittern bench``: every figure we quote, as a command."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from device.cli import Commands, FamilyParser

BENCHES = (
    "turn",
    "listen",
    "endpointing",
    "brain",
    "clients",
    "echo",
    "daemon",
    "evening",
    "television",
    "one_breath",
    "loudness",
    "servers",
)
"""Modules of ``device.workshop.bench``; each declares itself with ``add_command(benches)``."""


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``bench``."""
    parser: FamilyParser = commands.add_parser(
        "bench",
        help="measure: what listening costs, how fast a turn is, what the brain can do",
        description="Measures on this machine. Figures of a PC are not figures of a Pi.",
    )
    parser.later = _declare


def _declare(parser: FamilyParser) -> None:
    """Their modules are what they run: models, rooms, clouds, the brain. Nobody else is to pay."""
    benches: argparse._SubParsersAction[FamilyParser] = parser.add_subparsers(
        dest="bench", metavar="WHAT", required=True
    )
    for name in BENCHES:
        importlib.import_module(f"device.workshop.bench.{name}").add_command(benches)

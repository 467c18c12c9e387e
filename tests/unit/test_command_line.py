"""The command line as a whole: every help can be printed, and declaring it loads nothing."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator

import pytest

from device.cli import FamilyParser, main, parser

HEAVY = ("numpy", "onnxruntime", "websockets", "yaml", "device.brain", "device.workshop")


def paths(of: argparse.ArgumentParser, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of a parser, and those below it."""
    yield before
    if isinstance(of, FamilyParser) and of.later is not None:
        declare, of.later = of.later, None
        declare(of)
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from paths(below, (*before, name))


ALL = [" ".join(path) for path in paths(parser())]


@pytest.mark.parametrize("path", ALL)
def test_every_help_can_be_printed(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*path.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {f'bittern {path}'.strip()}")


def test_families_of_families_are_walked_too() -> None:
    assert {"bench turn", "wake list", "tools new", "run"} <= set(ALL)


def test_declaring_all_commands_loads_none_of_what_they_run() -> None:
    """What runs for months on a small machine must not hold what another command needs."""
    code = (
        "import sys; from device.cli import parser; parser().parse_args(['run']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"

"""Our lines in a Raspberry Pi's config.txt, with the scripts' own functions, in bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).resolve().parents[3] / "scripts" / "lib" / "appliance.sh"
BEGIN = "# >>> bittern: written by scripts/install.sh, do not edit in between"
END = "# <<< bittern"
THEIRS = "dtparam=audio=on\n[pi4]\narm_boost=1\n"
OURS = f"{BEGIN}\n[all]\ndtparam=spi=on\n{END}\n"


def bash(commands: str, *arguments: object, given: str = "") -> str:
    done = subprocess.run(
        ["bash", "-euc", f'. "$0"\n{commands}', FUNCTIONS, *map(str, arguments)],
        input=given, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (THEIRS, THEIRS),
        (THEIRS + OURS, THEIRS),
        (OURS + THEIRS, THEIRS),
        # Somebody has removed a marker: what is theirs must not go with ours.
        (f"{BEGIN}\ndtparam=spi=on\n{THEIRS}", f"{BEGIN}\ndtparam=spi=on\n{THEIRS}"),
        (f"{BEGIN}\n{THEIRS}{OURS}", f"{BEGIN}\n{THEIRS}"),
        (f"{THEIRS}{END}\n", f"{THEIRS}{END}\n"),
    ],
)
def test_nothing_but_what_stands_between_both_markers_is_taken_out(
    tmp_path: Path, before: str, after: str
) -> None:
    config = tmp_path / "config.txt"
    config.write_text(before)
    assert bash('without_our_lines "$1"', config) == after


def test_it_is_replaced_whole(tmp_path: Path) -> None:
    config = tmp_path / "config.txt"
    config.write_text(THEIRS)
    with config.open() as old:
        bash('put_boot_config "$1"', config, given=THEIRS + OURS)
        # Whoever reads it meanwhile reads all of the old one.
        assert old.read() == THEIRS
    assert config.read_text() == THEIRS + OURS
    assert [path.name for path in tmp_path.iterdir()] == ["config.txt"]

"""Each promise of the privacy page is broken on purpose, and its test must fail.

The table is applied to a copy of the clone. That takes minutes, and is asked for by
``BITTERN_BREAKS=1``; that the table still fits the code is looked at always.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((REPOSITORY / "tests/data/privacy_breaks.toml").read_text(encoding="utf-8"))
BREAKS: list[dict[str, Any]] = TABLE["break"]
PROOFS = {
    proof
    for sentence in tomllib.loads(
        (REPOSITORY / "tests/data/privacy_promises.toml").read_text(encoding="utf-8")
    )["sentence"]
    for proof in sentence.get("proofs", [])
}
FAILED = 1
"""How pytest ends when tests failed; anything else has shown nothing."""


def edits(each: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The files of a break, what stands there, and what shall."""
    return [(each["file"], each["old"], each["new"]), *map(tuple, each.get("and", []))]


@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each["test"].partition("::")[2])
def test_the_table_fits_the_code(each: dict[str, Any]) -> None:
    assert each["test"] in PROOFS
    for file, old, _ in edits(each):
        assert (REPOSITORY / file).read_text(encoding="utf-8").count(old) == 1


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    for name in ("device", "tests", "firmware_config", "systemd", "scripts", "docs"):
        shutil.copytree(
            REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


@pytest.mark.skipif("BITTERN_BREAKS" not in os.environ, reason="asked for by BITTERN_BREAKS=1")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("each", BREAKS, ids=lambda each: each["test"].partition("::")[2])
def test_a_broken_promise_is_noticed(copy: Path, each: dict[str, Any]) -> None:
    sound: dict[Path, str] = {}
    for name, old, new in edits(each):
        text = (copy / name).read_text(encoding="utf-8")
        sound.setdefault(copy / name, text)
        (copy / name).write_text(text.replace(old, new), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", each["test"]],
            cwd=copy, env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True,
        )  # fmt: skip
    finally:
        for file, text in sound.items():
            file.write_text(text, encoding="utf-8")
    assert done.returncode == FAILED, done.stdout[-2000:]

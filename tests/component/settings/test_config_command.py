"""``bittern config``, as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

KEY = "sk-test-0123456789abcdefghij"


def bittern(*arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "device", "config", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**clean, "BITTERN_CONFIG": "", **environ},
        cwd=Path(__file__).parents[3],
    )


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.toml"
    path.write_text('[assistant]\nname = "Käthe"\n\n[[endpoint]]\nname = "openai"\nvoice = "ash"\n')
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.toml"
    path.write_text(f'[microphone]\nrate_hz = 1\n[[endpoint]]\nname = "openai"\nkey = "{KEY}"\n')
    return path


def test_check_says_good(good: Path) -> None:
    done = bittern("check", good)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"{good}: good"


def test_check_names_each_mistake_in_one_line_and_exits_1(bad: Path) -> None:
    done = bittern("check", bad)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert [line.split(" = ")[0] for line in lines] == [
        f"{bad}:2: microphone.rate_hz",
        f"{bad}:5: endpoint#1.key",
    ]
    assert KEY not in done.stderr


def test_check_looks_at_the_board_too(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text('[panel]\nboard = "respeaker"\n')
    done = bittern("check", path)
    assert done.returncode == 1
    assert 'panel.board = "respeaker": expected a board of: ' in done.stderr


def test_other_commands_end_with_78_on_bad_settings(bad: Path) -> None:
    done = bittern("show", "--config", bad)
    assert done.returncode == 78
    assert done.stderr.startswith(f"bittern: {bad}:2: microphone.rate_hz = 1: expected 0 (")
    assert "Traceback" not in done.stderr


def test_show_prints_toml_that_can_be_used_again(good: Path, tmp_path: Path) -> None:
    shown = bittern("show", "--config", good, OPENAI_API_KEY=KEY)
    assert shown.returncode == 0
    assert KEY not in shown.stdout
    assert "# key: hidden, from $OPENAI_API_KEY" in shown.stdout
    assert f'name = "Käthe"  # {good}:2' in shown.stdout
    again = tmp_path / "again.toml"
    again.write_text(shown.stdout)
    assert tomllib.loads(bittern("show", "--config", again).stdout) == tomllib.loads(shown.stdout)


def test_show_as_json(good: Path) -> None:
    shown = bittern("show", "--json", "--config", good, OPENAI_API_KEY=KEY)
    assert KEY not in shown.stdout
    content = json.loads(shown.stdout)
    assert content["file"] == str(good)
    assert content["settings"]["endpoint"][0]["voice"] == "ash"
    assert content["origins"]["endpoint.openai.voice"] == f"{good}:6"
    assert content["keys"] == {"openai": "hidden, from $OPENAI_API_KEY", "brain": "none needed"}


def test_the_reference_names_every_key() -> None:
    text = bittern("reference").stdout
    assert "| `rate_hz` | 0 (the device's own) or one of 8000," in text
    assert "## `[[endpoint]]`" in text


def test_the_reference_as_toml_is_good(tmp_path: Path) -> None:
    path = tmp_path / "all.toml"
    path.write_text(bittern("reference", "--toml").stdout)
    assert bittern("check", path).returncode == 0


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf[log]\r\nlevel = 'debug'\r\n", b"# none\n"])
def test_small_but_good(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "small.toml"
    path.write_bytes(content)
    assert bittern("check", path).returncode == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01",
        b"[[[[",
        b"a = " + b"{a=" * 3000,
        b"a=" + b"[" * 400 + b"]" * 400,
        b"= 1",
        "ü".encode("latin-1"),
    ],
)
def test_no_traceback_whatever_the_file_holds(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    done = bittern("check", path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(str(path))


def test_check_names_a_mistake_in_a_key_and_a_key_in_the_clear(tmp_path: Path) -> None:
    path = tmp_path / "bittern.toml"
    path.write_text(
        '[[endpoint]]\nname = "house"\nurl = "ws://house.lan:8765"\nkey_env = "HOUSE_KEY"\n'
    )
    done = bittern("check", str(path), HOUSE_KEY='"sk-secret"')
    assert done.returncode == 1
    assert "endpoint house: $HOUSE_KEY does not hold a key: it is in quotes" in done.stderr
    assert "in the clear" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    good = bittern("check", str(path), HOUSE_KEY="sk-secret")
    assert good.returncode == 0
    assert "in the clear" in good.stderr

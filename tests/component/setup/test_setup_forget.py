"""What a factory reset takes and what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from device.settings.forget import forget

REPOSITORY = Path(__file__).parents[3]
MINE = """\
[assistant]
instructions = "You know where we keep the spare key."
[microphone]
device = "USB"
channel = 1
[panel]
board = "led-and-button"
brightness_percent = 5
"""


def house(folder: Path) -> tuple[Path, Path, Path]:
    settings, state, keys = folder / "bittern.toml", folder / "state", folder / "keys"
    settings.write_text(MINE)
    (folder / "bittern.toml.before-setup").write_text(MINE)
    for name in ("models/wake", "recordings/today"):
        (state / name).mkdir(parents=True)
        (state / name / "file").write_text("x")
    (state / "house.sqlite3").write_text("timers")
    keys.mkdir()
    (keys / "OPENAI_API_KEY.cred").write_text("sealed")
    return settings, state, keys


def test_the_hardware_and_the_models_stay(tmp_path: Path) -> None:
    settings, state, keys = house(tmp_path)
    forget(settings, state, keys)
    assert tomllib.loads(settings.read_text()) == {
        "panel": {"board": "led-and-button"},
        "microphone": {"device": "USB", "channel": 1},
    }
    assert [path.name for path in state.iterdir()] == ["models"]
    assert (state / "models" / "wake" / "file").exists()
    assert list(keys.iterdir()) == []
    assert not (tmp_path / "bittern.toml.before-setup").exists()


def test_settings_that_cannot_be_read_are_forgotten_too(tmp_path: Path) -> None:
    settings, state, keys = house(tmp_path)
    settings.write_text("[assistant\n")
    forget(settings, state, keys)
    assert tomllib.loads(settings.read_text()) == {}


def test_the_copies_are_forgotten_too(tmp_path: Path) -> None:
    """An update saves data and settings, an installer writes beside what it replaces."""
    settings, state, keys = house(tmp_path)
    saved = tmp_path / "saved"
    for folder in ("0123456789ab", ".0123456789ab.new", "set-aside-20260101-000000"):
        (saved / folder).mkdir(parents=True)
        (saved / folder / "house.sqlite3").write_text("timers")
        (saved / folder / "bittern.toml").write_text(MINE)
    for name in (".bittern.toml.new", "bittern.toml.before-setup", ".bittern.a1B2c3"):
        (tmp_path / name).write_text(MINE)
    forget(settings, state, keys, [saved])
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["bittern.toml", "file"]
    assert b"spare key" not in b"".join(path.read_bytes() for path in left)


def test_a_state_that_the_settings_have_elsewhere_is_forgotten(tmp_path: Path) -> None:
    settings, state, keys = house(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / "house.sqlite3").write_text("timers")
    settings.write_text(f'[paths]\nstate = "{other}"\n')
    forget(settings, state, keys)
    assert list(other.iterdir()) == []
    assert [path.name for path in state.iterdir()] == ["models"]


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    settings, state, keys = house(tmp_path)
    outside = tmp_path / "precious"
    outside.mkdir()
    (outside / "file").write_text("not ours")
    (state / "link").symlink_to(outside)
    forget(settings, state, keys)
    assert (outside / "file").exists()
    assert not os.path.lexists(state / "link")


def test_the_command(tmp_path: Path) -> None:
    settings, state, keys = house(tmp_path)
    settings.write_text(f'{MINE}[paths]\nstate = "{state}"\n')
    keys.rename(tmp_path / "moved")
    command = [sys.executable, "-m", "device", "factory-reset", "--config", str(settings)]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / "bittern" / "keys").mkdir(parents=True)
    (tmp_path / "bittern" / "keys" / "openai").write_text("sk-x")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], stdin=subprocess.DEVNULL, env=environment, cwd=REPOSITORY,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    assert run("--requested").returncode == 0
    refused = run()
    assert (refused.returncode, "terminal" in refused.stderr) == (1, True)
    assert (state / "house.sqlite3").exists()
    assert run("--yes").returncode == 0
    assert not (state / "house.sqlite3").exists()
    assert not (tmp_path / "bittern" / "keys" / "openai").exists()

"""The first-run wizard, at a pseudo-terminal, with files for the sound and a scripted cloud."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio.files import read_sound, write_sound
from device.audio.samples import silence
from device.audio.sounds import brain_voice

RATE_HZ = 24_000
SECRET = "sk-right-0123456789abcdef"
MIC_STEP_S = 5.3


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some words for the level meter, then the wake word three times."""
    voice = brain_voice()

    def pause(seconds: float) -> Any:
        return silence(round(seconds * RATE_HZ))

    first = voice("One, two, three. Can you hear me?")
    wanted = round(MIC_STEP_S * RATE_HZ)
    parts = [np.resize(np.concatenate((first, pause(1.0))), wanted)]
    for _ in range(3):
        parts += [pause(2.5), voice("Hey Jarvis")]
    sound = np.concatenate([*parts, pause(3.0)])
    noise = np.random.default_rng(0).normal(0.0, 12.0, len(sound))
    path = tmp_path_factory.mktemp("setup") / "person.wav"
    write_sound(path, np.clip(sound + noise, -32_768, 32_767).astype(np.int16), RATE_HZ)
    return path


MINE = """\
# mine
[speaker]
volume_percent = 55  # not louder, the baby
"""


def settings_for(cloud: Any) -> str:
    endpoint = f'[[endpoint]]\nname = "openai"\nurl = "{cloud.url}"\nkey_env = "HOUSE_KEY"\n'
    return f"{MINE}{endpoint}"


def kept_in(file: str) -> tuple[str, int]:
    path = Path(file)
    return path.read_text().strip(), path.stat().st_mode & 0o777


async def in_a_thread(play: Any) -> Any:
    return await asyncio.to_thread(play)


async def test_the_whole_way(
    tmp_path: Path, cloud_of: Any, person_at: Any, recording: Path
) -> None:
    cloud = await cloud_of({"server": {"key": SECRET}})
    file, played = tmp_path / "bittern.toml", tmp_path / "played.wav"
    file.write_text(settings_for(cloud))

    def play() -> None:
        person = person_at("--config", file, "--wav", recording, "--out", played)
        person.answers("Enter begins, s skips")
        assert "#" in person.sees("dBFS")
        assert "Good" in person.answers("Enter goes on, r does")
        person.answers("Enter begins, s skips")
        person.answers("n if you heard nothing", "40")
        person.answers("n if you heard nothing")
        person.answers("Hear what your microphone heard?", "n")
        person.answers("Enter goes on, r does")
        person.answers("Enter begins, s skips")
        person.answers("Which word?")
        scores = person.answers("Enter goes on, r does", within_s=40.0)
        assert scores.count(", score ") == 3
        assert "3 of 3 were heard" in scores
        person.answers("Enter begins, s skips")
        person.answers("Enter goes on without", "sk-wrong-0123456789abcdef")
        assert "refused key" in person.answers("Keep it all the same?")
        person.answers("Try another?")
        person.answers("Enter goes on without", SECRET)
        assert "It works" in person.answers("Enter goes on, r does")
        person.answers("Enter begins, s skips", "s")
        person.answers("Enter begins, s skips", "s")
        person.answers("A number does that step again")
        changes = person.answers("Write them to")
        assert "speaker.volume_percent = 40" in changes
        assert "endpoint.openai.key_file" in changes
        assert person.ends() == 0
        assert "sk-" not in person.shown

    await in_a_thread(play)
    written = file.read_text()
    assert "volume_percent = 40  # not louder, the baby" in written
    assert written.startswith("# mine\n")
    assert "sk-" not in written
    key_file = tomllib.loads(written)["endpoint"][0]["key_file"]
    assert kept_in(key_file) == (SECRET, 0o600)
    assert (tmp_path / "bittern.toml.before-setup").read_text() == settings_for(cloud)
    sound, _ = read_sound(played)
    assert np.abs(sound.astype(int)).max() > 500
    assert cloud.visits[-1].audio == b""


async def test_a_step_alone_done_twice_and_nothing_written(
    tmp_path: Path, cloud_of: Any, person_at: Any
) -> None:
    cloud = await cloud_of({"server": {"key": SECRET}})
    file = tmp_path / "bittern.toml"
    file.write_text(settings_for(cloud))

    def play() -> None:
        person = person_at("key", "--config", file)
        person.answers("Enter goes on without", "")
        person.answers("Enter goes on, r does", "r")
        person.answers("Enter goes on without", "sk-other-0123456789abcdef")
        person.answers("Keep it all the same?", "y")
        person.answers("Enter goes on, r does")
        person.answers("A number does that step again", "1")
        person.answers("- goes on", "-")
        person.answers("Enter goes on, r does")
        person.answers("A number does that step again")
        person.answers("Write them to", "n")
        assert "Nothing was written" in person.sees("Nothing was written")
        assert person.ends() == 0

    await in_a_thread(play)
    assert file.read_text() == settings_for(cloud)


def test_the_board_is_chosen_and_written_into_a_new_file(tmp_path: Path, person_at: Any) -> None:
    file = tmp_path / "new" / "bittern.toml"
    person = person_at("board", "--config", file)
    listed = person.sees("Which board?")
    number = next(line.split()[0] for line in listed.splitlines() if "led-and-button:" in line)
    person.types(number.lstrip("*"))
    person.answers("Press them; Enter ends")
    assert "does not work here" in person.answers("Enter goes on, r does")
    person.answers("A number does that step again")
    person.answers("Write them to")
    assert person.ends() == 0
    assert tomllib.loads(file.read_text()) == {"panel": {"board": "led-and-button"}}


@pytest.mark.parametrize("keys", [b"\x04", b"\x03"])
def test_going_away_changes_nothing_and_leaves_the_terminal_alone(
    tmp_path: Path, person_at: Any, keys: bytes
) -> None:
    file = tmp_path / "bittern.toml"
    file.write_text(f'{MINE}[[endpoint]]\nname = "openai"\nurl = "ws://127.0.0.1:9"\n')
    person = person_at("key", "--config", file)
    person.sees("Enter goes on without")
    person.presses(keys)
    assert person.ends() == 130
    assert "Traceback" not in person.shown
    assert file.read_text().startswith(MINE)
    assert list(tmp_path.glob("*.before-setup")) == []


def test_without_a_terminal_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "device", "setup"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr
    assert "--unattended" in done.stderr


def test_an_unknown_step_and_a_broken_file(tmp_path: Path, person_at: Any) -> None:
    person = person_at("kitchen")
    assert person.ends() == 1
    assert "There are: microphone" in person.shown
    broken = tmp_path / "broken.toml"
    broken.write_text("[speaker]\nvolume_percent = 900\n")
    person = person_at("speaker", "--config", broken)
    assert person.ends() == 78
    assert "volume_percent" in person.shown

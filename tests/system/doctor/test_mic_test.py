"""``bittern mic test`` through PortAudio and a real sound server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

SECONDS = "1.5"


def tone(server: Any, amplitude: float, seconds: float = 8.0) -> np.ndarray:
    moments = np.arange(round(seconds * server.rate_hz)) / server.rate_hz
    noise = np.random.default_rng(1).normal(0, 20, len(moments))
    # In words, with pauses between them: a tone without an end would be a loud room.
    is_word = moments % 0.5 < 0.3
    sound = amplitude * np.sin(2 * np.pi * 440 * moments) * is_word + noise
    return np.clip(sound, -32_768, 32_767).astype(np.int16)


def mic_test(server: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "device", "mic", "test", "--json", *arguments],
        env=server.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_voice_is_measured_and_played_back(sound_server: Any) -> None:
    sound_server.say(tone(sound_server, 8_000))
    heard = sound_server.hear()
    code, report = mic_test(sound_server, "--seconds", SECONDS, "--device", "test_microphone")
    channel = report["channels"][0]
    assert (code, channel["verdict"]) == (0, "good")
    assert channel["loudest_dbfs"] == pytest.approx(20 * np.log10(8_000 / 32_768) - 3, abs=1.0)
    assert report["playback_trouble"] is None
    sound = np.frombuffer(heard.read_bytes()[: heard.stat().st_size // 2 * 2], np.int16)
    audible = np.count_nonzero(np.abs(sound.astype(int)) > 1_000) / sound_server.rate_hz
    # A sine is above an eighth of its height for 92 % of the time, and words are 60 %.
    assert audible == pytest.approx(0.92 * 0.6 * float(SECONDS), abs=0.25)


def test_a_clipping_microphone(sound_server: Any) -> None:
    sound_server.say(tone(sound_server, 60_000))
    code, report = mic_test(sound_server, "--seconds", SECONDS, "--no-playback")
    assert (code, report["channels"][0]["verdict"]) == (2, "warning")
    assert "clipping" in report["channels"][0]["found"]


def test_the_dead_channel_of_two_is_found(sound_server: Any, tmp_path: Any) -> None:
    sound_server.control(
        "load-module", "module-null-sink", "sink_name=pair", "norewinds=1", "rate=48000",
        "channels=2", "format=s16le",
    )  # fmt: skip
    sound_server.control("set-default-source", "pair.monitor")
    right = tone(sound_server, 8_000)
    stereo = np.stack([np.zeros_like(right), right], axis=1)
    raw = tmp_path / "stereo.raw"
    raw.write_bytes(stereo.tobytes())
    form = ["--raw", "--rate=48000", "--channels=2", "--format=s16le"]
    with subprocess.Popen(["paplay", *form, "-d", "pair", raw], env=sound_server.environment) as it:
        code, report = mic_test(
            sound_server, "--seconds", SECONDS, "--no-playback", "--device", "default"
        )
        it.kill()
    assert [each["is_dead"] for each in report["channels"]] == [True, False]
    assert (code, report["used_channel"]) == (1, 0)


def test_without_a_microphone_it_says_so(sound_server: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "device", "mic", "test", "--device", "no such thing"],
        env=sound_server.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'no microphone "no such thing"' in done.stderr
    assert "Traceback" not in done.stderr


def doctor(server: Any, *arguments: str) -> dict[str, dict[str, Any]]:
    environment = {**server.environment, "OPENAI_API_KEY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "device", "doctor", "--json", *arguments],
        env=environment, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    return {each["check"]: each for each in report["findings"]}


def test_the_doctor_hears_the_echo_of_a_speaker(sound_server: Any, tmp_path: Any) -> None:
    """``test_echo`` hears what is played, as a microphone beside its speaker does."""
    settings = tmp_path / "mine.toml"
    settings.write_text(
        '[microphone]\ndevice = "test_echo"\n[speaker]\ndevice = "test_speaker"\n'
        'volume_percent = 100\n[[endpoint]]\nname = "brain"\n'
    )
    found = doctor(sound_server, "--sound", "--config", str(settings))
    assert "test_echo" in found["sound devices"]["found"]
    assert "heard" in found["echo path"]["found"], found["echo path"]
    assert found["speaker"]["verdict"] == "good"

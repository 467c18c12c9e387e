"""From sound card to sound card, as a newcomer meets it: real processes, models and sockets."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.audio.files import read_sound, write_sound
from device.audio.resample import resample
from device.audio.samples import Samples, silence
from device.audio.sounds import brain_voice

RATE_HZ = 24_000
PATIENCE_S = 90.0
READY_WITHIN_S = 30.0
MARKS = ["wake_s", "link_ready_s", "first_audio_sent_s", "speech_end_s"]
MARKS += ["first_audio_received_s", "first_audio_played_s", "done_s"]


@pytest.fixture(scope="module")
def question(tmp_path_factory) -> Path:
    """A synthesized person asks for the time, in one breath."""
    folder = tmp_path_factory.mktemp("question")
    room = np.random.default_rng(1).normal(0.0, 12.0, 7 * RATE_HZ)
    said = np.concatenate((silence(RATE_HZ), brain_voice()("Hey Jarvis, what time is it?")))
    room[: len(said)] += said
    path = folder / "question.wav"
    write_sound(path, room.astype(np.int16)[: len(said) + RATE_HZ], RATE_HZ)
    return path


@pytest.fixture(scope="module")
def transcribe() -> Callable[[Samples, int], str]:
    """The brain's own ears, to hear what its voice said."""
    from device.brain.base.abilities import Cancellation
    from device.brain.hearing.stt import WhisperTranscriber
    from device.models import path_of

    transcriber = WhisperTranscriber(path_of("whisper-tiny.en"))

    def heard(sound: Samples, rate_hz: int) -> str:
        told = transcriber.transcribe(resample(sound, rate_hz, 16_000), "en", Cancellation())
        return told.text

    return heard


def bittern(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "device", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


def events_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    return {event["event"]: event for event in map(json.loads, done.stdout.splitlines())}


def words(text: str) -> list[str]:
    """As people hear them: no marks, no case."""
    return re.findall(r"[a-z]+", text.lower().replace("o'clock", "oclock"))


def likeness(said: str, heard: str) -> float:
    wanted = [word for word in words(said) if not word.isdigit()]
    return sum(word in words(heard) for word in wanted) / max(len(wanted), 1)


def test_a_recording_is_answered_with_the_right_time(question, tmp_path, transcribe):
    answer = tmp_path / "answer.wav"
    before = dt.datetime.now()
    done = bittern("talk", "--wav", question, "--out", answer, "--json")
    after = dt.datetime.now()
    assert done.returncode == 0, done.stderr
    events = events_of(done)
    assert events["wake"]["word"] == "hey jarvis"
    assert "time" in str(events["heard"]["text"]).lower()
    told = events["tool"]["result"]["time"]
    assert told in {before.strftime("%H:%M"), after.strftime("%H:%M")}
    times = [events["turn"][mark] for mark in MARKS]
    assert None not in times
    assert events["turn"]["wake_s"] < events["turn"]["first_audio_sent_s"]
    assert sorted(times[3:]) == times[3:]
    heard = transcribe(*read_sound(answer))
    # The recogniser writes numbers as figures; the words around them must be there.
    plain = re.sub(
        r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
        r"|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty"
        r"|thirty|forty|fifty|oh|hundred)\b",
        "",
        str(events["said"]["text"]).lower(),
    )
    assert likeness(plain, heard) >= 0.6, (events["said"]["text"], heard)


AUDIT = """
import json, sys
calls = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        calls.append(repr(arguments[1:]))
sys.addaudithook(hook)
from device.cli import main
status = main(sys.argv[2:])
json.dump(calls, open(sys.argv[1], "w"))
sys.exit(status)
"""


@pytest.mark.parametrize("name", ["play_the_beatles", "this_is_a_test"])
def test_without_the_wake_word_nothing_reaches_any_socket(name, recordings, tmp_path):
    """Watches every socket call of the process, and an endpoint that counts its visitors."""
    import socket

    recording = recordings / "commands" / f"{name}.flac"
    calls = tmp_path / "calls.json"
    with socket.create_server(("127.0.0.1", 0)) as endpoint:
        endpoint.setblocking(False)
        settings = tmp_path / "bittern.toml"
        settings.write_text(
            "[[endpoint]]\n"
            'name = "watched"\n'
            f'url = "ws://127.0.0.1:{endpoint.getsockname()[1]}"\n'
            "key_required = false\n"
        )
        done = subprocess.run(
            [
                *(sys.executable, "-c", AUDIT, str(calls), "talk", "--wav", str(recording)),
                *("--endpoint", "watched", "--config", str(settings), "--json"),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 3, done.stderr
        assert "no wake word" in done.stderr
        assert json.loads(calls.read_text()) == []
        with pytest.raises(BlockingIOError):
            endpoint.accept()


def test_the_same_through_a_real_sound_server(sound_server, question, tmp_path, transcribe):
    settings = tmp_path / "bittern.toml"
    settings.write_text(
        '[microphone]\ndevice = "test_microphone"\n[speaker]\ndevice = "test_speaker"\n'
        "volume_percent = 100\n[log]\ntranscripts = true\n"
        f'[paths]\nruntime = "{tmp_path}/run"\nstate = "{tmp_path}/state"\n'
    )
    log = tmp_path / "log"
    with log.open("w") as lines:
        appliance = subprocess.Popen(
            [sys.executable, "-m", "device", "run", "--config", str(settings)],
            env=sound_server.environment,
            stderr=lines,
        )
    try:
        wait_for(log, "listening for")
        wait_for_socket(tmp_path / "run" / "brain.sock")
        heard = sound_server.hear()
        sound_server.say(resample(read_sound(question)[0], RATE_HZ, sound_server.rate_hz))
        said = wait_for(log, " said text=")
        wait_for(log, " turn wake_s=")
        appliance.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        assert appliance.wait(5.0) == 0, log.read_text()
        assert time.monotonic() - began_s < 2.0
    finally:
        appliance.kill()
        appliance.wait()
    assert "Traceback" not in log.read_text()
    played = np.frombuffer(heard.read_bytes(), dtype=np.int16)
    told = transcribe(played, sound_server.rate_hz)
    assert re.search(r"it.?s", told.lower()), (said, told)
    assert re.search(r"morning|afternoon|evening|night|noon|o.?clock|\d", told.lower()), told


def wait_for(log: Path, text: str) -> str:
    """Wait until a line of the log holds a text; return the line."""
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if text in line:
                return line
        time.sleep(0.05)
    raise AssertionError(f"no {text!r} within {READY_WITHIN_S} s:\n{log.read_text()}")


def wait_for_socket(path: Path) -> None:
    """Wait until the brain is there, so that the test measures no loading."""
    deadline = time.monotonic() + READY_WITHIN_S
    while not path.exists():
        assert time.monotonic() < deadline, "the brain did not start"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "question.wav"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "question.wav"),
        (b"this is no sound at all" * 50, "question.wav"),
        (None, "question.wav"),
    ],
)
def test_a_file_that_is_no_sound_is_named_without_a_traceback(content, told, tmp_path):
    path = tmp_path / "question.wav"
    if content is not None:
        path.write_bytes(content)
    done = bittern("talk", "--wav", path)
    assert done.returncode not in (0, 3)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[speaker]\nvolume_percent = "loud"', "speaker.volume_percent"),
        ("[speeker]\nvolume_percent = 3", "speaker"),
        ("[microphone]\nrate_hz = 12345", "microphone.rate_hz"),
        ("this is not TOML", "bittern.toml"),
    ],
)
def test_bad_settings_end_with_78_and_say_where(text, told, question, tmp_path):
    settings = tmp_path / "bittern.toml"
    settings.write_text(text)
    done = bittern("talk", "--wav", question, "--config", settings)
    assert done.returncode == 78
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_cut_in_half_is_named(question, tmp_path):
    from device.models import path_of

    model = path_of("silero/silero_vad.onnx")
    store = tmp_path / "models"
    (store / "silero").mkdir(parents=True)
    for kept in model.parent.parent.iterdir():
        if kept.is_dir() and kept.name != "silero":
            (store / kept.name).symlink_to(kept)
        elif kept.is_file():  # what is known of the models: their hashes
            (store / kept.name).write_bytes(kept.read_bytes())
    (store / "silero" / model.name).write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    done = bittern("talk", "--wav", question, BITTERN_MODELS=str(store))
    assert done.returncode not in (0, 3)
    assert "silero" in done.stderr
    assert "bittern models" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_sound_card_the_appliance_says_so():
    cards = Path("/proc/asound/cards")
    if cards.exists() and "no soundcards" not in cards.read_text():
        pytest.skip("this machine has a sound card")
    done = bittern("run", PULSE_SERVER="unix:/nonexistent")
    assert done.returncode == 1
    assert "this machine has no microphone" in done.stderr
    assert "bittern devices" in done.stderr
    assert "Traceback" not in done.stderr

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from device.workshop.simulation.answers import sound_of, tone
from device.workshop.simulation.hearing import EnergyVad, SpeechEdge
from device.workshop.simulation.plan import Frame, plan
from device.workshop.simulation.script import AnswerItem, BadScriptError, read_script, script_from

GOOD = """
[server]
first_delta_ms = 300

[[answers]]
heard = "turn on the light"
[[answers.items]]
call = "set_light"
arguments = { on = true }

[[answers]]
[[answers.items]]
say = "The light is on."

[[faults]]
kind = "reset"
at = "question"
after_ms = 800
connection = 1
"""


def test_a_script_in_toml_and_the_same_in_json(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(GOOD)
    script = read_script(tmp_path / "s.toml")
    assert script.server.first_delta_ms == 300
    assert script.answers[0].items[0].arguments == {"on": True}
    assert script.faults[0].after_ms == 800
    assert script.folder == tmp_path
    import tomllib

    (tmp_path / "s.json").write_text(json.dumps(tomllib.loads(GOOD)))
    assert read_script(tmp_path / "s.json") == script


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"server": {"latency": 1}}, "latency"),
        ({"server": {"chunk_ms": 0}}, "$.server.chunk_ms"),
        ({"faults": [{"kind": "flood", "at": "answer"}]}, "flood"),
        ({"faults": [{"kind": "reset", "at": "lunch"}]}, "lunch"),
        ({"faults": [{"kind": "reset", "at": "listen"}]}, "stall is"),
        ({"faults": [{"kind": "garbage", "at": "upgrade"}]}, "not possible"),
        ({"faults": [{"kind": "status", "at": "answer"}]}, "upgrade only"),
        ({"faults": [{"kind": "fail", "at": "question"}]}, "answer only"),
        ({"answers": [{"items": [{}]}]}, "either `say` or `call`"),
        ({"answers": [{"items": [{"say": "a", "call": "b"}]}]}, "either `say` or `call`"),
    ],
)
def test_scripts_that_cannot_be_played_say_why(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(BadScriptError) as bad:
        script_from(raw, "x.toml")
    assert says in bad.value.what
    assert bad.value.what.startswith("x.toml: ")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[[[")
    (tmp_path / "bad.json").write_text("{")
    for name in ("none.toml", "bad.toml", "bad.json"):
        with pytest.raises(BadScriptError, match=name):
            read_script(tmp_path / name)


# --- sound -----------------------------------------------------------------------------------


def test_a_tone_has_its_length_and_its_pitch() -> None:
    sound = tone(1_000.0, 500)
    assert (sound.dtype, len(sound)) == (np.int16, 12_000)
    spectrum = np.abs(np.fft.rfft(sound.astype(float)))
    assert np.argmax(spectrum) * 24_000 / len(sound) == pytest.approx(1_000, abs=2)
    assert sound[0] == 0  # faded in


def test_words_without_a_file_sound_as_long_as_they_would_take(tmp_path: Path) -> None:
    sound = sound_of(AnswerItem(say="x" * 10), tmp_path, "tone")
    assert len(sound) == 10 * 65 * 24


def test_a_file_is_brought_to_the_wire_rate_in_mono(tmp_path: Path) -> None:
    wave = np.sin(np.arange(16_000) / 10)[:, None] * [[0.5, 0.5]]
    soundfile.write(tmp_path / "a.wav", wave, 16_000)
    sound = sound_of(AnswerItem(say="a", audio="a.wav"), tmp_path, "tone")
    assert len(sound) == 24_000
    assert 15_000 < np.abs(sound).max() < 18_000


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadScriptError, match=r"none\.wav"):
        sound_of(AnswerItem(say="a", audio="none.wav"), tmp_path, "tone")


def test_speech_when_there_is_a_voice(tmp_path: Path) -> None:
    pytest.importorskip("hibari")
    sound = sound_of(AnswerItem(say="Good morning."), tmp_path, "speech")
    assert 0.4 * 24_000 < len(sound) < 3 * 24_000
    assert np.abs(sound).max() > 2_000


# --- hearing ---------------------------------------------------------------------------------


def loud(ms: int) -> Any:
    return np.full(ms * 24, 5_000, dtype=np.int16)


def quiet(ms: int) -> Any:
    return np.zeros(ms * 24, dtype=np.int16)


@pytest.mark.parametrize("block_ms", [7, 20, 33, 5_000])
def test_speech_is_heard_whatever_the_blocks(block_ms: int) -> None:
    sound = np.concatenate([quiet(200), loud(400), quiet(600)])
    vad = EnergyVad(-45.0, 500)
    size = block_ms * 24
    found = [
        h for start in range(0, len(sound), size) for h in vad.hear(sound[start : start + size])
    ]
    assert found == [SpeechEdge("started", 200), SpeechEdge("stopped", 1_100)]


def test_a_click_and_a_pause_are_no_turns() -> None:
    vad = EnergyVad(-45.0, 500)
    sound = np.concatenate([loud(20), quiet(300), loud(200), quiet(300), loud(200), quiet(700)])
    assert [h.what for h in vad.hear(sound)] == ["started", "stopped"]


# --- the order of an answer --------------------------------------------------------------------


def test_the_transcript_deltas_add_up_and_so_does_the_audio() -> None:
    ids = iter(range(100))
    frame = Frame("resp_1", lambda prefix: f"{prefix}_{next(ids)}", "audio", 200)
    words = "One two  three four."
    steps = plan(frame, [(AnswerItem(say=words), tone(440, 1_050))])
    kinds = [type(step.event).__name__ for step in steps]
    assert kinds[:3] == [
        "ResponseOutputItemAdded",
        "ConversationItemAdded",
        "ResponseContentPartAdded",
    ]
    assert kinds[-2:] == ["ConversationItemDone", "ResponseOutputItemDone"]
    deltas = [s.event.delta for s in steps if "TranscriptDelta" in type(s.event).__name__]  # type: ignore[union-attr]
    assert "".join(deltas) == words
    assert sum(step.audio_ms for step in steps) == 1_050
    assert max(step.audio_ms for step in steps) == 200

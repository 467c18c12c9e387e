"""Words out of the machine: whose voice it was is kept, and further voices are told apart."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from device.cli import main
from device.workshop.training.wake import synthesis
from device.workshop.training.wake.corpus import find, is_known, is_person, read, span
from device.workshop.training.wake.kokoro import BrokenVoiceError, Kokoro
from device.workshop.training.wake.pitch import pitch_hz
from device.workshop.training.wake.synthesis import Voices, record
from device.workshop.training.wake.synthesizers import (
    Line,
    NoSynthesizerError,
    SynthesizedSound,
    installed,
)
from device.workshop.training.wake.voices import told_apart

ONE = ("--synthesizer", "hibari")


@pytest.fixture
def no_kokoro(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store without anything in it."""
    store = tmp_path / "models"
    monkeypatch.setenv("BITTERN_MODELS", str(store))
    return store


@pytest.fixture
def kokoro(model) -> Path:
    return model("kokoro")


def test_one_voice_stands_for_many_speakers(no_kokoro: Path, tmp_path: Path) -> None:
    voices = Voices(only=["hibari"])
    assert voices.names == ("hibari hibari",)
    said = list(voices.variants("computer", 4))
    assert len({voices.speaker(each, n) for n, each in enumerate(said)}) == 4
    assert len({len(each.sound) for each in said}) > 1, "no two are alike"


def test_recordings_of_the_synthesizer_are_no_people(no_kokoro: Path, tmp_path: Path) -> None:
    folder = tmp_path / "computer"
    assert record(Voices(only=["hibari"]), "computer", 3, folder) == 3
    assert record(Voices(1, only=["hibari"]), "computer", 2, folder) == 5, "what was there is kept"
    found = find([folder])
    assert len(found) == 5
    assert all(map(is_known, found))
    assert not any(map(is_person, found))
    assert told_apart(found) == found, "nobody guesses who it was"
    for each in found:
        start, end = span(read(each.path))
        assert 0.2 < (end - start) / 16_000 < 1.5


def test_voices_for_a_synthesizer_that_is_not_here_are_told(no_kokoro: Path, tmp_path) -> None:
    with pytest.raises(NoSynthesizerError, match=r"models fetch kokoro"):
        Voices(more=tmp_path)


def test_the_command_says_words_into_folders_named_after_them(
    no_kokoro: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["wake", "say", "Okay Nabu", "jarvis", "--count", "2", *ONE, "--out", str(tmp_path)])
        == 0
    )
    assert len(list((tmp_path / "okay_nabu").glob("*.flac"))) == 2
    speakers = json.loads((tmp_path / "jarvis" / "speakers.json").read_text())
    assert sorted(speakers.values()) == [
        "synthesized hibari hibari 0",
        "synthesized hibari hibari 1",
    ]
    assert 'recordings of "okay nabu"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["", "--out", "OUT"], "nothing to say"),
        (["hello", "--count", "0", "--out", "OUT"], "nothing to say"),
        (["hello", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (["hello", "--out", "OUT", "--voices", "VOICES"], "fetch kokoro"),
    ],
)
def test_what_cannot_be_said_is_told(
    no_kokoro: Path, tmp_path: Path, capsys, arguments: list[str], told: str
) -> None:
    places = {"OUT": str(tmp_path / "out"), "VOICES": str(tmp_path / "voices")}
    assert main(["wake", "say", *(places.get(each, each) for each in arguments)]) == 1
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_each_voice_of_kokoro_is_a_speaker_of_its_own(kokoro: Path) -> None:
    voices = Voices(only=["kokoro"])
    said = list(voices.variants("hey jarvis", len(voices.names)))
    assert {each.voice for each in said} == set(voices.names)
    heights = [pitch_hz(each.sound) for each in said]
    assert max(heights) > 1.4 * min(each for each in heights if each), "men and women"
    assert voices.speaker(said[0], 0) == voices.speaker(said[0], 9)


def test_further_voices_are_added_and_broken_ones_refused(kokoro: Path, tmp_path: Path) -> None:
    with np.load(kokoro / "voices.npz") as packed:
        style = packed[packed.files[0]].astype(np.float32)
    style.tofile(tmp_path / "am_somebody.bin")
    speaker = Kokoro(kokoro, tmp_path)
    assert speaker.names[0] == "am_somebody", "English ones first"
    assert len(speaker.say("hello", "am_somebody")) > 4_000
    with pytest.raises(BrokenVoiceError, match="phonemes"):
        speaker.say("on and on and " * 60, "am_somebody")
    with pytest.raises(BrokenVoiceError, match="no voices"):
        Kokoro(kokoro, tmp_path / "empty")
    (tmp_path / "broken.bin").write_bytes(b"\0" * 1000)
    with pytest.raises(BrokenVoiceError, match=r"broken\.bin"):
        Kokoro(kokoro, tmp_path)


def test_a_voice_between_two_is_neither(kokoro: Path) -> None:
    speaker = Kokoro(kokoro)
    one, other = speaker.names[:2]
    between = speaker.say("hello", f"{one}+{other}")
    for each in (one, other):
        alone = speaker.say("hello", each)
        assert len(alone) != len(between) or not np.allclose(alone, between, atol=0.01)


@pytest.mark.parametrize("name", ["flite", "festival", "espeak-ng", "pico"])
def test_every_other_synthesizer_that_is_here_speaks_in_all_its_voices(name: str) -> None:
    found = {each.name: each for each in installed()}
    if name not in found:
        pytest.skip(f"{name} is not installed")
    said = found[name]
    for voice in said.voices[:3]:
        spoken = said.say(Line("hey computer", voice))
        assert 0.4 < len(spoken.samples) / spoken.rate_hz < 4
        assert np.abs(spoken.samples).max() > 1000
    slow, fast = (said.say(Line("hey computer", said.voices[0], speed)) for speed in (0.8, 1.2))
    assert len(slow.samples) > 1.1 * len(fast.samples)


def test_no_synthesizer_is_all_that_is_heard(no_kokoro: Path, monkeypatch) -> None:
    many, few = (
        SynthesizedSound(np.ones(8000, np.float32), 16_000),
        SynthesizedSound(np.ones(4000, np.float32), 16_000),
    )

    def made(name: str, count: int, spoken: SynthesizedSound) -> SimpleNamespace:
        voices = tuple(map(str, range(count)))
        return SimpleNamespace(name=name, voices=voices, say=lambda _: spoken)

    several = [made("many", 64, many), made("few", 4, few)]
    monkeypatch.setattr(synthesis, "installed", lambda *_, **__: several)
    said = [each.voice for each in Voices().variants("hello", 100)]
    assert sum(each.startswith("few") for each in said) == pytest.approx(20, abs=2)
    assert {each for each in said if each.startswith("few")} == {f"few {n}" for n in range(4)}
    assert len({each for each in said if each.startswith("many")}) == 64

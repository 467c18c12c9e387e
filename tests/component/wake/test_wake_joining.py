"""A synthesized beginning before a recorded ending: heard as one word, whoever spoke."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.workshop.training.wake.corpus import Recording, active_level, find, read, span
from device.workshop.training.wake.joining import Beginnings, NoEndingError, beginning_of, joined
from device.workshop.training.wake.pitch import pitch_hz


def tone(hertz: float) -> np.ndarray:
    time_s = np.arange(16_000) / 16_000
    voice = sum(np.sin(2 * np.pi * hertz * k * time_s) / k for k in range(1, 9))
    return np.asarray(voice * 3000, dtype=np.float32)


@pytest.mark.parametrize("hertz", [90.0, 140.0, 230.0, 330.0])
def test_the_pitch_of_a_voice_is_found(hertz: float) -> None:
    assert pitch_hz(tone(hertz)) == pytest.approx(hertz, rel=0.03)


def test_noise_and_silence_have_no_pitch() -> None:
    assert pitch_hz(np.zeros(16_000, np.float32)) == 0.0
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 2000
    assert pitch_hz(noise) == 0.0


def test_what_is_missing_is_the_rest_of_the_word() -> None:
    ending = Recording(Path("wake/jarvis/7.flac"), "7")
    assert beginning_of("hey jarvis", ending) == "hey"
    with pytest.raises(NoEndingError, match="hey mycroft"):
        beginning_of("hey mycroft", ending)


def test_the_beginning_lies_right_before_the_word_and_as_loud(
    tmp_path: Path, say: Callable[..., np.ndarray]
) -> None:
    folder = tmp_path / "jarvis"
    folder.mkdir()
    word = say("Jarvis")
    hiss = (np.random.default_rng(1).standard_normal(12_000) * 8).astype(np.int16)
    soundfile.write(folder / "ada.wav", np.concatenate((hiss, word, hiss)), 16_000)
    soundfile.write(folder / "bob.wav", word, 16_000)
    long = np.concatenate([say("What a lovely morning this is")] * 2)
    soundfile.write(folder / "sentence.wav", long, 16_000)
    made = joined(find([folder]), Beginnings("hey"), tmp_path / "out", 0, "word")
    assert [each.speaker for each in made] == ["ada", "bob"]
    for each in made:
        sound = read(each.path)
        start, end = span(sound)
        said = read(folder / f"{each.speaker}.wav")
        own_start, own_end = span(said)
        before = (end - start) - (own_end - own_start)
        assert 0.08 * 16_000 < before < 0.7 * 16_000
        first, last = sound[start : start + before // 2], said[own_start:own_end]
        assert 0.2 < active_level(first) / active_level(last) < 3

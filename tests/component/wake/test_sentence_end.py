"""Whether a sentence is finished, judged by its sound: with the real models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from device.ears.heard import ListeningEvent, SpeechEnded, SpeechStarted
from device.ears.listener import VadSettings, build_listener
from device.models import store_at
from device.vad.endpointing import IN_DOUBT, SURELY_FINISHED, SURELY_UNFINISHED
from device.vad.melody import SIZE, melody
from device.vad.sentence_end import EMBEDDING, LOOK_SAMPLES, MEL, MODEL, SentenceEnd, open_judge
from device.wake.open import WakeSettings

Sound = NDArray[np.int16]


@pytest.fixture
def judge(model: Callable[[str], Path]) -> SentenceEnd:
    return SentenceEnd(model(MEL), model(EMBEDDING))


def quiet(seconds: float, seed: int = 3) -> Sound:
    return (np.random.default_rng(seed).normal(size=round(16_000 * seconds)) * 8).astype(np.int16)


@pytest.fixture
def timer(recordings: Path) -> Sound:
    """Somebody says "set a timer for ten minutes": the word "for" ends at 1.30 s."""
    return soundfile.read(recordings / "commands" / "set_timer.flac", dtype="int16")[0]


FOR_ENDS = round(1.30 * 16_000)


def test_the_model_is_small_and_its_card_tells_what_it_is_worth() -> None:
    assert MODEL.stat().st_size < 300_000
    card = json.loads(MODEL.with_suffix(".json").read_text())
    people = card["on_held_out"]["command"]
    assert people["area_under_curve"] > 0.9
    assert people["unfinished_judged_finished"] < 0.1
    assert people["finished_judged_unfinished"] < 0.1
    assert card["believed"]["finished_from"] == SURELY_FINISHED
    assert card["believed"]["unfinished_up_to"] == SURELY_UNFINISHED


def test_a_pause_after_set_a_timer_for_is_not_the_end(judge: SentenceEnd, timer: Sound) -> None:
    paused = np.concatenate((timer[:FOR_ENDS], quiet(0.16)))
    assert judge.probability(paused) < IN_DOUBT


def heard(timer: Sound, pause_s: float, *, judges: bool) -> list[ListeningEvent]:
    ears = build_listener(16_000, WakeSettings(), VadSettings(judges=judges))
    ears.restart(0)
    ears.listen_for_speech(0)
    sound = np.concatenate((timer[:FOR_ENDS], quiet(pause_s), timer[FOR_ENDS:], quiet(2.5)))
    events: list[ListeningEvent] = []
    for at in range(0, len(sound), 320):
        events += ears.process(sound[at : at + 320])
    return [each for each in events if isinstance(each, SpeechStarted | SpeechEnded)]


def test_who_thinks_in_the_middle_is_not_cut_off(
    timer: Sound, model: Callable[[str], Path]
) -> None:
    """A pause of 1.2 s: one sentence for the judge, two for a fixed silence of 0.6 s."""
    model(MEL)
    assert len(heard(timer, 1.2, judges=True)) == 2
    assert len(heard(timer, 1.2, judges=False)) == 4


def test_any_sound_gets_a_probability(judge: SentenceEnd) -> None:
    noise = np.random.default_rng(1).integers(-32_768, 32_768, LOOK_SAMPLES).astype(np.int16)
    for sound in (noise, noise[:100], noise[:0], np.zeros(50_000, np.int16), np.full(9, 32_767)):
        assert 0.0 <= judge.probability(sound.astype(np.int16)) <= 1.0


def test_melody_knows_a_fall_from_a_rise() -> None:
    def glide(from_hz: float, to_hz: float) -> Sound:
        pitch = np.linspace(from_hz, to_hz, 16_000)
        phase = 2 * np.pi * np.cumsum(pitch) / 16_000
        voice = sum(np.sin(k * phase) / k for k in range(1, 8))
        return np.concatenate(((voice * 4000).astype(np.int16), quiet(0.16)))

    fall, rise, level = melody(glide(200, 120)), melody(glide(120, 200)), melody(glide(150, 150))
    assert fall.shape == (SIZE,)
    assert fall[0] < level[0] - 0.3 < level[0] + 0.3 < rise[0] + 0.01
    assert fall[2] < level[2] < rise[2]


def test_without_the_embedding_turns_end_after_the_usual_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert open_judge(store_at(tmp_path)) is None
    assert "nobody judges" in caplog.text

"""Sound as broken hardware delivers it: what is still understood, and what must not be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.audio.resample import resample
from device.ears.heard import ListeningEvent, SpeechEnded, SpeechStarted, WakeWordHeard
from device.ears.listener import Listener, VadSettings, build_listener
from device.wake.open import WakeSettings

Sound = NDArray[np.int16]
Floats = NDArray[np.float64]
RATE_HZ = 48_000
WORD_AT_S = 3.0


@pytest.fixture(autouse=True)
def _models(model: Callable[[str], Path]) -> None:
    model("microwakeword/hey_jarvis.onnx")
    model("silero/silero_vad.onnx")


def listener() -> Listener:
    ears = build_listener(RATE_HZ, WakeSettings(words=("hey jarvis",)), VadSettings())
    ears.restart(0)
    return ears


def hear(ears: Listener, sound: Sound) -> list[ListeningEvent]:
    events: list[ListeningEvent] = []
    for at in range(0, len(sound), 960):
        events += ears.process(sound[at : at + 960])
    return events


def words(events: list[ListeningEvent]) -> list[float]:
    return [each.at_sample / RATE_HZ for each in events if isinstance(each, WakeWordHeard)]


def scene(said: Sound, seconds: float = 6.0, level: float = 20.0) -> Floats:
    """A word in a quiet room, at the microphone's rate."""
    at_the_microphone = resample(said, 16_000, RATE_HZ).astype(np.float64)
    sound = np.random.default_rng(5).normal(size=round(RATE_HZ * seconds)) * level
    start = round(WORD_AT_S * RATE_HZ)
    sound[start : start + len(at_the_microphone)] += at_the_microphone
    return sound


def delivered(sound: Floats) -> Sound:
    return np.clip(np.round(sound), -32_768, 32_767).astype(np.int16)


DEFECTS: dict[str, Callable[[Floats], Floats]] = {
    "small offset": lambda sound: sound + 800.0,
    "large offset": lambda sound: sound - 12_000.0,
    "offset that drifts": lambda sound: sound + np.linspace(0.0, 9_000.0, len(sound)),
    "clipped by 12 dB": lambda sound: np.clip(4.0 * sound, -15_000.0, 15_000.0),
    "clipped by 24 dB": lambda sound: np.clip(16.0 * sound, -32_768.0, 32_767.0),
    "8 bits": lambda sound: np.round(sound / 256.0) * 256.0,
    "one polarity clipped": lambda sound: np.clip(sound, -500.0, None),
    "very soft": lambda sound: sound * 0.03,
    "mains hum": lambda sound: sound + 1_500.0 * np.sin(np.arange(len(sound)) / RATE_HZ * 314.16),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_word_is_heard_all_the_same(defect: str, say: Callable[[str], Sound]) -> None:
    heard = words(hear(listener(), delivered(DEFECTS[defect](scene(say("Hey Jarvis"))))))
    assert len(heard) == 1
    assert WORD_AT_S < heard[0] < WORD_AT_S + 1.5


@pytest.mark.parametrize("defect", ["small offset", "clipped by 12 dB", "8 bits", "mains hum"])
def test_speech_is_still_found_from_its_beginning_to_its_end(
    defect: str, say: Callable[[str], Sound]
) -> None:
    said = say("What is the weather like tomorrow in Berlin?")
    ears = listener()
    ears.listen_for_speech(0)
    events = hear(ears, delivered(DEFECTS[defect](scene(said, seconds=9.0))))
    started, ended = (
        [each.at_sample / RATE_HZ for each in events if isinstance(each, kind)]
        for kind in (SpeechStarted, SpeechEnded)
    )
    assert len(started) == len(ended) == 1
    assert abs(started[0] - WORD_AT_S) < 0.6
    assert abs(ended[0] - WORD_AT_S - len(said) / 16_000) < 0.8


def _noise(seconds: float) -> Floats:
    return np.random.default_rng(3).uniform(-32_768, 32_767, round(seconds * RATE_HZ))


NOTHING: dict[str, Floats] = {
    "zeros": np.zeros(8 * RATE_HZ),
    "stuck at 7": np.full(8 * RATE_HZ, 7.0),
    "stuck at the top": np.full(8 * RATE_HZ, 32_767.0),
    "full-scale noise": _noise(8.0),
    "full-scale square wave": np.sign(np.sin(np.arange(8 * RATE_HZ) / 8.0)) * 32_767.0,
    "one click a second": np.where(np.arange(8 * RATE_HZ) % RATE_HZ == 0, 32_767.0, 0.0),
}


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_is_heard_in_what_is_no_sound_and_all_is_well_after_it(
    what: str, say: Callable[[str], Sound]
) -> None:
    ears = listener()
    ears.listen_for_speech(0)
    assert hear(ears, delivered(NOTHING[what])) == []
    ears.ignore_speech()
    after = words(hear(ears, delivered(scene(say("Hey Jarvis")))))
    assert len(after) == 1
    assert 8.0 + WORD_AT_S < after[0] < 8.0 + WORD_AT_S + 1.5


def test_a_word_behind_a_gap_is_heard_at_its_place(say: Callable[[str], Sound]) -> None:
    """Blocks were lost in the middle of the first word; the second is found where it lies."""
    sound = delivered(scene(say("Hey Jarvis")))
    ears = listener()
    middle = round((WORD_AT_S + 0.35) * RATE_HZ) // 960 * 960
    hear(ears, sound[:middle])
    lost = 10 * 960
    ears.restart(middle + lost)
    hear(ears, sound[middle + lost :])
    begin = ears.next_sample
    heard = words(hear(ears, sound))
    assert len(heard) == 1
    assert WORD_AT_S < heard[0] - begin / RATE_HZ < WORD_AT_S + 1.5


@pytest.mark.parametrize("every", [25, 10])
def test_single_lost_blocks_that_nobody_noticed_do_no_harm(
    every: int, say: Callable[[str], Sound]
) -> None:
    """A driver that drops a block of 20 ms now and then, without a word about it."""
    sound = delivered(scene(say("Hey Jarvis")))
    blocks = [sound[at : at + 960] for at in range(0, len(sound), 960)]
    ears = listener()
    kept = [block for number, block in enumerate(blocks) if number % every != every - 3]
    assert len(words(hear(ears, np.concatenate(kept)))) == 1

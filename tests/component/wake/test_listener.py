"""The ears without a thread: what they hear, where, at every rate and in every cutting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.audio.resample import resample
from device.audio.ring import Ring
from device.ears.heard import (
    ListeningEvent,
    SpeechEnded,
    SpeechStarted,
    VoiceMeasured,
    WakeWordEnded,
    WakeWordHeard,
)
from device.ears.listener import Listener, VadSettings, build_listener
from device.wake.open import WakeSettings

Sound = NDArray[np.int16]
Model = Callable[[str], Path]
RATES_HZ = (16_000, 44_100, 48_000)


@pytest.fixture(autouse=True)
def _models(model: Model) -> None:
    for name in ("microwakeword/hey_jarvis.onnx", "microwakeword/alexa.onnx"):
        model(name)
    model("silero/silero_vad.onnx")


def room(seconds: float, level: float = 20.0, seed: int = 5) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=round(16_000 * seconds)) * level


def scene(*parts: tuple[float, Sound], seconds: float) -> Sound:
    """Sounds at their moments, in a quiet room."""
    sound = room(seconds)
    for at_s, what in parts:
        start = round(at_s * 16_000)
        sound[start : start + len(what)] += what
    return np.clip(sound, -32768, 32767).astype(np.int16)


def listener(rate_hz: int = 16_000, *, gate: bool = True) -> Listener:
    ears = build_listener(rate_hz, WakeSettings(words=("hey jarvis",)), VadSettings(gate=gate))
    ears.restart(0)
    return ears


def hear(ears: Listener, sound: Sound, sizes: Iterable[int] = ()) -> list[ListeningEvent]:
    events: list[ListeningEvent] = []
    at = 0
    for size in sizes:
        events += ears.process(sound[at : at + size])
        at += size
    return events + ears.process(sound[at:])


def wakes(events: list[ListeningEvent]) -> list[WakeWordHeard]:
    return [event for event in events if isinstance(event, WakeWordHeard)]


def ends(events: list[ListeningEvent]) -> list[int]:
    return [event.end_sample for event in events if isinstance(event, WakeWordEnded)]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_positions_are_on_the_capture_clock(rate_hz: int, say: Callable[..., Sound]) -> None:
    word = say("Hey Jarvis.")
    sound = resample(scene((6.0, word), seconds=10.0), 16_000, rate_hz)
    ears = listener(rate_hz)
    ears.restart(1_000_000)
    events = hear(ears, sound, [rate_hz // 50] * 400)
    (heard,) = wakes(events)
    audible = np.flatnonzero(np.abs(word) > 300)[-1] / 16_000
    (end,) = ends(events)
    assert abs((end - 1_000_000) / rate_hz - 6.0 - audible) < 0.1
    assert 6.0 < (heard.at_sample - 1_000_000) / rate_hz < 6.0 + len(word) / 16_000 + 0.3


def test_any_cutting_gives_the_same_events(say: Callable[..., Sound]) -> None:
    sound = scene((4.0, say("Hey Jarvis, what time is it?")), seconds=9.0)
    ears = listener()
    ears.listen_for_speech(0)
    expected = hear(ears, sound)
    assert len(wakes(expected)) == 1
    random = np.random.default_rng(8)
    for sizes in ([320] * 450, [7] * 3000, random.integers(0, 4000, 60).tolist()):
        ears = listener()
        ears.listen_for_speech(0)
        assert hear(ears, sound, sizes) == expected


def test_a_word_is_found_wherever_the_blocks_are_cut(say: Callable[..., Sound]) -> None:
    word = say("Hey Jarvis.")
    for shift in range(0, 960, 60):
        sound = scene((4.0 + shift / 16_000, word), seconds=7.0)
        assert len(wakes(hear(listener(), sound))) == 1, shift


def test_with_and_without_the_gate_the_same_words_are_heard(say: Callable[..., Sound]) -> None:
    parts = [
        (3.0, say("Hey Jarvis.")),
        (9.0, say("Hey Jarvis, turn on the light.", 1.1)),
        (17.0, say("The weather is fine today.")),
        (23.0, say("Hey Jarvis.", 0.9)),
    ]
    sound = scene(*parts, seconds=28.0)
    gated, ungated = listener(), listener(gate=False)
    with_gate, without = wakes(hear(gated, sound)), wakes(hear(ungated, sound))
    assert len(with_gate) == len(without) == 3
    for ours, theirs in zip(with_gate, without, strict=True):
        assert abs(ours.at_sample - theirs.at_sample) <= 960
    assert gated.seconds_scored < 0.85 * ungated.seconds_scored


def test_a_quiet_room_costs_next_to_nothing() -> None:
    ears = listener(48_000)
    hear(ears, np.clip(room(180.0), -32768, 32767).astype(np.int16))
    assert ears.seconds_scored < 5.0


def test_a_word_said_in_one_breath_leaves_the_command_whole(say: Callable[..., Sound]) -> None:
    sentence = say("Hey Jarvis turn on the light.")
    events = hear(listener(), scene((3.0, sentence), seconds=7.0))
    (end,) = ends(events)
    # The command begins with the burst of the t, about 0.8 s into the sentence.
    assert 3.0 + 0.45 < end / 16_000 < 3.0 + 1.0


def test_speech_is_only_listened_for_when_asked(say: Callable[..., Sound]) -> None:
    sound = scene((1.0, say("The weather is fine today.")), seconds=5.0)
    ears = listener()
    assert hear(ears, sound) == []
    ears.restart(0)
    ears.listen_for_speech(0)
    started, *measured, ended = hear(ears, sound)
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert all(isinstance(each, VoiceMeasured) for each in measured)
    assert len(measured) >= 2, "two seconds of speech"
    assert abs(started.at_sample / 16_000 - 1.25) < 0.25
    assert ended.at_sample < 4.0 * 16_000
    ears.ignore_speech()
    assert hear(ears, sound) == []


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_speech_that_is_past_is_heard_from_the_ring(
    rate_hz: int, say: Callable[..., Sound]
) -> None:
    sound = resample(scene((3.0, say("What time is it?")), seconds=8.0), 16_000, rate_hz)
    ring = Ring(rate_hz, 20.0)
    ears = listener(rate_hz)
    half = round(3.5 * rate_hz)
    ring.write(sound[:half])
    hear(ears, sound[:half])
    ring.write(sound[half:])
    events = ears.listen_for_speech(2 * rate_hz, ring)
    events += hear(ears, sound[half:])
    started = [event for event in events if isinstance(event, SpeechStarted)]
    assert len(started) == 1
    assert abs(started[0].at_sample / rate_hz - 3.2) < 0.25
    assert sum(isinstance(event, SpeechEnded) for event in events) == 1


def test_speech_before_the_position_does_not_count(say: Callable[..., Sound]) -> None:
    word = say("What time is it?")
    sound = scene((1.0, word), (5.0, word), seconds=9.0)
    ears = listener()
    ears.listen_for_speech(4 * 16_000)
    started = [event for event in hear(ears, sound) if isinstance(event, SpeechStarted)]
    assert [round(event.at_sample / 16_000) for event in started] == [5]


def test_a_gap_in_the_middle_of_a_word_breaks_nothing(say: Callable[..., Sound]) -> None:
    word = say("Hey Jarvis.")
    ears = listener()
    hear(ears, scene((3.0, word[:8000]), seconds=3.5))
    ears.restart(500_000)
    events = hear(ears, scene((3.0, word), seconds=6.0))
    (heard,) = wakes(events)
    assert heard.at_sample > 500_000 + 3 * 16_000


@pytest.mark.parametrize("kind", ["silence", "stuck", "full-scale noise", "clipped hum"])
def test_no_sound_breaks_the_ears(kind: str) -> None:
    count = 16_000 * 6
    hum = np.sin(np.arange(count) * 0.02) * 200_000
    sounds = {
        "silence": np.zeros(count),
        "stuck": np.full(count, -32_768.0),
        "full-scale noise": np.random.default_rng(1).integers(-32768, 32768, count),
        "clipped hum": np.clip(hum, -32768, 32767),
    }
    ears = listener()
    ears.listen_for_speech(0)
    assert wakes(hear(ears, sounds[kind].astype(np.int16), [333] * 100)) == []


def test_people_are_heard_at_every_rate(people: Callable[[str, int], list[Sound]]) -> None:
    sounds = people("wake/alexa", 12)
    heard = dict.fromkeys(RATES_HZ, 0)
    for rate_hz in RATES_HZ:
        ears = build_listener(rate_hz, WakeSettings(words=("alexa",)), VadSettings())
        for sound in sounds:
            ears.restart(0)
            whole = scene((4.0, sound), seconds=5.5 + len(sound) / 16_000)
            heard[rate_hz] += bool(wakes(hear(ears, resample(whole, 16_000, rate_hz))))
    assert min(heard.values()) >= 10, heard

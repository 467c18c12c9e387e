"""The parts of a turn: the detector, the judgement on the words, what was heard of a speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.hearing.input_buffer import InputBuffer
from device.brain.hearing.semantics import completeness, wait_ms
from device.brain.hearing.turn_detection import LONGEST_WAIT_MS, TurnDetector
from device.brain.protocol.codec import MU_LAW, PCM
from device.brain.protocol.configuration import TurnDetection
from device.brain.sessions.speech import Speech


def changes(detector: TurnDetector, frames: list[float]) -> list[tuple[str, int]]:
    found = []
    for number, probability in enumerate(frames, start=1):
        found += [(c.change, c.at_ms) for c in detector.frame(probability, number * 32)]
    return found


def vad(**settings) -> TurnDetector:
    return TurnDetector(TurnDetection("server_vad", **settings))


def test_two_voiced_frames_begin_a_turn_at_the_first():
    assert changes(vad(), [0.1, 0.9, 0.1, 0.9, 0.9]) == [("started", 96)]


def test_a_voice_that_has_begun_goes_on_a_little_below_the_threshold():
    frames = [0.6, 0.6] + [0.4] * 30
    assert changes(vad(threshold=0.5), frames) == [("started", 0)]
    assert changes(vad(threshold=0.6), frames)[-1][0] == "stopped"


def test_a_pause_is_told_before_the_end():
    frames = [1.0] * 4 + [0.0] * 16
    assert changes(vad(silence_duration_ms=500), frames) == [
        ("started", 0),
        ("paused", 4 * 32 + 160),
        ("stopped", 4 * 32 + 512),
    ]


def test_a_voice_after_a_pause_goes_on_with_the_turn():
    frames = [1.0] * 4 + [0.0] * 6 + [1.0] * 2 + [0.0] * 16
    kinds = [change for change, _ in changes(vad(), frames)]
    assert kinds == ["started", "paused", "resumed", "paused", "stopped"]


def test_other_settings_hold_at_once():
    detector = vad(silence_duration_ms=2000)
    assert changes(detector, [1.0] * 4 + [0.0] * 20)[-1][0] == "paused"
    detector.configure(TurnDetection("server_vad", silence_duration_ms=200))
    assert [c.change for c in detector.frame(0.0, 25 * 32)] == ["stopped"]


@given(st.lists(st.floats(0, 1), max_size=200))
def test_turns_begin_and_end_in_turn(frames):
    kinds = [c for c, _ in changes(vad(), frames) if c in ("started", "stopped")]
    assert kinds == ["started", "stopped"] * (len(kinds) // 2) + ["started"] * (len(kinds) % 2)


# ------------------------------------------------------------------------------- judgement


@pytest.mark.parametrize(
    "text",
    [
        "What time is it?",
        "Turn the light on.",
        "Set a timer for ten minutes.",
        "Stop!",
        "Tell me a joke.",
        "How far is it to the moon?",
        "What can you do?",
        "Where is it?",
        "Play it off.",
    ],
)
def test_whole_sentences(text):
    assert completeness(text) >= 0.9


@pytest.mark.parametrize(
    "text",
    [
        "Set a timer for",
        "Set a timer for.",
        "Turn on the",
        "I want to, um",
        "Add milk and",
        "Remind me to call my.",
        "Turn the light on and",
        "Turn the light on",
        "Well,",
        "What is the capital of...",
    ],
)
def test_sentences_that_go_on(text):
    assert completeness(text) <= 0.4


@pytest.mark.parametrize("eagerness", ["low", "medium", "high"])
def test_the_wait_is_within_the_documented_bounds(eagerness):
    texts = ["", "What time is it?", "Set a timer for", "Turn on the light"]
    waits = [wait_ms(text, eagerness) for text in texts]
    assert all(0 < wait <= LONGEST_WAIT_MS[eagerness] for wait in waits)
    assert waits[1] < waits[3] < waits[2]


def test_the_eager_wait_less():
    for text in ("What time is it?", "Set a timer for", ""):
        low, medium, high = (wait_ms(text, e) for e in ("low", "medium", "high"))
        assert high < medium < low


# -------------------------------------------------------------------------- what was heard


def spoken(*sentences: tuple[str, int]) -> Speech:
    speech = Speech(PCM)
    for text, ms in sentences:
        speech.begin_sentence(text)
        speech.sound(bytes(ms * 48))
    return speech


def test_words_are_kept_by_their_share_of_the_sentence():
    speech = spoken(("One two three four. ", 2000), ("Five six.", 1000))
    speech.cut(1000)
    assert speech.text == "One two"
    assert speech.duration_ms == 1000
    assert len(speech.data) == 48_000


def test_a_sentence_that_was_not_reached_is_gone():
    speech = spoken(("One. ", 1000), ("Two. ", 1000))
    speech.begin_sentence("Three.")
    speech.cut(1500)
    assert speech.text in ("One. Tw", "One.")


def test_a_cut_speech_grows_no_more():
    speech = spoken(("One two. ", 1000))
    speech.cut(500)
    speech.begin_sentence("more")
    speech.sound(bytes(4800))
    assert speech.text == "One"
    assert speech.duration_ms == 500


@given(st.lists(st.tuples(st.text("ab ", max_size=20), st.integers(0, 500))), st.integers(0, 2000))
def test_what_was_heard_is_a_beginning_of_what_was_said(sentences, at_ms):
    speech = spoken(*sentences)
    said = speech.text
    at_ms = min(at_ms, int(speech.duration_ms))
    speech.cut(at_ms)
    assert " ".join(said.split()).startswith(" ".join(speech.text.split()))
    assert len(speech.data) == at_ms * 48


# ---------------------------------------------------------------------------- input buffer


def test_the_clock_of_the_buffer_never_goes_back():
    buffer = InputBuffer()
    buffer.append(bytes(48 * 100))
    buffer.clear()
    assert (buffer.start_ms, buffer.end_ms) == (100, 100)
    buffer.append(bytes(48 * 50))
    assert buffer.take(120, 140) == bytes(48 * 20)
    assert (buffer.start_ms, buffer.end_ms) == (140, 150)
    buffer.change_format(MU_LAW)
    assert (buffer.start_ms, buffer.end_ms) == (150, 150)
    buffer.append(bytes(80))
    assert buffer.end_ms == 160


@given(st.lists(st.tuples(st.integers(0, 960), st.integers(0, 40), st.integers(0, 40))))
def test_samples_stay_whole(steps):
    buffer = InputBuffer()
    for samples, first, last in steps:
        buffer.append(bytes(samples * 2))
        before = buffer.end_ms
        taken = buffer.take(buffer.start_ms + first, buffer.start_ms + first + last)
        assert len(taken) % 2 == 0
        assert buffer.end_ms == pytest.approx(before)

"""A voice over an answer: lowered at once, given up only for whom it is given to."""

from __future__ import annotations

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.items import ItemKey
from device.assistant.policy import BargeIn
from device.assistant.states import State
from device.realtime import events as wire

ASKER_DB, TELEVISION_DB = -30.0, -45.0
SOFTENING = (do.DuckAnswer, do.HoldAnswer, do.ResumeAnswer, do.StopPlayback)


@pytest.fixture
def speaking(make_bench):
    """An answer of ten seconds that is being said, to whom asked at -30 dB."""
    bench = make_bench(barge_in=BargeIn.VOICE, follow_up_s=0.0)
    bench.ask()
    bench.begin_response()
    bench.audio(10.0)
    bench.play()
    bench.effects.clear()
    return bench


def softened(bench) -> list[str]:
    return [type(each).__name__ for each in bench.effects if isinstance(each, SOFTENING)]


def begin_to_speak(bench, at_sample: int = 90_000) -> None:
    bench.feed(inputs.VoiceSuspected())
    bench.wait(0.1)
    bench.feed(inputs.SpeechStarted(at_sample, bench.now_s))


def test_the_answer_is_ducked_at_the_first_hop_of_a_voice(speaking) -> None:
    speaking.feed(inputs.VoiceSuspected())
    assert softened(speaking) == ["DuckAnswer"]
    assert speaking.core.state is State.SPEAKING


def test_a_click_is_forgotten_at_once(speaking) -> None:
    speaking.feed(inputs.VoiceSuspected())
    speaking.feed(inputs.VoiceDoubted())
    assert softened(speaking) == ["DuckAnswer", "ResumeAnswer"]


def test_a_voice_silences_the_answer_before_it_is_known_whose_it_is(speaking) -> None:
    begin_to_speak(speaking)
    assert softened(speaking) == ["DuckAnswer", "HoldAnswer"]
    assert not speaking.sent(wire.ResponseCancel)


def test_whom_is_answered_ends_the_answer_and_is_heard_from_the_first_sample(speaking) -> None:
    begin_to_speak(speaking, at_sample=90_000)
    speaking.feed(inputs.VoiceMeasured(91_000, ASKER_DB))
    assert speaking.sent(wire.ResponseCancel)
    assert "StopPlayback" in softened(speaking)
    speaking.feed(inputs.PlaybackStopped({ItemKey("a1"): 1500}))
    (truncated,) = speaking.sent(wire.ConversationItemTruncate)
    assert truncated.audio_end_ms == 1500


@pytest.mark.parametrize(
    "ending",
    [
        inputs.VoiceMeasured(90_000, TELEVISION_DB),
        inputs.SpeechEnded(95_000, 0.0),
        None,
    ],
    ids=["a television", "a voice too short to be measured", "nothing that can be measured"],
)
def test_a_false_interruption_resumes_and_nothing_was_cancelled(speaking, ending) -> None:
    begin_to_speak(speaking)
    if ending is None:
        speaking.wait(1.0)
    else:
        speaking.feed(ending)
    assert softened(speaking) == ["DuckAnswer", "HoldAnswer", "ResumeAnswer"]
    assert speaking.core.state is State.SPEAKING
    assert not speaking.sent(wire.ResponseCancel)
    assert not speaking.sent(wire.ConversationItemTruncate)
    assert not speaking.uplinks()


def test_a_television_that_talks_on_is_talked_over_until_somebody_near_speaks(speaking) -> None:
    begin_to_speak(speaking)
    for at_sample in range(90_000, 190_000, 20_000):
        speaking.feed(inputs.VoiceMeasured(at_sample, TELEVISION_DB))
    assert softened(speaking) == ["DuckAnswer", "HoldAnswer", "ResumeAnswer"]
    speaking.feed(inputs.VoiceMeasured(200_000, ASKER_DB))
    assert speaking.sent(wire.ResponseCancel)


def test_each_false_interruption_is_given_its_time_before_the_speaker_counts_as_stalled(
    speaking,
) -> None:
    for _ in range(8):
        begin_to_speak(speaking)
        speaking.wait(1.0)
        speaking.feed(inputs.SpeechEnded(95_000, 0.0))
    # 10 s of answer, 8 holds of 1 s with what was said again; 5 s of slack alone are less.
    speaking.wait(7.0)
    assert speaking.core.state is State.SPEAKING
    assert not speaking.reports("playback_stalled")


@pytest.mark.parametrize("barge_in", [BargeIn.WAKE_WORD, BargeIn.OFF])
def test_where_a_voice_does_not_interrupt_the_answer_goes_on_loud(make_bench, barge_in) -> None:
    bench = make_bench(barge_in=barge_in)
    bench.ask()
    bench.begin_response()
    bench.audio(10.0)
    bench.play()
    bench.effects.clear()
    begin_to_speak(bench)
    bench.feed(inputs.VoiceMeasured(90_000, ASKER_DB))
    assert softened(bench) == []

"""What is said before an answer delays it; it does not end it."""

from __future__ import annotations

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.states import State

SENTENCE_S = 12.0
"""An alarm's, more than twice as long as an answer may be late by itself."""


def begin_answer(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.audio(1.0)
    bench.end_item()
    bench.end_response()


def end_answer(bench) -> None:
    bench.play()
    bench.wait(1.0)
    bench.finish()


@pytest.mark.parametrize("is_before", [True, False], ids=["before it came", "while it waited"])
def test_an_alarm_that_speaks_first_does_not_end_the_answer(bench, is_before) -> None:
    if is_before:
        bench.feed(inputs.SpeakerBusy(SENTENCE_S))
        begin_answer(bench)
    else:
        begin_answer(bench)
        bench.feed(inputs.SpeakerBusy(SENTENCE_S))
    bench.wait(SENTENCE_S)
    bench.feed(inputs.SpeakerFree())
    assert bench.core.state is State.THINKING
    end_answer(bench)
    assert bench.core.state is State.FOLLOW_UP
    assert bench.reports("said") == [{"text": "It is six.", "endpoint": "cloud"}]
    assert not bench.reports("playback_stalled")


def test_two_alarms_take_their_time_one_after_the_other(bench) -> None:
    bench.feed(inputs.SpeakerBusy(SENTENCE_S))
    bench.feed(inputs.SpeakerBusy(SENTENCE_S))
    begin_answer(bench)
    bench.wait(2 * SENTENCE_S)
    assert not bench.reports("playback_stalled")


def test_a_speaker_that_swallows_everything_is_noticed_all_the_same(bench) -> None:
    bench.feed(inputs.SpeakerBusy(SENTENCE_S))
    begin_answer(bench)
    bench.wait(SENTENCE_S + 1.0 + bench.core.policy.playback_slack_s)
    assert bench.reports("playback_stalled") == [{"unplayed": 1}]
    assert bench.core.state is State.IDLE


def test_a_voice_that_was_silenced_delays_nothing_that_comes_later(bench) -> None:
    bench.feed(inputs.SpeakerBusy(60.0))
    bench.feed(inputs.SpeakerFree())
    begin_answer(bench)
    bench.wait(1.0 + bench.core.policy.playback_slack_s)
    assert bench.reports("playback_stalled")


def test_it_is_no_business_of_a_conversation_that_is_not_there(bench) -> None:
    bench.feed(inputs.SpeakerBusy(SENTENCE_S))
    bench.feed(inputs.SpeakerFree())
    assert {type(effect) for effect in bench.effects} <= {do.Show}
    assert bench.core.deadline_s is None

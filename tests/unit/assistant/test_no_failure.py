"""What looks like a failure and is none, and what follows a real one."""

from __future__ import annotations

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.failover import SCATTER, Failover
from device.assistant.policy import EndpointPlan
from device.assistant.states import State
from device.realtime import events as wire
from device.realtime.failures import Failure, Reason

CLEARED = wire.InputAudioBufferCleared()


def coughs(bench) -> None:
    """Our detector hears a question, and the endpoint hears nobody."""
    bench.wake()
    bench.ready()
    bench.speak()


def test_a_noise_that_only_we_take_for_speech_ends_like_nobody_spoke(bench) -> None:
    coughs(bench)
    bench.wait(4.1)
    assert bench.sent(wire.InputAudioBufferClear), "whoever lives answers that"
    bench.server(CLEARED)
    assert bench.core.state is State.IDLE
    assert bench.reports("no_speech") == [{}]
    assert bench.reports("link_failed") == []
    assert bench.of(do.Notice) == []


def test_the_endpoint_is_unharmed_by_a_cough(bench) -> None:
    for _ in range(3):
        coughs(bench) if not bench.of(do.OpenLink) else (bench.wake(), bench.speak())
        bench.wait(4.1)
        bench.server(CLEARED)
    assert {e.endpoint for e in bench.of(do.OpenLink)} == {"cloud"}


def test_an_endpoint_that_does_not_even_answer_that_has_failed(bench) -> None:
    coughs(bench)
    bench.wait(6.0)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]


def test_one_that_refuses_the_request_lives_as_well(bench) -> None:
    coughs(bench)
    bench.wait(4.1)
    details = wire.ErrorDetails(type="invalid_request_error", code="invalid_value", message="?")
    bench.server(wire.ErrorEvent(error=details))
    assert bench.core.state is State.IDLE
    assert len(bench.of(do.OpenLink)) == 1


def test_one_that_had_heard_the_beginning_is_replaced_as_ever(bench) -> None:
    bench.wake()
    bench.ready()
    bench.server_begins_to_hear()
    bench.speak()
    bench.wait(4.1)
    assert not bench.sent(wire.InputAudioBufferClear)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]


def test_who_speaks_at_that_moment_is_sent_from_the_first_syllable(bench) -> None:
    coughs(bench)
    bench.wait(4.1)
    bench.feed(inputs.SpeechStarted(120_000, bench.now_s))
    assert bench.of(do.StartUplink)[-1].from_sample == 16_000
    bench.server(CLEARED)
    assert bench.core.state is State.LISTENING


def test_a_session_that_was_over_when_it_was_opened_is_opened_anew(bench) -> None:
    bench.wake()
    bench.ready()
    bench.lose(Reason.EXPIRED)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "cloud"]
    bench.ready()
    bench.lose(Reason.EXPIRED)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "cloud", "brain"], "once"


def test_a_session_near_its_end_is_rolled_over_in_the_silence_after_the_answer(bench) -> None:
    bench.ask()
    bench.server(
        wire.ConversationItemInputAudioTranscriptionCompleted(
            item_id="u1", content_index=0, transcript="What time is it?"
        )
    )
    bench.feed(inputs.LinkExpiring(1))
    assert len(bench.of(do.OpenLink)) == 1, "not in the turn"
    bench.answer()
    assert bench.core.state is State.FOLLOW_UP
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "cloud"]
    assert bench.of(do.CloseLink) == [do.CloseLink(1)]
    bench.ready()
    since = len(bench.effects)
    bench.follow_up(95_000)
    sent = [e for e in bench.effects[since:] if isinstance(e, do.Send | do.StartUplink)]
    assert [type(e) for e in sent] == [do.Send, do.StartUplink], "what was said, then the question"
    assert "It is six." in sent[0].event.item.content[0].text


def test_only_what_was_heard_is_told_to_the_next_session(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.audio(length_s=4.0, text="one two three four")
    bench.play()
    bench.feed(inputs.LinkExpiring(1))
    bench.feed(inputs.StopRequested())
    bench.feed(inputs.PlaybackStopped({bench.of(do.Play)[0].item: 2000}))
    bench.lose(Reason.EXPIRED)
    since = len(bench.effects)
    bench.wake(200_000)
    bench.ready()
    sent = [e.event for e in bench.effects[since:] if isinstance(e, do.Send)]
    texts = [e.item.content[0].text for e in sent if isinstance(e, wire.ConversationItemCreate)]
    assert len(texts) == 1
    assert "one two" in texts[0]
    assert "three" not in texts[0]


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_rests_are_scattered_within_bounds(chance: float) -> None:
    cloud = EndpointPlan("cloud", retry_after_s=20.0)
    failover = Failover([cloud], lambda: chance)
    failover.failed(cloud, Failure(Reason.CLOSED), 0.0)
    rest_s = 20.0 * (1 + SCATTER * (2 * chance - 1))
    assert failover.first_choice_rests(rest_s - 0.01)
    assert not failover.first_choice_rests(rest_s + 0.01)

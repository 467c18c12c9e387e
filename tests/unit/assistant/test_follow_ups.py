"""Who may ask on without a wake word, how long, how often, and how much of it is sent."""

from __future__ import annotations

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.follow_ups import FollowUps
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.assistant.stretch import Bound
from device.realtime import events as wire

ASKER_DB = -30.0
"""How loud the bench's user asks."""
TELEVISION_DB = -45.0
LOCAL = EndpointPlan("local ends", detects_turns=False)
SERVER = EndpointPlan("server ends")


def answered(bench, number: int = 1) -> None:
    """Wait for the answer to what was asked, and have it heard to its end."""
    name = f"r{number}"
    bench.begin_response(name)
    bench.audio(item=f"a{number}", response=name, text="It is a very nice day out there, and warm.")
    bench.play(f"a{number}")
    bench.end_item(f"a{number}", name)
    bench.end_response(response=name)
    bench.wait(1.0)
    bench.finish(f"a{number}")


def asked_on(bench, at_sample: int) -> None:
    bench.follow_up(at_sample, ASKER_DB)
    bench.wait(1.0)
    bench.server_hears_question()


def test_a_softer_voice_is_not_who_asked_and_nothing_of_it_is_sent(bench) -> None:
    bench.ask()
    answered(bench)
    before = len(bench.of(do.StartUplink))
    for step in range(8):
        bench.follow_up(90_000 + step * 8_000, TELEVISION_DB)
        bench.wait(0.5)
    assert len(bench.of(do.StartUplink)) == before
    bench.wait(10.0)
    assert bench.core.state is State.IDLE, "a television keeps nothing open"


def test_who_asked_is_taken_over_a_television_from_where_they_began(bench) -> None:
    bench.ask()
    answered(bench)
    bench.follow_up(90_000, TELEVISION_DB)
    bench.feed(inputs.VoiceMeasured(98_000, TELEVISION_DB))
    bench.feed(inputs.VoiceMeasured(106_000, ASKER_DB - 6))
    assert bench.of(do.StartUplink)[-1].from_sample == 98_000, "half a second before"
    assert bench.core.turn.trigger == "follow_up"


def test_what_was_said_before_a_pause_is_not_taken_along(bench) -> None:
    bench.ask()
    answered(bench)
    bench.follow_up(90_000, TELEVISION_DB)
    bench.follow_up(110_000, ASKER_DB)
    assert bench.of(do.StartUplink)[-1].from_sample == 110_000


def test_speech_alone_opens_nothing_before_it_was_measured(bench) -> None:
    bench.ask()
    answered(bench)
    before = len(bench.of(do.StartUplink))
    bench.feed(inputs.SpeechStarted(90_000, bench.now_s))
    assert len(bench.of(do.StartUplink)) == before


def test_a_follow_up_does_not_move_the_measure(bench) -> None:
    """Or each television would be let in by a little louder one before it."""
    bench.ask()
    answered(bench)
    asked_on(bench, 90_000)
    bench.feed(inputs.VoiceMeasured(92_000, 0.0))
    answered(bench, 2)
    bench.follow_up(190_000, ASKER_DB - 9)
    assert bench.core.turn is not None


def test_after_a_few_questions_the_wake_word_is_needed_again(bench) -> None:
    bench.ask()
    for number in range(1, 5):
        answered(bench, number)
        assert bench.core.state is State.FOLLOW_UP
        asked_on(bench, 100_000 * number)
    answered(bench, 5)
    assert bench.core.state is State.IDLE
    bench.ask()
    answered(bench, 6)
    assert bench.core.state is State.FOLLOW_UP


@pytest.mark.parametrize("plan", [LOCAL, SERVER])
def test_speech_that_goes_on_without_a_pause_is_no_question(make_bench, plan) -> None:
    bench = make_bench(plan)
    bench.wake()
    bench.ready()
    bench.speak()
    bench.server_hears_question()
    answered(bench)
    bench.follow_up(90_000, ASKER_DB)
    responses = len(bench.sent(wire.ResponseCreate))
    bench.wait(8.1)
    assert bench.core.state is State.IDLE
    assert bench.sent(wire.InputAudioBufferClear), "and the endpoint forgets it"
    assert len(bench.sent(wire.ResponseCreate)) == responses


@pytest.mark.parametrize("called", [True, False])
def test_no_span_of_a_question_goes_further_than_its_bound(bench, called) -> None:
    bench.ask()
    if not called:
        answered(bench)
        bench.follow_up(90_000, ASKER_DB)
    uplink = bench.of(do.StartUplink)[-1]
    expected = Bound(16_000, 30_000) if called else Bound(90_000, 8_000 - 300)
    assert uplink.bound == expected


def test_an_endpoint_that_hears_more_and_more_gets_no_more_than_the_bound(make_bench) -> None:
    """A server's ear takes noise for speech, over and over: the limit is the question's."""
    bench = make_bench(SERVER, turn_limit_s=10.0)
    bench.ask()
    for number in range(30):
        bench.wait(0.5)
        bench.begin_response(f"r{number}")
        bench.server_begins_to_hear()
        bench.end_response("cancelled", f"r{number}")
        bench.server(wire.InputAudioBufferSpeechStopped(item_id="u1", audio_end_ms=900))
    assert [type(e) for e in bench.effects if isinstance(e, do.EndUplink | do.StopUplink)]
    last = max(
        n for n, e in enumerate(bench.effects) if isinstance(e, do.EndUplink | do.StopUplink)
    )
    assert not any(isinstance(e, do.StartUplink) for e in bench.effects[last:])


ANSWERS = [
    ("Do you want the long version?", False, 8.0),
    ("Which room do you mean?", True, 8.0),
    ("It is sunny.", False, 5.0),
    ("The timer is set for ten minutes.", True, 0.0),
    ("Tomorrow will be sunny in the morning, with some rain late in the day.", True, 5.0),
    ("", False, 5.0),
]


@pytest.mark.parametrize(("answer", "has_done", "window_s"), ANSWERS)
def test_the_window_is_as_long_as_the_answer_asks_for(answer, has_done, window_s) -> None:
    assert FollowUps(Policy()).window_s(answer, has_done=has_done) == window_s


def test_none_means_none() -> None:
    off = FollowUps(Policy(follow_up_s=0.0, follow_up_done_s=5.0))
    assert all(off.window_s(answer, has_done=done) == 0.0 for answer, done, _ in ANSWERS)


def test_an_owner_may_want_one_after_a_command() -> None:
    wanted = FollowUps(Policy(follow_up_done_s=3.0))
    assert wanted.window_s("Done.", has_done=True) == 3.0

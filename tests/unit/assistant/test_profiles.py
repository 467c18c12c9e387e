"""Which endpoint answers depends on the word that woke; what one is told, no other learns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.policy import EndpointPlan, Policy, Profile
from device.assistant.states import State
from device.realtime import events as wire

CLOUD = EndpointPlan("cloud")
OTHER = EndpointPlan("other")
BRAIN = EndpointPlan("brain", is_local=True)
HOUSE = Profile("house", ("brain",))
PUPIL = Profile("pupil", ("other", "cloud"))


@pytest.fixture
def bench(make_bench: Callable[..., Any]) -> Any:
    made = make_bench(CLOUD, OTHER, BRAIN)
    made.core = Assistant(
        Policy(), (CLOUD, OTHER, BRAIN), {"okay nabu": HOUSE, "hey mycroft": PUPIL}
    )
    return made


def wake(bench: Any, word: str) -> None:
    bench.feed(inputs.WakeWordHeard(word, 0.97, 16_000, bench.now_s))
    bench.feed(inputs.WakeWordEnded(16_000))


def ask(bench: Any, word: str, question: str = "") -> None:
    wake(bench, word)
    if bench.core.state is State.CONNECTING:
        bench.ready()
    bench.speak()
    bench.server_hears_question()
    if question:
        bench.server(
            wire.ConversationItemInputAudioTranscriptionCompleted(
                item_id="u1", content_index=0, transcript=question
            )
        )


def asked(bench: Any) -> list[tuple[str, str]]:
    return [(each.endpoint, each.profile) for each in bench.of(do.OpenLink)]


def test_each_word_has_its_endpoint(bench: Any) -> None:
    for word in ("hey jarvis", "okay nabu", "hey mycroft"):
        wake(bench, word)
        bench.feed(inputs.StopRequested())
    assert asked(bench) == [("cloud", ""), ("brain", "house"), ("other", "pupil")]


def test_the_question_of_a_private_word_goes_to_nobody_else(bench: Any) -> None:
    wake(bench, "okay nabu")
    bench.lose()
    assert asked(bench) == [("brain", "house")]
    assert bench.reports("unanswered")


def test_a_profile_has_its_own_order_of_failover(bench: Any) -> None:
    wake(bench, "hey mycroft")
    bench.lose()
    bench.lose()
    assert asked(bench) == [("other", "pupil"), ("cloud", "pupil")]


def test_a_link_that_was_opened_for_another_profile_is_not_used(bench: Any) -> None:
    ask(bench, "hey jarvis")
    bench.answer()
    bench.wait(8.0)
    wake(bench, "hey mycroft")
    assert asked(bench) == [("cloud", ""), ("other", "pupil")]
    assert [each.link for each in bench.of(do.CloseLink)] == [1]


def test_the_same_word_again_uses_the_open_link(bench: Any) -> None:
    for _ in range(2):
        ask(bench, "okay nabu")
        bench.answer()
        bench.wait(8.0)
    assert asked(bench) == [("brain", "house")]


def test_a_follow_up_goes_to_whom_the_question_went(bench: Any) -> None:
    ask(bench, "hey mycroft")
    bench.answer()
    bench.feed(inputs.LinkLost(1, _closed()))
    bench.follow_up()
    assert asked(bench) == [("other", "pupil"), ("other", "pupil")]


def test_the_button_asks_the_usual_endpoint(bench: Any) -> None:
    ask(bench, "okay nabu")
    bench.answer()
    bench.wait(8.0)
    bench.feed(inputs.TalkPressed(100_000))
    assert asked(bench)[-1] == ("cloud", "")


def test_one_profile_is_not_told_what_was_said_to_another(bench: Any) -> None:
    ask(bench, "okay nabu", "where did I hide the present")
    bench.answer()
    bench.wait(30.0)
    bench.effects.clear()
    wake(bench, "hey jarvis")
    bench.ready()
    assert bench.sent(wire.ConversationItemCreate) == []
    bench.feed(inputs.StopRequested())
    bench.wait(30.0)
    wake(bench, "okay nabu")
    bench.ready()
    assert len(bench.sent(wire.ConversationItemCreate)) == 2


def test_falling_back_to_the_brain_is_told_only_where_the_brain_was_not_wanted(bench: Any) -> None:
    ask(bench, "okay nabu")
    bench.answer()
    assert bench.of(do.Notice) == []


def _closed() -> Any:
    from device.realtime.failures import Failure, Reason

    return Failure(Reason.CLOSED, "test")

"""The month's budget: when it warns, whom it bars, and what is said about it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.budget import Budget, BudgetLevel
from device.assistant.policy import EndpointPlan, Profile
from device.assistant.states import State

CLOUD = EndpointPlan("cloud", is_charged=True)
BRAIN = EndpointPlan("brain", is_local=True)
LAN = EndpointPlan("lan")
TEN = Budget(month_usd=10.0)
ONLY_WARN = Budget(month_usd=10.0, stops=False)


def asked_endpoint(bench) -> str:
    return bench.of(do.OpenLink)[-1].endpoint


def notices(bench) -> list[str]:
    return [notice.name for notice in bench.of(do.Notice)]


def whole_turn(bench, response: str) -> None:
    """A question by keyboard, and its answer with everything that is said after it."""
    links = len(bench.of(do.OpenLink))
    bench.feed(inputs.Asked("what time is it"))
    if len(bench.of(do.OpenLink)) > links:
        bench.ready()
    bench.begin_response(response)
    bench.audio(item=f"item-{response}", response=response)
    bench.play(f"item-{response}")
    bench.end_item(f"item-{response}", response)
    bench.end_response(response=response)
    bench.finish(f"item-{response}")
    bench.finish_notices()
    assert bench.core.state is State.IDLE


@pytest.mark.parametrize(
    ("spent_usd", "level"),
    [(0.0, "fine"), (7.99, "fine"), (8.0, "near"), (9.99, "near"), (10.0, "spent"), (12, "spent")],
)
def test_levels(spent_usd: float, level: str) -> None:
    assert TEN.level(spent_usd) == level


@given(st.floats(0, 1e6))
def test_without_a_limit_nothing_is_ever_too_much(spent_usd: float) -> None:
    assert Budget().level(spent_usd) is BudgetLevel.FINE
    assert Budget().may_spend(spent_usd)


def test_near_the_end_it_is_reported_once_and_nothing_else_changes(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.feed(inputs.Spent(8.5))
    bench.feed(inputs.Spent(8.6))
    assert bench.reports("budget_near") == [{"spent_usd": 8.5, "month_usd": 10.0}]
    whole_turn(bench, "r1")
    assert asked_endpoint(bench) == "cloud"
    assert notices(bench) == ["budget_near"]


def test_spent_the_brain_answers_and_it_is_said_once(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    whole_turn(bench, "r1")
    bench.feed(inputs.Spent(10.01))
    assert bench.core.status.budget_level is BudgetLevel.SPENT
    for number in (2, 3):
        whole_turn(bench, f"r{number}")
        assert asked_endpoint(bench) == "brain"
    assert notices(bench) == ["budget_spent"]
    assert [report["endpoint"] for report in bench.reports("said")] == ["cloud", "brain", "brain"]


def test_a_link_to_the_cloud_that_is_open_is_not_used_any_more(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    whole_turn(bench, "r1")
    bench.feed(inputs.Spent(10.0))
    effects = bench.wake()
    assert [type(effect) for effect in effects if isinstance(effect, (do.CloseLink, do.OpenLink))]
    assert asked_endpoint(bench) == "brain"


def test_an_answer_under_way_is_not_cut(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.feed(inputs.Spent(11.0))
    assert bench.core.state is State.SPEAKING
    assert not bench.of(do.CloseLink)


def test_the_lights_say_that_it_is_not_the_cloud(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.feed(inputs.Spent(10.0))
    assert bench.of(do.Show)[-1].is_local


def test_who_costs_nothing_is_asked_in_their_order(make_bench) -> None:
    bench = make_bench(CLOUD, LAN, BRAIN, budget=TEN)
    bench.feed(inputs.Spent(10.0))
    whole_turn(bench, "r1")
    assert asked_endpoint(bench) == "lan"
    assert notices(bench) == ["budget_over"]


def test_a_profile_of_the_cloud_alone_is_answered_by_the_brain(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.core._profiles["hey jarvis"] = Profile("school", ("cloud",))
    bench.feed(inputs.Spent(10.0))
    bench.wake()
    assert asked_endpoint(bench) == "brain"


def test_with_nobody_left_it_says_why(make_bench) -> None:
    bench = make_bench(CLOUD, budget=TEN)
    bench.feed(inputs.Spent(10.0))
    bench.wake()
    assert not bench.of(do.OpenLink)
    assert notices(bench) == ["budget_over"]
    assert bench.reports("unanswered") == [{"reason": "budget", "tried": []}]


def test_who_only_wants_to_know_is_told_and_served(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=ONLY_WARN)
    bench.feed(inputs.Spent(10.5))
    assert bench.reports("budget_spent")
    for number in (1, 2):
        whole_turn(bench, f"r{number}")
    assert asked_endpoint(bench) == "cloud"
    assert notices(bench) == ["budget_over"]


def test_a_new_month_begins_afresh(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.feed(inputs.Spent(10.0))
    whole_turn(bench, "r1")
    bench.feed(inputs.Spent(0.0))
    assert bench.reports("budget_fine")
    whole_turn(bench, "r2")
    assert asked_endpoint(bench) == "cloud"
    bench.feed(inputs.Spent(10.0))
    whole_turn(bench, "r3")
    assert notices(bench) == ["budget_spent", "budget_spent"]


def test_who_asks_the_brain_first_hears_nothing_of_it(make_bench) -> None:
    bench = make_bench(BRAIN, CLOUD, budget=TEN)
    bench.feed(inputs.Spent(10.0))
    whole_turn(bench, "r1")
    assert notices(bench) == []
    assert not bench.of(do.Show)[0].fault


def test_that_it_is_nearly_used_up_is_said_once_a_month(make_bench) -> None:
    bench = make_bench(CLOUD, BRAIN, budget=TEN)
    bench.feed(inputs.Spent(8.5))
    whole_turn(bench, "r1")
    bench.feed(inputs.Spent(9.0))
    whole_turn(bench, "r2")
    assert notices(bench) == ["budget_near"]
    bench.feed(inputs.Spent(0.1))
    whole_turn(bench, "r3")
    bench.feed(inputs.Spent(9.0))
    whole_turn(bench, "r4")
    assert notices(bench) == ["budget_near"] * 2

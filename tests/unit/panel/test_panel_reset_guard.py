"""The way to a factory reset and the ways out of it, in virtual time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from device.panel.actions import Action
from device.panel.reset_guard import GRACE_S, ResetGuard, ResetStep
from device.panel.watchers import ButtonDown, ButtonEvent, ButtonPlan, ButtonWatcher, Timing

PLAN = ButtonPlan("talk", 17, very_long=Action.FACTORY_RESET)


class Owner:
    """A finger on a button, and the guard that hears of it."""

    def __init__(self, plan: ButtonPlan = PLAN) -> None:
        self.watcher = ButtonWatcher(plan, Timing(), is_down=False)
        self.guard = ResetGuard()
        self.now_s = 0.0
        self.steps: list[tuple[float, ResetStep]] = []
        self.others: list[Action] = []

    def waits(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while True:
            due = [at for at in (self.watcher.deadline_s, self.guard.deadline_s) if at is not None]
            next_s = min((at for at in due if at <= until_s), default=None)
            if next_s is None:
                self.now_s = until_s
                return
            self.now_s = max(self.now_s, next_s)
            self._heard(self.watcher.passed(self.now_s))
            self._told(self.guard.passed(self.now_s))

    def _heard(self, events: list) -> None:
        for event in events:
            if isinstance(event, ButtonDown):
                self._told(self.guard.down(event))
                continue
            assert isinstance(event, ButtonEvent)
            steps = self.guard.button(event, self.now_s)
            if steps is None:
                self.others.append(event.action)
            else:
                self._told(steps)

    def _told(self, steps: list[ResetStep]) -> None:
        self.steps += [(self.now_s, step) for step in steps]

    def presses(self, seconds: float) -> None:
        self._heard(self.watcher.edge(True, self.now_s))
        self.waits(seconds)
        self._heard(self.watcher.edge(False, self.now_s))
        self.waits(0.05)

    @property
    def kinds(self) -> list[ResetStep]:
        return [step for _, step in self.steps if step is not ResetStep.TICK]


def test_letting_go_after_the_announcement_is_the_first_way_out() -> None:
    owner = Owner()
    owner.presses(7.0)
    owner.waits(60.0)
    assert owner.kinds == [ResetStep.ANNOUNCE, ResetStep.CALL_OFF]
    assert owner.steps[0][0] == 5.0
    assert owner.others == [Action.MUTE]


def test_a_press_in_the_count_is_the_second_and_does_nothing_else() -> None:
    owner = Owner()
    owner.presses(11.0)
    owner.waits(4.0)
    owner.presses(0.2)
    owner.waits(60.0)
    assert owner.kinds == [ResetStep.ANNOUNCE, ResetStep.COUNT, ResetStep.CALL_OFF]
    assert Action.TALK not in owner.others
    owner.presses(0.2)
    owner.waits(1.0)
    assert owner.others[-1] is Action.TALK


def test_a_finger_that_is_down_at_the_end_of_the_count_has_stopped_it() -> None:
    """Its press is told when it is released, which may be too late."""
    owner = Owner()
    owner.presses(10.0)
    owner.waits(9.5)
    owner.presses(3.0)
    owner.waits(60.0)
    assert owner.kinds == [ResetStep.ANNOUNCE, ResetStep.COUNT, ResetStep.CALL_OFF]
    assert owner.others == [Action.MUTE]


def test_a_press_without_a_meaning_is_a_way_out_too() -> None:
    owner = Owner(ButtonPlan("a", 1, press=Action.NONE, very_long=Action.FACTORY_RESET))
    owner.presses(10.5)
    owner.presses(0.2)
    owner.waits(60.0)
    assert owner.kinds == [ResetStep.ANNOUNCE, ResetStep.COUNT, ResetStep.CALL_OFF]


def test_who_holds_on_and_waits_means_it() -> None:
    owner = Owner()
    owner.presses(12.0)
    owner.waits(60.0)
    assert owner.kinds == [ResetStep.ANNOUNCE, ResetStep.COUNT, ResetStep.CARRY_OUT]
    (count_s, _), (end_s, _) = (
        s for s in owner.steps if s[1] in (ResetStep.COUNT, ResetStep.CARRY_OUT)
    )
    assert (count_s, end_s) == (10.0, 10.0 + GRACE_S)
    assert sum(step is ResetStep.TICK for _, step in owner.steps) == GRACE_S - 1


def test_a_short_gesture_begins_the_count_at_once() -> None:
    owner = Owner(ButtonPlan("a", 1, press=Action.FACTORY_RESET, long=Action.NONE))
    owner.presses(0.1)
    owner.waits(GRACE_S + 1)
    assert owner.kinds == [ResetStep.COUNT, ResetStep.CARRY_OUT]


def test_other_actions_are_none_of_its_business() -> None:
    owner = Owner(ButtonPlan("a", 1, very_long=Action.PAIR))
    owner.presses(11.0)
    assert owner.steps == []
    assert owner.others == [Action.MUTE, Action.PAIR, Action.PAIR]


@given(st.lists(st.tuples(st.floats(0.05, 15), st.floats(0.1, 25)), max_size=8))
def test_nothing_is_forgotten_without_a_hold_and_an_undisturbed_count(
    presses: list[tuple[float, float]],
) -> None:
    owner = Owner()
    downs: list[float] = []
    for held_s, pause_s in presses:
        downs.append(owner.now_s)
        owner.presses(held_s)
        owner.waits(pause_s)
    owner.waits(60.0)
    for at_s, step in owner.steps:
        if step is ResetStep.CARRY_OUT:
            began_s = max(s for s, kind in owner.steps if kind is ResetStep.COUNT and s < at_s)
            assert at_s - began_s > GRACE_S - 1e-6
            assert not [down for down in downs if began_s < down < at_s - 0.1]
            assert any(abs(began_s - down - 10.0) < 0.1 for down in downs)
    assert owner.guard.deadline_s is None

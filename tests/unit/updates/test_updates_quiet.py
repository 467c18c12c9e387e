"""Waiting for the end of a conversation."""

from __future__ import annotations

import pytest

from device.updates.errors import NotNow
from device.updates.quiet import LOOK_EVERY_S, wait_for_quiet


class Time:
    now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_it_waits_until_nobody_talks_and_says_why_once() -> None:
    time, said = Time(), list[str]()
    states = iter(["the appliance is listening"] * 3 + ["the appliance is speaking", ""])
    wait_for_quiet(
        lambda: True, lambda: next(states), said.append, sleep=time.sleep, clock=lambda: time.now
    )
    assert time.now == 4 * LOOK_EVERY_S
    assert said == ["waiting: the appliance is listening", "waiting: the appliance is speaking"]


def test_it_does_not_wait_for_ever() -> None:
    time = Time()
    with pytest.raises(NotNow, match="still the appliance is muted"):
        wait_for_quiet(
            lambda: True, lambda: "the appliance is muted", lambda _: None,
            patience_s=60.0, sleep=time.sleep, clock=lambda: time.now,
        )  # fmt: skip
    assert 60 <= time.now <= 60 + LOOK_EVERY_S


def test_an_appliance_that_is_stopped_talks_to_nobody() -> None:
    def nobody_to_ask() -> str:
        raise AssertionError("nobody is there to ask")

    wait_for_quiet(lambda: False, nobody_to_ask, lambda _: None)

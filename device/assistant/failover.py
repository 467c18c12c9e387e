"""Which endpoint is asked next: an ordered list, with hysteresis after failures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from device.assistant.policy import EndpointPlan
from device.realtime.failures import Failure

LONGEST_REST_S = 300.0
"""An endpoint that keeps failing is tried again at least this often."""
FATAL_REST_S = 600.0
"""A refused key or an empty account does not mend itself in seconds."""

SCATTER = 0.25
"""A rest is so much shorter or longer at most: a share of it."""
Chance = Callable[[], float]
"""Gives numbers from 0 to 1, as :func:`random.random` does."""


def no_chance() -> float:
    """The middle, always."""
    return 0.5


@dataclass(slots=True)
class _Health:
    failures: int = 0
    rest_until_s: float = float("-inf")


class Failover:
    """Remember how each endpoint has done, and name the next to try.

    An endpoint that failed rests for a while that doubles with each failure, so that a
    dead cloud does not cost its time-out on every question; a local endpoint never rests.
    """

    def __init__(self, plans: Sequence[EndpointPlan], chance: Chance = no_chance) -> None:
        """``chance`` scatters the rests, so that not all houses come back at once."""
        if not plans:
            raise ValueError("expected at least one endpoint, got none")
        self._plans = tuple(plans)
        self._chance = chance
        self._health = {plan.name: _Health() for plan in plans}
        self.may_spend = True
        """False: whoever costs something is out of the question."""

    def next(
        self, now_s: float, tried: Collection[str], among: Sequence[str] = ()
    ) -> EndpointPlan | None:
        """The first endpoint not tried in this turn that is not resting.

        ``among``: whom the profile of the turn wants asked, in its order; empty: everybody.

        When all that is left are resting ones, the one that has rested longest is better
        than silence.
        """
        left = [plan for plan in self._candidates(among) if plan.name not in tried]
        for plan in left:
            if plan.is_local or self._health[plan.name].rest_until_s <= now_s:
                return plan
        return min(left, key=lambda plan: self._health[plan.name].rest_until_s, default=None)

    def failed(self, plan: EndpointPlan, failure: Failure, now_s: float) -> None:
        """Let an endpoint rest, for as long as its failure says or its record suggests."""
        health = self._health[plan.name]
        health.failures += 1
        rest_s = min(plan.retry_after_s * 2 ** min(health.failures - 1, 8), LONGEST_REST_S)
        rest_s *= 1 + SCATTER * (2 * self._chance() - 1)
        if failure.is_fatal:
            rest_s = FATAL_REST_S
        if failure.retry_after_s is not None:
            rest_s = max(rest_s, min(failure.retry_after_s, FATAL_REST_S))
        health.rest_until_s = now_s + rest_s

    def _wanted(self, among: Sequence[str]) -> Sequence[EndpointPlan]:
        if not among:
            return self._plans
        by_name = {plan.name: plan for plan in self._plans}
        return [by_name[name] for name in among]

    def _candidates(self, among: Sequence[str]) -> Sequence[EndpointPlan]:
        """Whom a profile wants; without a budget, others too before it stays silent."""
        wanted = self._wanted(among)
        if self.may_spend:
            return wanted
        free = [plan for plan in wanted if not plan.is_charged]
        return free or [plan for plan in self._plans if not plan.is_charged]

    def succeeded(self, plan: EndpointPlan) -> None:
        """An endpoint answered: its record is clean."""
        self._health[plan.name] = _Health()

    def first_choice_rests(self, now_s: float, among: Sequence[str] = ()) -> bool:
        """Whether the endpoint the owner wants most is out of use just now."""
        first = self._wanted(among)[0]
        return not first.is_local and self._health[first.name].rest_until_s > now_s

    def first_choice_is_barred(self, among: Sequence[str] = ()) -> bool:
        """Whether the endpoint the owner wants most is out of use for what it costs."""
        return not self.may_spend and self._wanted(among)[0].is_charged

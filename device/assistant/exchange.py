"""Whom a question goes to: the link in use, who has failed, and who may be paid."""

from __future__ import annotations

from collections.abc import Sequence

from device.assistant import news
from device.assistant.budget import BudgetLevel
from device.assistant.failover import Chance, Failover, no_chance
from device.assistant.link import LinkInUse
from device.assistant.outbox import Outbox
from device.assistant.policy import EndpointPlan, Policy, Profile
from device.assistant.remarks import Remarks
from device.assistant.situation import Situation
from device.assistant.states import State
from device.assistant.timers import Timer
from device.assistant.turn import Mark, Turn
from device.realtime.failures import Failure, Reason


class Exchange:
    """Keeps at most one link, and knows what is to be said about who is at its other end."""

    def __init__(
        self,
        endpoints: Sequence[EndpointPlan],
        policy: Policy,
        remarks: Remarks,
        out: Outbox,
        chance: Chance = no_chance,
    ) -> None:
        self.link: LinkInUse | None = None
        self.level = BudgetLevel.FINE
        """How far the budget of the month is used up."""
        self.last_failure: Failure | None = None
        self.profile = Profile()
        """Who answers, or has answered last."""
        self._failover = Failover(endpoints, chance)
        self._policy = policy
        self._remarks = remarks
        self._out = out
        self._links_opened = 0

    # -- the link ----------------------------------------------------------------------

    def prefer(self, profile: Profile) -> None:
        """A question for this profile begins: let go of a link that is not what it should get.

        A link to the fallback is not used once the first choice may be tried again; nor is
        one whose session was begun for another profile.
        """
        self.profile = profile
        link = self.link
        best = self._failover.next(self._out.now_s, (), profile.endpoints)
        is_other = best is not None and link is not None and best.name != link.plan.name
        if link is not None and (is_other or link.profile != profile):
            self.close()

    def reach(self, turn: Turn) -> LinkInUse | None:
        """The link there is, or one to the next endpoint; None when nobody is left."""
        if self.link is None:
            plan = self._failover.next(self._out.now_s, turn.tried, turn.profile.endpoints)
            if plan is None:
                return None
            self._links_opened += 1
            self.link = LinkInUse(self._links_opened, plan, turn.profile, self._out)
        return self.link

    def close(self, *, tools_go_on: bool = False) -> None:
        """Let go of the link, if there is one; ``tools_go_on`` as :meth:`LinkInUse.close`."""
        if self.link is not None:
            self.link.close(tools_go_on=tools_go_on)
            self.link = None

    def _renew(self) -> None:
        """Open the same link anew, while nobody asks anything."""
        old = self.link
        if old is not None:
            self.close()
            self._links_opened += 1
            self.link = LinkInUse(self._links_opened, old.plan, old.profile, self._out)

    def roll_over(self, now: Situation) -> None:
        """Let go of a session that is about to end, in a silence; a turn may still fit into it.

        Whoever may ask on finds the next session open, and is known there.
        """
        if self.link is None or not self.link.is_expiring or now.turn is not None:
            return
        if now.state is State.FOLLOW_UP:
            self._renew()
        else:
            self.close()

    def ready(self, link: LinkInUse, turn: Turn | None) -> None:
        """It can be asked; without a turn that asks it waits for one."""
        link.ready()
        if turn is None:
            link.update_tools()
            self._out.arm(Timer.LINK_IDLE, self._policy.link_idle_s)
        else:
            turn.mark(Mark.LINK_READY, self._out.now_s)
            self._remark_on_fallback(link, turn)

    def tools_changed(self, *, is_asked: bool) -> None:
        """A model that is answering keeps the list it has; the next question finds the new one."""
        if self.link is not None:
            self.link.tools_changed()
            if not is_asked:
                self.link.update_tools()

    def rest(self) -> None:
        """Nobody asks for now: keep a link that is ready for a while, and no other."""
        if self.link is not None and self.link.is_ready:
            self.link.stop_uplink()
            self._out.arm(Timer.LINK_IDLE, self._policy.link_idle_s)
        else:
            self.close()

    # -- who answers, and who does not -------------------------------------------------

    def failed(self, link: LinkInUse, failure: Failure, turn: Turn) -> None:
        """A link failed with a question that is not answered yet."""
        self.last_failure = failure
        if turn.failed_by is None and not link.plan.is_local:
            turn.failed_by = failure.reason
        anew = f"{link.plan.name} anew"
        is_new = link.turns <= 1 and failure.reason is not Reason.EXPIRED
        if is_new or failure.is_fatal or anew in turn.tried:
            turn.tried.append(link.plan.name)
            self._failover.failed(link.plan, failure, self._out.now_s)
        else:
            # A link that had served before, or a session that was handed to us with its time
            # over, may just have been old: once more, afresh.
            turn.tried.append(anew)

    def nobody_left(self, turn: Turn) -> bool:
        """Everybody was tried who may be; whether that is for what they cost."""
        failure = self.last_failure
        reason = str(failure.reason) if failure else "no endpoint"
        is_barred = not turn.tried and self.first_choice_is_barred
        if is_barred:
            reason = "budget"
            self._remarks.budget_was_told()
        self._out.tell(news.Unanswered(turn.number, reason, tuple(turn.tried)))
        return is_barred

    def answered(self) -> None:
        """Whoever has the link answers: its record is clean."""
        if self.link is not None:
            self._failover.succeeded(self.link.plan)
            if not self.link.plan.is_local:
                self._remarks.first_choice_answered()

    def _remark_on_fallback(self, link: LinkInUse, turn: Turn) -> None:
        """A new link is ready: say, after the answer, when it is not whom the owner chose."""
        if link.plan.is_local and (turn.tried or self._first_choice_rests()):
            self._remarks.fell_back(self.last_failure.reason if self.last_failure else None)

    @property
    def is_fallback(self) -> bool:
        """Whether the local brain answers, or would."""
        is_local = self.link is not None and self.link.plan.is_local
        return is_local or self._first_choice_rests() or self.first_choice_is_barred

    @property
    def first_choice_is_barred(self) -> bool:
        """Whether whom the owner wants most is out of use for what it costs."""
        return self._failover.first_choice_is_barred(self.profile.endpoints)

    def _first_choice_rests(self) -> bool:
        return self._failover.first_choice_rests(self._out.now_s, self.profile.endpoints)

    # -- the budget --------------------------------------------------------------------

    def spent(self, month_usd: float, turn: int) -> None:
        """What the month has cost by now; a question under way is answered by whom it was asked."""
        budget = self._policy.budget
        level = budget.level(month_usd)
        self._failover.may_spend = budget.may_spend(month_usd)
        if level is self.level:
            return
        self.level = level
        if level is not BudgetLevel.SPENT:
            self._remarks.budget_left()
        if level is BudgetLevel.FINE:
            self._remarks.budget_is_fine()
        spent_usd = round(month_usd, 4)
        self._out.tell(news.BudgetChanged(turn, level, spent_usd, budget.month_usd))

    def remark_on_budget(self, plan: EndpointPlan) -> None:
        """Say once, after the answer, how the budget stands, and who answers for that."""
        if self.level is BudgetLevel.NEAR and plan.is_charged:
            self._remarks.budget_near()
        if self.level is not BudgetLevel.SPENT:
            return
        if self.first_choice_is_barred:
            self._remarks.budget_spent(is_local=plan.is_local)
        elif plan.is_charged:
            self._remarks.budget_spent(is_local=False)

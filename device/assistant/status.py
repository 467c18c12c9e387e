"""How the appliance is, at one moment, for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from device.assistant.budget import Budget, BudgetLevel
from device.assistant.states import State
from device.assistant.turn import TurnPhase


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of the core; nothing in it changes when the core does."""

    state: State
    fault: str
    """A short name of what is wrong, empty when nothing is."""
    endpoint: str | None
    """Whose link is in use, if there is one."""
    is_local: bool | None
    """Whether that is the local brain; None without a link."""
    is_fallback: bool
    """The local brain answers, or would: what the panel shows."""
    budget: Budget
    budget_level: BudgetLevel
    turn: int | None
    """The number of the turn that is going on."""
    phase: TurnPhase | None
    """How far it has come."""
    is_at_rest: bool
    """No turn is in progress and no further one is expected without a wake."""
    last_answer: str
    """What was said last, as far as it was heard; empty if nothing."""

    @property
    def is_muted(self) -> bool:
        """The microphone is closed."""
        return self.state is State.MUTED

    @property
    def is_between_turns(self) -> bool:
        """Nobody asks, is answered, or is told anything about that."""
        return self.turn is None and (self.is_at_rest or self.state is State.FOLLOW_UP)

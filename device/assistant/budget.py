"""What may be spent in a month, and how far it is used up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BudgetLevel(StrEnum):
    """How far the budget of the month is used up."""

    FINE = "fine"
    NEAR = "near"
    """It is time to say so where owners look."""
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Budget:
    """The settings' ``[budget]`` in the core's terms; the default is no limit."""

    month_usd: float = 0.0
    """0 is no limit."""
    warn_percent: float = 80.0
    stops: bool = True
    """Spent means: ask nobody any more who costs something."""

    def level(self, spent_usd: float) -> BudgetLevel:
        """How far it is used up."""
        if self.month_usd <= 0:
            return BudgetLevel.FINE
        if spent_usd >= self.month_usd:
            return BudgetLevel.SPENT
        return (
            BudgetLevel.NEAR
            if 100 * spent_usd >= self.warn_percent * self.month_usd
            else BudgetLevel.FINE
        )

    def may_spend(self, spent_usd: float) -> bool:
        """Whether endpoints that cost something may be asked."""
        return not self.stops or self.level(spent_usd) is not BudgetLevel.SPENT

"""What the endpoints have cost this month, against what they may."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from device.assistant.budget import Budget, BudgetLevel
from device.doctor.findings import Finding, Verdict
from device.spending.ledger import LedgerError, by_model, read
from device.spending.meter import first_of_month
from device.spending.words import sentence

CHECK = "budget"


def check_budget(file: Path, budget: Budget, today: date, unpriced: Sequence[str] = ()) -> Finding:
    """Read what the appliance has kept, which may be running.

    ``unpriced``: models of the settings whose price is not known.
    """
    try:
        spent = by_model(read(file, first_of_month(today)))
    except LedgerError as failure:
        return Finding(CHECK, Verdict.SKIPPED, failure.what, "Ask as root: `sudo bittern doctor`.")
    said = sentence(spent, budget)
    level = budget.level(sum(each.usd for each in spent))
    if level is not BudgetLevel.FINE:
        return Finding(CHECK, Verdict.WARNING, said, _advice(level, budget))
    named = {each.model for each in spent if not each.is_priced}
    new = [model for model in unpriced if model not in named]
    if budget.month_usd and (named or new):
        said += f"; the price of {', '.join(new)} is not known" if new else ""
        advice = "Say what these models cost: [[price]] in the settings. Else nothing stops them."
        return Finding(CHECK, Verdict.WARNING, said, advice)
    return Finding(CHECK, Verdict.GOOD, said)


def _advice(level: BudgetLevel, budget: Budget) -> str:
    higher = "a higher [budget] month_usd lets it go on."
    if level is BudgetLevel.NEAR:
        return f"It is nearly used up: {higher}"
    if budget.stops:
        return f"Until the month is over only what is free of charge answers; {higher}"
    return "It is used up, and goes on all the same, as [budget] at_limit says."

"""What was spent, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from device.assistant.budget import Budget
from device.spending.ledger import LedgerEntry


def sentence(entries: Sequence[LedgerEntry], budget: Budget) -> str:
    """How it stands this month: ``1.23 of 10 USD this month``."""
    spent_usd = sum(each.usd for each in entries)
    if budget.month_usd > 0:
        said = f"{spent_usd:.2f} of {budget.month_usd:g} USD this month"
    elif entries:
        said = f"{spent_usd:.2f} USD this month, no limit set"
    else:
        said = "nothing spent this month, no limit set"
    unpriced = [each for each in entries if not each.is_priced]
    if unpriced:
        tokens = sum(each.tokens.total for each in unpriced)
        names = ", ".join(dict.fromkeys(each.model for each in unpriced))
        said += f"; not in it, for its price is not known: {names}, {tokens} tokens"
    return said


def table(entries: Sequence[LedgerEntry]) -> list[str]:
    """Lines for a terminal: what each day, endpoint and model has used."""
    rows = [("day", "endpoint", "model", "tokens", "sound", "USD")]
    for each in entries:
        sound = f"{each.tokens.seconds / 60:.1f} min" if each.tokens.seconds else ""
        usd = f"{each.usd:.4f}" if each.is_priced else f"{each.usd:.4f} and more"
        tokens = str(each.tokens.total) if each.tokens.total else ""
        rows.append((each.day.isoformat(), each.endpoint, each.model, tokens, sound, usd))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

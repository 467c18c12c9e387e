"""What a card says, in lines for a person."""

from __future__ import annotations

from device.wake.card import Card, Figure
from device.wake.confidence import rate_between, share_between

STEPS = ("low", "normal", "high")


def lines_of(card: Card) -> list[str]:
    """The word, its thresholds, and what each was measured to do."""
    looks = "two models" if card.verifier else "one model"
    lines = [f'"{card.word}"  {card.engine}, {looks}; {card.licence}']
    if card.measured_on:
        lines.append(f"  measured on {card.measured_on}")
    for step in STEPS:
        threshold = card.thresholds.at(step)  # type: ignore[arg-type]
        row = [each for each in card.figures if abs(each.threshold - threshold) < 1e-5]
        lines.append(
            f"  {step:6} {threshold:.3f}  " + ("; ".join(map(_cell, row)) or "not measured")
        )
    return lines


def _cell(figure: Figure) -> str:
    rate_low, rate_high = rate_between(figure.false_accepts, figure.hours)
    false = (
        f"{figure.false_accepts} false in {figure.hours:.1f} h of speech "
        f"({rate_low:.1f}-{rate_high:.1f}/h)"
    )
    if not figure.spoken:
        return f"{figure.condition}: {false}"
    low, high = share_between(figure.missed, figure.spoken)
    missed = f"{figure.missed / figure.spoken:.0%} missed ({low:.0%}-{high:.0%})"
    return f"{figure.condition}: {missed}, {false}"

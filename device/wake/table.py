"""What a card says, in lines for a person."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from device.wake.card import Figure, Group, WordCard
from device.wake.confidence import rate_between, share_between

STEPS = ("low", "normal", "high")


WIDTH = 96
SHORT = ("quiet", "room", "10 dB", "5 dB", "0 dB")
"""The conditions of the short table; a room is one that rings for 0.6 s, 1 to 3 m away."""


def short_lines(known: Sequence[WordCard]) -> list[str]:
    """A line for each word: what ``normal`` was measured to do."""
    width = max((len(card.word) for card in known), default=0) + 2
    head = f"{'word':{width}}  {'engine':12}" + "".join(f" {name:>6}" for name in SHORT)
    return [f"{head}  false accepts", *(_short_line(card, width) for card in known)]


def _short_line(card: WordCard, width: int) -> str:
    named = f"{card.word!r:{width}}  {card.engine:12}".replace("'", '"')
    row = [each for each in card.figures if _is_at(each, card.thresholds.normal)]
    if not row:
        return f"{named} not measured"
    missed = {each.condition: each.missed / each.spoken for each in row if each.spoken}
    cells = "".join(f" {f'{missed[name]:.0%}' if name in missed else '-':>6}" for name in SHORT)
    hours = sum(each.hours for each in row)
    return f"{named}{cells}  {sum(each.false_accepts for each in row)} in {hours:.1f} h"


def _is_at(figure: Figure, threshold: float) -> bool:
    return abs(figure.threshold - threshold) < 1e-5


def lines_of(card: WordCard) -> list[str]:
    """The word, its thresholds, and what each was measured to do."""
    looks = "two models" if card.verifier else "one model"
    lines = wrap(
        f'"{card.word}"  {card.engine}, {looks}; {card.licence}', WIDTH, subsequent_indent="    "
    )
    if card.measured_on:
        lines += wrap(
            f"measured on {card.measured_on}", WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    for step in STEPS:
        threshold = card.thresholds.at(step)  # type: ignore[arg-type]
        row = [each for each in card.figures if _is_at(each, threshold)]
        lines.append(f"  {step:6} {threshold:.3f}" + ("" if row else "  not measured"))
        lines += (f"    {_cell(each)}" for each in row)
    return [*lines, *map(_voices_line, _by_voices(card))]


def _by_voices(card: WordCard) -> list[tuple[str, list[Group]]]:
    names = dict.fromkeys(each.voices for each in card.groups)
    return [(name, [each for each in card.groups if each.voices == name]) for name in names]


def _voices_line(row: tuple[str, list[Group]]) -> str:
    voices, groups = row
    cells = "; ".join(f"{each.condition} {each.missed}" for each in groups)
    return f"  normal, {voices}, missed of {groups[0].spoken}: {cells}"


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

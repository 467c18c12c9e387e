"""The report of a training: figures as JSON, curves as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from device.wake.card import Figure, Sensitivity
from device.workshop.training.measuring.curves import curve, point, scores_of
from device.workshop.training.measuring.systems import FIRST_ALONE
from device.workshop.training.measuring.trials import CONDITIONS
from device.workshop.training.wake.task import Result

STEPS: tuple[Sensitivity, ...] = ("low", "normal", "high")


def write_outcome(result: Result, folder: Path, say: Callable[[str], None]) -> None:
    """Write ``training.json`` and, where matplotlib is installed, ``training.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    systems = {"bittern": _system(result, "bittern", _by_step(result.card.figures))}
    if result.first_alone:
        alone = [figure for step in result.first_alone for figure in step]
        systems[FIRST_ALONE] = _system(result, FIRST_ALONE, _by_step(alone))
    facts = {
        "word": result.card.word,
        "measured_on": result.card.measured_on,
        "seconds": round(result.seconds, 1),
        **systems["bittern"],
        "systems": systems,
    }
    (folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    try:
        from device.workshop.training.measuring.plots import draw_word
    except ImportError:
        say("no curves are drawn: pip install bittern[train]")
        return
    draw_word(result.card.word, systems, folder / "training.png")


def comparison(result: Result) -> list[str]:
    """Lines for a person: the existing model alone beside both, where there was one."""
    if not result.first_alone:
        return []
    lines = ["words missed at the same false accepts, the first model alone and with the second:"]
    both = _by_step(result.card.figures)
    for step, row in zip(STEPS, result.first_alone, strict=True):
        cells = [
            f"{alone.condition} {alone.missed / max(1, alone.spoken):.0%} "
            f"{mine.missed / max(1, mine.spoken):.0%}"
            for alone, mine in zip(row, both[step], strict=True)
        ]
        lines.append(f"  {step:6} " + "; ".join(cells))
    return lines


def _by_step(figures: Sequence[Figure]) -> dict[str, Sequence[Figure]]:
    """Figures as the card keeps them: every condition of low, then of normal, then of high."""
    count = len(CONDITIONS)
    return {step: figures[n * count : (n + 1) * count] for n, step in enumerate(STEPS)}


def _system(result: Result, name: str, steps: dict[str, Sequence[Figure]]) -> dict[str, Any]:
    conditions = {}
    for place, condition in enumerate(CONDITIONS):
        scores = scores_of(result.outcomes, name, result.card.word, condition)
        conditions[condition] = {
            "at": {step: point(row[place]) for step, row in steps.items()},
            "curve": curve(scores),
        }
    return {"conditions": conditions}

"""The report of a training: figures as JSON, curves as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.wake.card import Sensitivity
from device.wake.evaluation.curves import curve, point, scores_of
from device.wake.evaluation.trials import CONDITIONS
from device.wake.training.recipe import Result

STEPS: tuple[Sensitivity, ...] = ("low", "normal", "high")


def write_outcome(result: Result, folder: Path, say: Callable[[str], None]) -> None:
    """Write ``training.json`` and, where matplotlib is installed, ``training.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {
        "word": result.card.word,
        "measured_on": result.card.measured_on,
        "seconds": round(result.seconds, 1),
        "conditions": {name: _condition(result, name) for name in CONDITIONS},
    }
    (folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    try:
        from device.wake.evaluation.plots import draw_word
    except ImportError:
        say("no curves are drawn: pip install bittern[train]")
        return
    draw_word(result.card.word, {"bittern": facts}, folder / "training.png")


def _condition(result: Result, name: str) -> dict[str, Any]:
    scores = scores_of(result.outcomes, "bittern", result.card.word, name)
    thresholds = {step: result.card.thresholds.at(step) for step in STEPS}
    return {
        "at": {step: point(scores.figure(name, value)) for step, value in thresholds.items()},
        "curve": curve(scores),
    }

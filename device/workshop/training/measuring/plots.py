"""Curves: miss rate against false accepts per hour. Needs matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt

COLOURS = {
    "bittern": "tab:green",
    "pymicro-wakeword": "tab:blue",
    "openwakeword": "tab:orange",
    "first model alone": "tab:grey",
}
MARKS = {"low": "v", "normal": "o", "high": "^", "usual": "s", "its author's": "D"}


def draw_word(word: str, systems: dict[str, Any], path: Path) -> None:
    """One picture of a word: a panel for each condition, a curve for each system."""
    conditions = next(iter(systems.values()))["conditions"]
    figure, panels = plt.subplots(1, len(conditions), figsize=(4.2 * len(conditions), 4))
    panels = [panels] if len(conditions) == 1 else list(panels)
    for panel, condition in zip(panels, conditions, strict=True):
        for name, system in systems.items():
            _draw(panel, name, system["conditions"][condition])
        _dress(panel, condition)
    panels[0].set_ylabel("words missed, %")
    panels[-1].legend(fontsize=8)
    figure.suptitle(f'"{word}": the band is the 95 % interval; marks are the thresholds in use')
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _draw(panel: Any, name: str, measured: dict[str, Any]) -> None:
    points = [p for p in measured["curve"] if math.isfinite(p["false_per_hour"])]
    if not points or not points[0]["spoken"]:
        return
    colour = COLOURS.get(name, "black")
    across = [max(p["false_per_hour"], 0.1) for p in points]
    panel.plot(across, [100 * p["miss_rate"] for p in points], color=colour, label=name)
    low = [100 * p["miss_low"] for p in points]
    high = [100 * p["miss_high"] for p in points]
    panel.fill_between(across, low, high, color=colour, alpha=0.12, linewidth=0)
    for step, p in measured["at"].items():
        place = max(p["false_per_hour"], 0.1)
        panel.plot(place, 100 * p["miss_rate"], MARKS.get(step, "x"), color=colour)
        panel.hlines(
            100 * p["miss_rate"], max(p["false_low"], 0.1), p["false_high"], color=colour, lw=0.6
        )


def _dress(panel: Any, condition: str) -> None:
    panel.set_title(condition)
    panel.set_xscale("log")
    panel.set_xlim(0.09, 200)
    panel.set_ylim(0, 100)
    panel.set_xlabel("false accepts per hour (0 at the edge)")
    panel.grid(True, which="both", alpha=0.25)

"""The timelines of past turns as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.errors import BitternError

PHASES = (
    ("asking", "wake_s", "speech_end_s"),
    ("waiting", "speech_end_s", "first_audio_played_s"),
    ("answering", "first_audio_played_s", "done_s"),
)
"""Each with the times of a turn between which it lies."""


def plot(turns: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw a bar a turn, the newest at the bottom; raises ``BitternError``."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise BitternError(
            "pictures need matplotlib", "Install it: `pip install matplotlib`, or use --json."
        ) from None
    figure = Figure(figsize=(9, 1.5 + 0.25 * len(turns)), layout="constrained")
    axes = figure.add_subplot()
    for row, (name, begin, end) in enumerate(PHASES):
        spans = [phase(turn, begin, end) for turn in turns]
        axes.barh(
            range(len(turns)),
            [length for _, length in spans],
            left=[left for left, _ in spans],
            color=f"C{row}",
            label=name,
        )
    axes.set_yticks(range(len(turns)), [str(turn["id"]) for turn in turns])
    axes.invert_yaxis()
    axes.set_xlabel("seconds from the beginning of the turn")
    axes.set_ylabel("turn")
    axes.legend(loc="upper right")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as failure:
        raise BitternError(f"{path} cannot be written: {failure}") from None


def phase(turn: dict[str, Any], begin: str, end: str) -> tuple[float, float]:
    """Where a phase of a turn begins and how long it is, in seconds; no length if it is unknown."""
    ended = (each for each in turn["events"] if each["event"] == "turn")
    times: dict[str, Any] = next(ended, {})
    known = [times[name] for name in ("wake_s", "link_ready_s") if times.get(name) is not None]
    if not known or times.get(begin) is None or times.get(end) is None:
        return 0.0, 0.0
    return times[begin] - known[0], max(0.0, times[end] - times[begin])

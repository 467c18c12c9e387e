"""How long things ring, how loud, and how late is too late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from device.tools.alarms.entries import Kind


@dataclass(frozen=True, slots=True)
class RingingManner:
    """How one kind of entry rings."""

    grace_s: float
    """Found due later than that (the power was out), it is reported as missed, not rung."""
    ring_for_s: float
    """Unanswered for so long, it falls silent and is reported as missed."""
    loudness: tuple[tuple[float, float], ...]
    """Steps of (seconds since it began, loudness from 0 to 1), ascending from 0 s."""

    def loudness_at(self, ringing_s: float) -> float:
        """How loud it rings after so long."""
        return [loudness for from_s, loudness in self.loudness if from_s <= ringing_s][-1]

    def next_step_s(self, ringing_s: float) -> float | None:
        """When it next grows louder, in seconds since it began; None: never again."""
        return next((from_s for from_s, _ in self.loudness if from_s > ringing_s), None)


def _manners() -> Mapping[Kind, RingingManner]:
    # Ours, by the feel of it: a person asleep is woken softly and surely, a timer is for
    # somebody awake and near, a reminder is said a few times and still matters hours later.
    gently = ((0.0, 0.3), (10.0, 0.45), (20.0, 0.6), (40.0, 0.8), (60.0, 1.0))
    return {
        Kind.ALARM: RingingManner(grace_s=1_800, ring_for_s=600, loudness=gently),
        Kind.TIMER: RingingManner(
            grace_s=600, ring_for_s=300, loudness=((0.0, 0.6), (15.0, 0.8), (30.0, 1.0))
        ),
        Kind.REMINDER: RingingManner(
            grace_s=21_600, ring_for_s=120, loudness=((0.0, 0.6), (30.0, 0.8))
        ),
    }


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything about ringing that could be a setting."""

    manners: Mapping[Kind, RingingManner] = field(default_factory=_manners)
    snooze_s: float = 540.0
    """Nine minutes, as bedside clocks have done since the 1950s."""
    poll_s: float = 1.0
    """The clocks are read at least so often while anything waits: how late an alarm can be
    after the wall clock was put forward, since nothing announces that."""
    jump_s: float = 0.3
    """The wall clock moved so much against the elapsed one at once: it was set. Slewing
    (at most 500 ppm, half a millisecond a poll) is not a jump; timesyncd steps from 0.4 s."""
    missed_kept_s: float = 3 * 86_400.0
    """So long a missed one waits for somebody to be told."""
    regret_s: float = 120.0
    """So long after it was stopped can one still say "snooze" or "five more minutes"."""

"""From a button going down and up to what was meant by it, told apart by time. No I/O.

A press is told at the earliest moment at which it cannot become anything else. Without
a double press and a long one to wait for, that is when the button goes down.

===================  ==========================================================
gesture              told
===================  ==========================================================
press                down; with a long press possible, on release; with a
                     double press possible, when no second one has followed
double               when the second press goes down
long                 while held, after ``long_s``
very long coming     while held, ``warning_s`` before "very long": time to let
                     go, if that was not meant
very long            while held, after ``very_long_s``
very long cancelled  when it was let go in between
===================  ==========================================================

A button that is already down when we begin (a short circuit, a cat) is ignored until it
has been up once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from enum import StrEnum

from device.panel.debounce import Debouncer


class Gesture(StrEnum):
    """What somebody did with a button."""

    PRESS = "press"
    DOUBLE = "double"
    LONG = "long"
    VERY_LONG_COMING = "very_long_coming"
    VERY_LONG = "very_long"
    VERY_LONG_CANCELLED = "very_long_cancelled"


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """A gesture, and when the button went down for it."""

    gesture: Gesture
    pressed_at_s: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long is what; seconds."""

    bounce_s: float = 0.02
    """Contacts of small buttons chatter for up to some 5 ms, worn ones for 20."""
    double_s: float = 0.35
    """From the release of the first to the second press."""
    long_s: float = 0.8
    very_long_s: float = 10.0
    warning_s: float = 5.0


@dataclasses.dataclass(frozen=True)
class Expected:
    """Which gestures mean something on a button; the others are not waited for."""

    double: bool = False
    long: bool = False
    very_long: bool = False


class GestureRecogniser:
    """Takes edges and the time, gives gestures. Times may not go back."""

    def __init__(
        self, expected: Expected, timing: Timing | None = None, *, is_down: bool = False
    ) -> None:
        self._expects_double = expected.double
        self._timing = timing or Timing()
        self._holds = _holds(expected, self._timing)
        self._contact = Debouncer(self._timing.bounce_s, is_on=is_down)
        self._is_ignored = is_down
        self._pressed_at_s = 0.0
        self._holds_told = 0
        self._is_spent = False
        """All that this press can mean has been told."""
        self._first_press_at_s: float | None = None
        """When the press went down that may become a double one."""
        self._first_release_at_s = 0.0

    def edge(self, is_down: bool, at_s: float) -> list[Told]:
        """Take an edge as the pin reported it, chatter included."""
        told = self.passed(at_s)
        if self._contact.edge(is_down, at_s):
            told += self._moved(at_s)
        return told

    def passed(self, at_s: float) -> list[Told]:
        """Take note that it is now ``at_s``; call it at :attr:`deadline_s` at the latest."""
        told: list[Told] = []
        while (due_s := self.deadline_s) is not None and due_s <= at_s:
            told += self._due(due_s)
        return told

    @property
    def down_since_s(self) -> float | None:
        """When the button went down that is down; None while it is up, or ignored."""
        is_down = self._contact.is_on and not self._is_ignored
        return self._pressed_at_s if is_down else None

    @property
    def deadline_s(self) -> float | None:
        """When something is due although no edge comes; None when nothing is."""
        due = (self._contact.deadline_s, self._double_ends_s(), self._hold_due_s())
        return min((at_s for at_s in due if at_s is not None), default=None)

    def _due(self, at_s: float) -> Iterator[Told]:
        if self._contact.passed(at_s):
            yield from self._moved(at_s)
        elif self._first_press_at_s is not None and self._double_ends_s() == at_s:
            yield Told(Gesture.PRESS, self._first_press_at_s)
            self._first_press_at_s = None
        else:
            _, gesture = self._holds[self._holds_told]
            self._holds_told += 1
            yield Told(gesture, self._pressed_at_s)

    def _moved(self, at_s: float) -> Iterator[Told]:
        is_down = self._contact.is_on
        if self._is_ignored:
            self._is_ignored = is_down
        elif is_down:
            yield from self._went_down(at_s)
        else:
            yield from self._went_up(at_s)

    def _went_down(self, at_s: float) -> Iterator[Told]:
        self._pressed_at_s, self._holds_told = at_s, 0
        is_second = self._first_press_at_s is not None
        self._is_spent = is_second or not (self._expects_double or self._holds)
        if self._first_press_at_s is not None:
            yield Told(Gesture.DOUBLE, self._first_press_at_s)
            self._first_press_at_s = None
        elif self._is_spent:
            yield Told(Gesture.PRESS, at_s)

    def _went_up(self, at_s: float) -> Iterator[Told]:
        if self._is_spent:
            return
        if self._holds_told:
            if self._holds[self._holds_told - 1][1] is Gesture.VERY_LONG_COMING:
                yield Told(Gesture.VERY_LONG_CANCELLED, self._pressed_at_s)
        elif self._expects_double:
            self._first_press_at_s, self._first_release_at_s = self._pressed_at_s, at_s
        else:
            yield Told(Gesture.PRESS, self._pressed_at_s)

    def _hold_due_s(self) -> float | None:
        is_held = self._contact.is_on and not (self._is_ignored or self._is_spent)
        if not is_held or self._holds_told == len(self._holds):
            return None
        return self._pressed_at_s + self._holds[self._holds_told][0]

    def _double_ends_s(self) -> float | None:
        if self._first_press_at_s is None:
            return None
        return self._first_release_at_s + self._timing.double_s


def _holds(expected: Expected, timing: Timing) -> list[tuple[float, Gesture]]:
    """Return what is told while a button is held, each with its time after going down."""
    holds = []
    if expected.long:
        holds.append((timing.long_s, Gesture.LONG))
    if expected.very_long:
        holds.append((timing.very_long_s - timing.warning_s, Gesture.VERY_LONG_COMING))
        holds.append((timing.very_long_s, Gesture.VERY_LONG))
    return holds

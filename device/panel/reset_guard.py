"""The way to a factory reset, and the two ways out of it; given gestures and the time. No I/O.

==============================  =======================================================
what the owner does             what happens
==============================  =======================================================
holds the button for 5 s        it is announced; letting go is the first way out
holds it for 10 s               the count of :data:`GRACE_S` begins, with a tick a second
presses any button, then        it is called off: the second way out
waits                           everything is forgotten
==============================  =======================================================

Where a short gesture has the action, there is no holding to let go of: the count begins
at once.
"""

from __future__ import annotations

from enum import StrEnum

from device.panel.actions import Action
from device.panel.gestures import Gesture
from device.panel.watchers import ButtonDown, ButtonEvent

GRACE_S = 10.0
"""Time for whoever is across the room to come and press a button."""
TICK_S = 1.0


class ResetStep(StrEnum):
    """What is to be heard, seen or done now."""

    ANNOUNCE = "announce"
    COUNT = "count"
    TICK = "tick"
    CALL_OFF = "call_off"
    CARRY_OUT = "carry_out"


class ResetGuard:
    """Takes button events and the time; gives steps. Times may not go back."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._is_announced = False
        self._until_s: float | None = None
        self._tick_s = 0.0
        self._way_out: ButtonDown | None = None
        """The press that called it off: it has meant enough."""

    @property
    def is_counting(self) -> bool:
        """A press now is a way out and nothing else."""
        return self._until_s is not None

    @property
    def deadline_s(self) -> float | None:
        """When to tell it the time; None when nothing is awaited."""
        return None if self._until_s is None else min(self._tick_s, self._until_s)

    def button(self, event: ButtonEvent, now_s: float) -> list[ResetStep] | None:
        """Take an event; None when it is none of ours."""
        way_out = self._way_out
        if way_out and (event.button, event.pressed_at_s) == (way_out.button, way_out.pressed_at_s):
            return []
        if self.is_counting:
            return self._pressed_in_the_count(event)
        if event.action is not Action.FACTORY_RESET:
            return None
        match event.gesture:
            case Gesture.VERY_LONG_COMING:
                self._is_announced = True
                return [ResetStep.ANNOUNCE]
            case Gesture.VERY_LONG_CANCELLED:
                return self._call_off()
            case _:
                self._is_announced = False
                self._until_s, self._tick_s = now_s + self._grace_s, now_s + TICK_S
                return [ResetStep.COUNT]

    def down(self, down: ButtonDown) -> list[ResetStep]:
        """A button went down: in the count, that is the way out, whatever comes of it."""
        if not self.is_counting:
            return []
        self._way_out, self._until_s = down, None
        return [ResetStep.CALL_OFF]

    def passed(self, now_s: float) -> list[ResetStep]:
        """Take note of the time."""
        if self._until_s is None:
            return []
        if now_s >= self._until_s:
            self._until_s = None
            return [ResetStep.CARRY_OUT]
        if now_s < self._tick_s:
            return []
        self._tick_s += TICK_S * (1 + (now_s - self._tick_s) // TICK_S)
        return [ResetStep.TICK]

    def _pressed_in_the_count(self, event: ButtonEvent) -> list[ResetStep]:
        # The end of the very press that began the count is no press of its own.
        if event.gesture is Gesture.VERY_LONG_CANCELLED:
            return []
        self._until_s = None
        return [ResetStep.CALL_OFF]

    def _call_off(self) -> list[ResetStep]:
        was_announced, self._is_announced = self._is_announced, False
        return [ResetStep.CALL_OFF] if was_announced else []

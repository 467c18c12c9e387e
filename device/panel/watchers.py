"""What a button and a mute switch have to say, given their edges and the time. No threads."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

from device.panel.actions import Action
from device.panel.debounce import Debouncer
from device.panel.gestures import Expected, Gesture, GestureRecogniser, Timing, Told

SWITCH_BOUNCE_S = 0.05
SWITCH_LOOK_S = 1.0
"""A lost edge of the mute switch must not leave a microphone open: look at its level too."""


@dataclasses.dataclass(frozen=True)
class ButtonPlan:
    """A button: its line, and what each gesture does."""

    name: str
    line: int
    pull: str = "up"
    """Resistor of the Pi on the line: ``up``, ``down`` or ``none``."""
    on_when_high: bool = False
    press: Action = Action.TALK
    double: Action = Action.NONE
    long: Action = Action.MUTE
    very_long: Action = Action.NONE

    def action(self, gesture: Gesture) -> Action:
        """Return what a gesture on this button asks for."""
        match gesture:
            case Gesture.PRESS:
                return self.press
            case Gesture.DOUBLE:
                return self.double
            case Gesture.LONG:
                return self.long
            case _:
                return self.very_long


@dataclasses.dataclass(frozen=True)
class SwitchPlan:
    """The mute switch; it is on while the microphone shall be closed."""

    line: int
    pull: str = "up"
    on_when_high: bool = False


@dataclasses.dataclass(frozen=True)
class ButtonEvent:
    """Somebody pressed a button, and it means something."""

    button: str
    gesture: Gesture
    """At ``very_long_coming`` the action is only announced, at ``very_long_cancelled``
    called off; at all others it is to be carried out."""
    action: Action
    pressed_at_s: float
    """When the button went down, on the clock of the watcher."""


@dataclasses.dataclass(frozen=True)
class MuteSwitched:
    """The mute switch is in a position, at the start or from now on."""

    muted: bool


@dataclasses.dataclass(frozen=True)
class ButtonDown:
    """A button went down; what is meant by it is told later."""

    button: str
    pressed_at_s: float
    """The same as in the events that follow from this press."""


PanelEvent = ButtonEvent | MuteSwitched | ButtonDown


class Watcher(Protocol):
    """Something on one line that turns edges and time into events."""

    line: int

    @property
    def deadline_s(self) -> float | None:
        """When it wants to be told the time although no edge comes."""

    def edge(self, is_on: bool, at_s: float) -> list[PanelEvent]:
        """Take an edge, chatter included."""

    def passed(self, at_s: float) -> list[PanelEvent]:
        """Take note of the time."""


class ButtonWatcher:
    """A button that was ``is_down`` when the watch began."""

    def __init__(self, plan: ButtonPlan, timing: Timing, *, is_down: bool) -> None:
        none = Action.NONE
        expected = Expected(plan.double != none, plan.long != none, plan.very_long != none)
        self.line = plan.line
        self._plan = plan
        self._recogniser = GestureRecogniser(expected, timing, is_down=is_down)
        self._down_since_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When a gesture is due."""
        return self._recogniser.deadline_s

    def edge(self, is_on: bool, at_s: float) -> list[PanelEvent]:
        """Take an edge; return what was meant."""
        return self._events(self._recogniser.edge(is_on, at_s))

    def passed(self, at_s: float) -> list[PanelEvent]:
        """Take note of the time; return what was meant."""
        return self._events(self._recogniser.passed(at_s))

    def _events(self, told: list[Told]) -> list[PanelEvent]:
        meant = ((one, self._plan.action(one.gesture)) for one in told)
        return self._went_down() + [
            ButtonEvent(self._plan.name, one.gesture, action, one.pressed_at_s)
            for one, action in meant
            # A press without a meaning of its own is still a way out of a warning.
            if action is not Action.NONE or one.gesture is Gesture.PRESS
        ]

    def _went_down(self) -> list[PanelEvent]:
        before_s, self._down_since_s = self._down_since_s, self._recogniser.down_since_s
        if self._down_since_s in (None, before_s):
            return []
        return [ButtonDown(self._plan.name, self._down_since_s)]


class SwitchWatcher:
    """A switch whose level counts, told by edges and looked at besides."""

    def __init__(self, plan: SwitchPlan, read: Callable[[], bool], at_s: float) -> None:
        self.line = plan.line
        self._read = read
        self._contact = Debouncer(SWITCH_BOUNCE_S, is_on=read())
        self._look_at_s = at_s + SWITCH_LOOK_S

    def position(self) -> MuteSwitched:
        """Return where it is."""
        return MuteSwitched(self._contact.is_on)

    @property
    def deadline_s(self) -> float | None:
        """When to look at the level, or to believe it."""
        settled_s = self._contact.deadline_s
        return self._look_at_s if settled_s is None else min(settled_s, self._look_at_s)

    def edge(self, is_on: bool, at_s: float) -> list[PanelEvent]:
        """Take an edge; return the new position, if it is one."""
        return [self.position()] if self._contact.edge(is_on, at_s) else []

    def passed(self, at_s: float) -> list[PanelEvent]:
        """Believe or look, whichever is due; return the new position, if it is one."""
        if at_s >= self._look_at_s:
            self._look_at_s = at_s + SWITCH_LOOK_S
            return self.edge(self._read(), at_s)
        return [self.position()] if self._contact.passed(at_s) else []

"""Buttons and the mute switch: edges in from gpiozero's thread, events out on one of ours."""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from device.panel.gestures import Timing
from device.panel.gpio import GpioInput, Pins
from device.panel.output import PanelError
from device.panel.watchers import (
    ButtonEvent,
    ButtonPlan,
    ButtonWatcher,
    MuteSwitched,
    PanelEvent,
    SwitchPlan,
    SwitchWatcher,
    Watcher,
)

log = logging.getLogger(__name__)

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0
CLOSING_S = 1.0

Edge = tuple[int, bool, float]
"""A line, whether it is on now, and when that was."""
NO_EDGE: Edge = (-1, False, 0.0)
"""Only time has passed."""


class Buttons:
    """Watches buttons and a mute switch on a thread of its own, asleep until something moves.

    ``on_button`` and ``on_mute_switch`` are plain callables, called on that thread; they
    should hand over and return. ``on_mute_switch`` is told the position at the start and
    at each change. Lines that cannot be taken are logged once and tried again, later and
    later; until then the appliance does without.
    """

    def __init__(
        self,
        pins: Pins,
        buttons: Sequence[ButtonPlan],
        switch: SwitchPlan | None = None,
        *,
        on_button: Callable[[ButtonEvent], None],
        on_mute_switch: Callable[[bool], None] = lambda _: None,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pins = pins
        self._buttons = tuple(buttons)
        self._switch = switch
        self._on_button = on_button
        self._on_mute_switch = on_mute_switch
        self._timing = timing or Timing()
        self._clock = clock
        self._edges: queue.SimpleQueue[Edge | None] = queue.SimpleQueue()
        """None asks the thread to end."""
        self._thread: threading.Thread | None = None
        self.failure = ""
        """Why the lines cannot be watched; empty while they are."""

    def start(self) -> None:
        """Begin to watch; with nothing to watch there is no thread."""
        if self._buttons or self._switch is not None:
            self._thread = threading.Thread(target=self._run, name="buttons", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop watching and give the lines back."""
        if self._thread is not None:
            self._edges.put(None)
            self._thread.join(CLOSING_S)
            self._thread = None

    def _run(self) -> None:
        """Take the lines and watch them, again and again until closed."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                with contextlib.ExitStack() as lines:
                    watchers = self._take(lines)
                    if self.failure:
                        log.warning("the buttons are back")
                    retry_s, self.failure = FIRST_RETRY_S, ""
                    self._watch(watchers)
                    return
            except Exception as failure:
                # Mostly PanelError; a library below may raise what it never said it would.
                self._failed(failure)
            if self._is_closed_within(retry_s):
                return
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    def _failed(self, failure: Exception) -> None:
        if not self.failure:
            is_known = isinstance(failure, PanelError)
            log.warning("buttons: %s", failure, exc_info=not is_known)
        self.failure = str(failure)

    def _take(self, lines: contextlib.ExitStack) -> list[Watcher]:
        """Take all lines; ``lines`` gives them back."""
        watchers: list[Watcher] = []
        for plan in self._buttons:
            line = self._input(plan, lines)
            watchers.append(ButtonWatcher(plan, self._timing, is_down=line.is_on()))
        if self._switch is not None:
            line = self._input(self._switch, lines)
            switch = SwitchWatcher(self._switch, line.is_on, self._clock())
            watchers.append(switch)
            self._tell(switch.position())
        return watchers

    def _input(self, plan: ButtonPlan | SwitchPlan, lines: contextlib.ExitStack) -> GpioInput:
        taken = GpioInput(
            self._pins,
            plan.line,
            pull=plan.pull,
            on_when_high=plan.on_when_high,
            on_change=functools.partial(self._edge, plan.line),
        )
        lines.callback(taken.close)
        return taken

    def _edge(self, line: int, is_on: bool) -> None:
        """Take an edge from gpiozero's thread."""
        self._edges.put((line, is_on, self._clock()))

    def _watch(self, watchers: Sequence[Watcher]) -> None:
        """Turn edges and the passing of time into events until closed."""
        while True:
            deadlines = (watcher.deadline_s for watcher in watchers)
            due_s = min((at_s for at_s in deadlines if at_s is not None), default=None)
            left_s = None if due_s is None else max(0.0, due_s - self._clock())
            try:
                edge = self._edges.get(timeout=left_s)
            except queue.Empty:
                edge = NO_EDGE
            if edge is None:
                return
            line, is_on, at_s = edge
            for watcher in watchers:
                is_meant = watcher.line == line
                events = watcher.edge(is_on, at_s) if is_meant else watcher.passed(self._clock())
                self._tell(*events)

    def _is_closed_within(self, seconds: float) -> bool:
        """Wait, and say whether we were closed meanwhile; late edges mean nothing."""
        ends_s = self._clock() + seconds
        while (left_s := ends_s - self._clock()) > 0:
            try:
                if self._edges.get(timeout=left_s) is None:
                    return True
            except queue.Empty:
                return False
        return False

    def _tell(self, *events: PanelEvent) -> None:
        """Call back; a failure there is not ours, and must not end the watch."""
        for event in events:
            try:
                if isinstance(event, MuteSwitched):
                    self._on_mute_switch(event.muted)
                else:
                    self._on_button(event)
            except Exception:
                log.exception("whoever listens to the buttons has failed")

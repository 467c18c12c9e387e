"""Buttons and the mute switch: a thread that sleeps until a line moves or time is due."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable, Sequence

from device.panel.gestures import Timing
from device.panel.input_line import InputLine, TakeLine
from device.panel.output import PanelError
from device.panel.watchers import (
    ButtonDown,
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

Watched = tuple[InputLine, Watcher]


class Buttons:
    """Watches buttons and a mute switch on a thread of its own, asleep until something moves.

    ``on_button``, ``on_down`` and ``on_mute_switch`` are plain callables, called on that
    thread; they should hand over and return. ``on_mute_switch`` is told the position at
    the start and at each change. Lines that cannot be taken are logged once and tried
    again, later and later; until then the appliance does without.
    """

    def __init__(
        self,
        take: TakeLine,
        buttons: Sequence[ButtonPlan],
        switch: SwitchPlan | None = None,
        *,
        on_button: Callable[[ButtonEvent], None],
        on_mute_switch: Callable[[bool], None] = lambda _: None,
        on_down: Callable[[ButtonDown], None] = lambda _: None,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._take_line = take
        self._buttons = tuple(buttons)
        self._switch = switch
        self._on_button = on_button
        self._on_mute_switch = on_mute_switch
        self._on_down = on_down
        self._timing = timing or Timing()
        self._clock = clock
        self._closing = threading.Event()
        self._wake = -1
        """A file that ends the wait for edges when we close."""
        self._thread: threading.Thread | None = None
        self._is_known = threading.Event()
        self.failure = ""
        """Why the lines cannot be watched; empty while they are."""

    def start(self) -> None:
        """Begin to watch; with nothing to watch there is no thread."""
        if self._buttons or self._switch is not None:
            self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._thread = threading.Thread(target=self._run, name="buttons", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop watching and give the lines back."""
        self._closing.set()
        if self._thread is not None:
            os.eventfd_write(self._wake, 1)
            self._thread.join(CLOSING_S)
            if not self._thread.is_alive():
                os.close(self._wake)
            self._thread = None

    def wait_until_known(self, timeout_s: float) -> bool:
        """Wait until the position of the switch was told, or cannot be; False if not in time."""
        return self._thread is None or self._is_known.wait(timeout_s)

    def _run(self) -> None:
        """Take the lines and watch them, again and again until closed."""
        retry_s = FIRST_RETRY_S
        while True:
            try:
                with contextlib.ExitStack() as lines:
                    watched = self._take(lines)
                    if self.failure:
                        log.warning("the buttons are back")
                    retry_s, self.failure = FIRST_RETRY_S, ""
                    self._is_known.set()
                    self._watch(watched)
                    return
            except Exception as failure:
                # Mostly PanelError; a library below may raise what it never said it would.
                self._failed(failure)
            if self._closing.wait(retry_s):
                return
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)

    def _failed(self, failure: Exception) -> None:
        if not self.failure:
            is_known = isinstance(failure, PanelError)
            log.warning("buttons: %s", failure, exc_info=not is_known)
        self.failure = str(failure)
        self._is_known.set()

    def _take(self, lines: contextlib.ExitStack) -> list[Watched]:
        """Take all lines; ``lines`` gives them back."""
        watched: list[Watched] = []
        for plan in self._buttons:
            line = self._input(plan, lines)
            watched.append((line, ButtonWatcher(plan, self._timing, is_down=line.is_on())))
        if self._switch is not None:
            line = self._input(self._switch, lines)
            switch = SwitchWatcher(self._switch, line.is_on, self._clock())
            watched.append((line, switch))
            self._tell(switch.position())
        return watched

    def _input(self, plan: ButtonPlan | SwitchPlan, lines: contextlib.ExitStack) -> InputLine:
        taken = self._take_line(plan.line, pull=plan.pull, on_when_high=plan.on_when_high)
        lines.callback(taken.close)
        return taken

    def _watch(self, watched: Sequence[Watched]) -> None:
        """Turn edges and the passing of time into events until closed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            for line, watcher in watched:
                selector.register(line, selectors.EVENT_READ, (line, watcher))
            while not self._closing.is_set():
                for key, _ in selector.select(self._left_s(watched)):
                    if key.data is not None:
                        self._hear(*key.data)
                for _, watcher in watched:
                    self._tell(*watcher.passed(self._clock()))

    def _left_s(self, watched: Sequence[Watched]) -> float | None:
        deadlines = (watcher.deadline_s for _, watcher in watched)
        due_s = min((at_s for at_s in deadlines if at_s is not None), default=None)
        return None if due_s is None else max(0.0, due_s - self._clock())

    def _hear(self, line: InputLine, watcher: Watcher) -> None:
        for is_on, at_s in line.edges():
            self._tell(*watcher.edge(is_on, at_s))

    def _tell(self, *events: PanelEvent) -> None:
        """Call back; a failure there is not ours, and must not end the watch."""
        for event in events:
            try:
                if isinstance(event, MuteSwitched):
                    self._on_mute_switch(event.muted)
                elif isinstance(event, ButtonDown):
                    self._on_down(event)
                else:
                    self._on_button(event)
            except Exception:
                log.exception("whoever listens to the buttons has failed")

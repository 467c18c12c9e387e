"""A factory reset as it is heard, seen and done: the guard decides, this carries it out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import count

from device.audio.resample import WIRE_RATE_HZ
from device.panel.gestures import Timing
from device.panel.panel import Panel
from device.panel.reset_guard import GRACE_S, ResetGuard, ResetStep
from device.panel.watchers import ButtonDown, ButtonEvent
from device.room.focus import Channel
from device.room.room import Room

log = logging.getLogger(__name__)

KEY = "factory reset"
LONGEST_GOODBYE_S = 6.0


class Resetting:
    """Warns, counts and lets out; calls ``forget`` when nobody has stopped it.

    It speaks while muted, too: mute closes the microphone, and this is a warning. All on
    the thread of the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, forget: Callable[[], None]) -> None:
        self._loop = loop
        self._forget = forget
        self.guard = ResetGuard()
        self._sayings = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._room: Room | None = None
        self._panel: Panel | None = None

    def take(self, room: Room, panel: Panel) -> None:
        """From now on this is the appliance."""
        self._room, self._panel = room, panel

    def button(self, event: ButtonEvent) -> bool:
        """Take an event; False when it is for somebody else."""
        steps = self.guard.button(event, self._loop.time())
        if steps is None:
            return False
        self._do(steps)
        return True

    def down(self, down: ButtonDown) -> None:
        """A button went down."""
        self._do(self.guard.down(down))

    def close(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _passed(self) -> None:
        self._do(self.guard.passed(self._loop.time()))

    def _do(self, steps: list[ResetStep]) -> None:
        for step in steps:
            log.warning("factory reset: %s", step)
            _DO[step](self)
        self.close()
        due_s = self.guard.deadline_s
        if due_s is not None:
            self._timer = self._loop.call_at(due_s, self._passed)

    def _announce(self) -> None:
        self._hush()
        self._say("reset_coming")
        self._show(Timing.warning_s)

    def _count(self) -> None:
        self._hush()
        self._say("reset_counting")
        self._show(GRACE_S)

    def _tick(self) -> None:
        if self._room is not None:
            self._room.mouth.chime("tick")

    def _call_off(self) -> None:
        self._show(None)
        self._say("reset_called_off")

    def _carry_out(self) -> None:
        goodbye_s = self._say("reset_done")
        self._loop.call_later(min(goodbye_s + 0.5, LONGEST_GOODBYE_S), self._forget)

    def _hush(self) -> None:
        """Somebody is there: what rings has done its duty."""
        if self._room is not None:
            self._room.quieten()

    def _say(self, notice: str) -> float:
        """Return how long it takes, in seconds."""
        if self._room is None:
            return 0.0
        text, samples = self._room.mouth.sounds.notice(notice)
        log.warning("%s", text)
        self._room.mouth.say(Channel.WARNING, f"{KEY} {next(self._sayings)}", samples)
        return len(samples) / WIRE_RATE_HZ

    def _show(self, seconds: float | None) -> None:
        if self._panel is not None:
            self._panel.show_warning(seconds)


_DO: dict[ResetStep, Callable[[Resetting], None]] = {
    ResetStep.ANNOUNCE: Resetting._announce,
    ResetStep.COUNT: Resetting._count,
    ResetStep.TICK: Resetting._tick,
    ResetStep.CALL_OFF: Resetting._call_off,
    ResetStep.CARRY_OUT: Resetting._carry_out,
}

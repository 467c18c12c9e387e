"""What the parts of the core have in common: the time, the deadlines, what is to be done."""

from __future__ import annotations

from device.assistant.effects import Effect, Tell
from device.assistant.news import News
from device.assistant.timers import Timer, Timers


class Outbox:
    """Gathers the effects of one input, in order, at the time of that input."""

    def __init__(self) -> None:
        self.now_s = float("-inf")
        self.timers = Timers()
        self._effects: list[Effect] | None = None

    def open(self, now_s: float) -> None:
        """Another input is taken; time that goes back is taken to stand still."""
        # One input at a time: whoever feeds the core while it decides would have the effects
        # of two inputs carried out in an order that belongs to neither.
        assert self._effects is None, "the core was given an input while it took another"
        self.now_s = max(self.now_s, now_s)
        self._effects = []

    def close(self) -> list[Effect]:
        """The input is dealt with; return what was gathered since :meth:`open`."""
        assert self._effects is not None, "closed without having been opened"
        effects, self._effects = self._effects, None
        return effects

    def emit(self, effect: Effect) -> None:
        """Have something done."""
        # Decisions are made in answer to inputs, and at no other time.
        assert self._effects is not None, f"{effect} was decided on while nothing happened"
        self._effects.append(effect)

    def tell(self, what: News) -> None:
        """Have something told."""
        self.emit(Tell(what))

    def arm(self, timer: Timer, in_s: float) -> None:
        """Set a deadline from now on, or move it."""
        self.timers.arm(timer, self.now_s + in_s)

    def disarm(self, *timers: Timer) -> None:
        """Forget deadlines; unarmed ones may be named."""
        self.timers.disarm(*timers)

"""A voice over an answer, from the first suspicion to knowing whose it is.

To be quiet at once and to give up the answer are two decisions. The first is cheap and is
taken at the first hop of a voice: the answer is ducked, and with more of the voice it is held.
The second cannot be taken back, since the endpoint is told to cancel and to forget what was not
heard; it waits until the voice was measured, and is the conversation's. What comes to nothing,
a cough or a television, leaves an answer that goes on where it was ducked.
"""

from __future__ import annotations

from enum import Enum

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.delivery import Delivery
from device.assistant.follow_ups import FollowUps
from device.assistant.outbox import Outbox
from device.assistant.policy import BargeIn, Policy
from device.assistant.situation import Situation
from device.assistant.states import State
from device.assistant.timers import Timer

CONFIRM_S = 1.0
"""A voice is measured after 480 ms of it, or 160 ms after it has ended; what takes longer to
show whose it is was no sentence, and the answer goes on."""
REPLAYED_S = 0.3
"""Most of an answer that is said again after it was held: what was played ducked."""


class _Stage(Enum):
    NONE = "none"
    DUCKED = "ducked"
    HELD = "held"
    REJECTED = "rejected"
    """Somebody speaks, and not to us: the answer goes on over them."""


class Interjection:
    """At most one voice at a time; it changes how the answer sounds, and nothing else."""

    def __init__(
        self,
        now: Situation,
        follow_ups: FollowUps,
        delivery: Delivery,
        policy: Policy,
        out: Outbox,
    ) -> None:
        """``delivery``: is told how long the answer was held."""
        self._now = now
        self._follow_ups = follow_ups
        self._delivery = delivery
        self._policy = policy
        self._out = out
        self._stage = _Stage.NONE
        self._held_since_s = 0.0
        self._from_sample: int | None = None
        """Where the voice that is heard began; None while there is none."""

    @property
    def is_possible(self) -> bool:
        """Whether a voice may interrupt what is being said."""
        return self._now.state is State.SPEAKING and self._policy.barge_in is BargeIn.VOICE

    def suspected(self) -> None:
        """One hop resembles a voice: reason enough to lower ours."""
        if self.is_possible and self._stage is _Stage.NONE:
            self._stage = _Stage.DUCKED
            self._out.emit(do.DuckAnswer())

    def doubted(self) -> None:
        """It was none."""
        if self._stage is _Stage.DUCKED:
            self.over()

    def began(self, at_sample: int) -> None:
        """It is one, since this sample of the capture clock."""
        if self._stage in (_Stage.HELD, _Stage.REJECTED):
            return
        self._stage = _Stage.HELD
        self._held_since_s = self._out.now_s
        self._from_sample = at_sample
        self._out.emit(do.HoldAnswer())
        self._out.arm(Timer.INTERJECTION, CONFIRM_S)

    def measured(self, measured: inputs.VoiceMeasured) -> int | None:
        """Whoever speaks over an answer ends it if they may be whom it is given to.

        Returns the sample of the capture clock from which they speak to us; None: they do not,
        and may go on for long.
        """
        if self._from_sample is None:
            return None
        if not self._follow_ups.is_asker(measured.level_db):
            if self._stage is _Stage.HELD:
                self._resume()
                self._stage = _Stage.REJECTED
            return None
        # If it is not held for them, somebody else had been speaking before.
        return self._from_sample if self._stage is _Stage.HELD else measured.from_sample

    def over(self) -> None:
        """Nobody speaks any more, or it makes no difference."""
        if self._stage in (_Stage.DUCKED, _Stage.HELD):
            self._resume()
        self._stage = _Stage.NONE
        self._from_sample = None

    def _resume(self) -> None:
        self._out.disarm(Timer.INTERJECTION)
        self._out.emit(do.ResumeAnswer())
        if self._stage is _Stage.HELD:
            self._delivery.delayed(self._out.now_s - self._held_since_s + REPLAYED_S)

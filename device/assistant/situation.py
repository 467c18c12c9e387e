"""Where a conversation stands: the few facts that its parts share, each in one place."""

from __future__ import annotations

from dataclasses import dataclass

from device.assistant.spoken import SpokenQuestion
from device.assistant.states import State
from device.assistant.turn import Turn

ASKING = (State.CONNECTING, State.LISTENING)
"""A question is being asked."""
ANSWERING = (State.THINKING, State.SPEAKING)
"""It is over, and its answer is awaited or given."""


@dataclass(slots=True)
class Situation:
    """Written by the conversation and by those of its parts that a turn passes through."""

    state: State = State.IDLE
    """One of a conversation's: never muted, never faulted."""
    turn: Turn | None = None
    spoken: SpokenQuestion | None = None
    """The sound of the question under way, where it has any and its floor is known."""
    fault: str = ""
    """A short name of what is wrong; empty when nothing is."""
    open_from_sample: int = 0
    """Where the answer that is given, or was given last, began to be heard: a question that
    nobody called for by name (a follow-up, a voice) begins there at the earliest."""

    @property
    def is_asking(self) -> bool:
        """Whether a question is being asked."""
        return self.state in ASKING

    @property
    def is_answering(self) -> bool:
        """Whether an answer is awaited or given."""
        return self.state in ANSWERING

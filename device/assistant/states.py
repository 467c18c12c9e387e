"""The states of the appliance, as a person would name them by looking at its light."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What the appliance is doing; the panel shows exactly this and nothing else."""

    IDLE = "idle"
    """Listening for the wake word, on the device only."""
    CONNECTING = "connecting"
    """Woken, hearing the question, and no endpoint is ready for it yet."""
    LISTENING = "listening"
    """Streaming the question to an endpoint."""
    THINKING = "thinking"
    """The question is over and the answer has not begun."""
    SPEAKING = "speaking"
    """The answer is playing."""
    FOLLOW_UP = "follow_up"
    """The answer is over; a further question needs no wake word for a short while."""
    MUTED = "muted"
    """The microphone is closed."""
    FAULTED = "faulted"
    """Something the appliance needs is broken; it is trying to mend it."""

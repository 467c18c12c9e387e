"""Named deadlines: the only way in which the core waits for anything."""

from __future__ import annotations

from enum import StrEnum


class Timer(StrEnum):
    """What the core may be waiting for."""

    LINK = "link"
    """A link to become ready."""
    WORD_END = "word_end"
    """The ears to tell where the wake word ended."""
    CHIME = "chime"
    """The user to speak on after the wake word, or else to hear a chime."""
    CHIME_OVER = "chime_over"
    """The chime to be over, so that the uplink may go on."""
    NO_SPEECH = "no_speech"
    """The first word after the wake word."""
    TURN_LIMIT = "turn_limit"
    """The question to end."""
    ENDPOINTING = "endpointing"
    """The endpoint to notice that the question has ended."""
    ANSWER = "answer"
    """The next event of an answer."""
    ANSWER_LIMIT = "answer_limit"
    """The answer to be over, however alive it is."""
    ASK_AGAIN = "ask_again"
    """An endpoint that was busy, to be asked once more."""
    TOOLS = "tools"
    """The tools that run."""
    PLAYBACK = "playback"
    """The answer to have been played."""
    INTERJECTION = "interjection"
    """A voice over an answer to show whether it is meant for us."""
    FOLLOW_UP = "follow_up"
    """A further question."""
    LINK_IDLE = "link_idle"
    """Another conversation, before the link is closed."""


class Timers:
    """At most one deadline of each name; time is whatever the caller says it is."""

    def __init__(self) -> None:
        self._due_s: dict[Timer, float] = {}

    def arm(self, timer: Timer, at_s: float) -> None:
        """Set a deadline, or move it."""
        self._due_s[timer] = at_s

    def disarm(self, *timers: Timer) -> None:
        """Forget deadlines; unarmed ones may be named."""
        for timer in timers:
            self._due_s.pop(timer, None)

    def disarm_all(self) -> None:
        """Forget every deadline."""
        self._due_s.clear()

    @property
    def next_s(self) -> float | None:
        """The earliest deadline, None when nothing is waited for."""
        return min(self._due_s.values(), default=None)

    def pop_due(self, now_s: float) -> Timer | None:
        """Take the earliest deadline that has been reached, if any."""
        timer = min(self._due_s, key=lambda name: self._due_s[name], default=None)
        if timer is None or self._due_s[timer] > now_s:
            return None
        del self._due_s[timer]
        return timer

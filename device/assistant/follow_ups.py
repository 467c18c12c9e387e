"""Who may ask on without a wake word: how long, how often, and how near they must be.

After an answer the microphone is of interest for a few seconds, and whatever talks then, a
television above all, would be sent away by a rule that only asks for speech. So a follow-up
must be about as loud as the question that was called for by name: somebody across the room,
or in a loudspeaker there, is not. How loud that question was is told by its loudest half second,
since a pause, a room or a soft ending only ever make one softer.
"""

from __future__ import annotations

from device.assistant.policy import Policy

CONFIRMATION_WORDS = 8
"""An answer that is no longer, after something was done, says no more than that it was done."""


class FollowUps:
    """One conversation from a wake word (or a button) to the next."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._taken = 0
        self._asker_db: float | None = None
        self._before_sample: int | None = None
        self.limit_s = policy.turn_limit_s
        """Most sound of the question under way that may be sent."""

    def called(self) -> None:
        """Somebody called: a conversation begins, whoever they are."""
        self._taken = 0
        self._asker_db = None
        self.limit_s = self._policy.turn_limit_s

    def taken(self) -> None:
        """A question began that nobody called for."""
        self._taken += 1
        self.limit_s = min(self._policy.follow_up_limit_s, self._policy.turn_limit_s)

    @property
    def is_called(self) -> bool:
        """Whether the question under way, or the last one, was called for."""
        return self._taken == 0

    def asker_measured(self, level_db: float) -> None:
        """How loud a stretch of the question is; only one that was called for tells whose."""
        if self.is_called and (self._asker_db is None or level_db > self._asker_db):
            self._asker_db = level_db

    def is_asker(self, level_db: float) -> bool:
        """Whether a stretch of speech may be whom was answered.

        Where the question could not be measured nobody can be told apart, and it is left at
        the bounds of length and number.
        """
        if self._asker_db is None:
            return True
        return level_db >= self._asker_db - self._policy.follow_up_drop_db

    def begin_sample(self, from_sample: int) -> int:
        """Where a follow-up begins whose stretch from there on was loud enough.

        The stretch before it, of the same speech, is taken along: many a sentence begins softly.
        """
        return from_sample if self._before_sample is None else self._before_sample

    def not_taken(self, from_sample: int | None) -> None:
        """A stretch was too soft; None: new speech begins, which continues nothing."""
        self._before_sample = from_sample

    def window_s(self, answer: str, *, has_done: bool) -> float:
        """After this answer, how long a question needs no wake word; 0: it needs one.

        ``has_done``: a tool has done something for it.
        """
        policy = self._policy
        if self._taken >= policy.follow_ups:
            return 0.0
        if _asks(answer):
            return policy.follow_up_s
        if has_done and 0 < len(answer.split()) <= CONFIRMATION_WORDS:
            return min(policy.follow_up_s, policy.follow_up_done_s)
        return min(policy.follow_up_s, policy.follow_up_statement_s)


def _asks(answer: str) -> bool:
    """Whether it ends in a question, in any script."""
    return answer.rstrip(" \n\t\"'”’»)").endswith(("?", "？", "؟"))

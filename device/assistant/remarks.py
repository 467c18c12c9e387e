"""Sentences of our own after an answer: each is said once, as long as its reason lasts."""

from __future__ import annotations

from enum import Enum

from device.realtime.failures import Reason

_OF_REASON = {
    Reason.NO_KEY: "no_key",
    Reason.REFUSED_KEY: "key_refused",
    Reason.QUOTA: "quota",
}


class _Subject(Enum):
    """What remarks are about."""

    FALLBACK = "fallback"
    BUDGET = "budget"
    HALF_DUPLEX = "half duplex"
    MICROPHONE = "microphone"


class Remarks:
    """Remembers which remark the turn is to end with, and which have been made."""

    def __init__(self) -> None:
        self._pending = ""
        self._made: set[_Subject] = set()

    def new_turn(self) -> None:
        """What was to be said of the last turn is said no more."""
        self._pending = ""

    def take(self) -> str:
        """The remark to make now; empty when there is none."""
        pending, self._pending = self._pending, ""
        return pending

    def answer_cut(self) -> None:
        """The answer broke off: more important than all the rest."""
        self._pending = "answer_cut"

    # -- who answers -------------------------------------------------------------------

    def fell_back(self, reason: Reason | None) -> None:
        """The local brain answers in the place of whom the owner chose."""
        if self._is_first(_Subject.FALLBACK):
            self._pending = _OF_REASON.get(reason, "local_brain") if reason else "local_brain"

    def first_choice_answered(self) -> None:
        """The next time that it does not is worth a sentence again."""
        self._made.discard(_Subject.FALLBACK)

    # -- the budget --------------------------------------------------------------------

    def budget_spent(self, *, is_local: bool) -> None:
        """It is used up, and that has to do with who answers."""
        if self._is_first(_Subject.BUDGET):
            self._pending = "budget_spent" if is_local else "budget_over"

    def budget_was_told(self) -> None:
        """Somebody has said it already."""
        self._made.add(_Subject.BUDGET)

    def budget_left(self) -> None:
        """There is money again."""
        self._made.discard(_Subject.BUDGET)

    # -- echo and microphone -----------------------------------------------------------

    def half_duplex(self) -> None:
        """Who may interrupt by voice cannot, here: said where there is nothing else to say."""
        if not self._pending and self._is_first(_Subject.HALF_DUPLEX):
            self._pending = "half_duplex"

    def microphone_broken(self) -> str:
        """What is said of it, whenever somebody should know."""
        self._made.add(_Subject.MICROPHONE)
        return "microphone_broken"

    def microphone_back(self) -> str:
        """What is said of its return: nothing where nothing was said of its end."""
        was_said = _Subject.MICROPHONE in self._made
        self._made.discard(_Subject.MICROPHONE)
        return "microphone_back" if was_said else ""

    def _is_first(self, what: _Subject) -> bool:
        is_first = what not in self._made
        self._made.add(what)
        return is_first

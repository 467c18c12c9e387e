"""Sentences of our own after an answer: each is said once, as long as its reason lasts."""

from __future__ import annotations

from enum import Enum

from device.realtime.failures import Reason

_WHY: dict[Reason, str] = {
    Reason.NO_KEY: "no_key",
    Reason.REFUSED_KEY: "key_refused",
    Reason.BAD_ENDPOINT: "address",
    Reason.UNREACHABLE: "offline",
    Reason.DNS: "offline",
    Reason.TLS: "certificate",
    Reason.CLOCK: "clock",
    Reason.TIMEOUT: "silent",
    Reason.BLACK_HOLE: "offline",
    Reason.CONGESTED: "slow_network",
    Reason.CLOSED: "closed",
    Reason.EXPIRED: "closed",
    Reason.QUOTA: "quota",
    Reason.RATE_LIMITED: "busy",
    Reason.PROTOCOL: "garbled",
    Reason.SERVER_ERROR: "trouble",
    Reason.MODEL_UNAVAILABLE: "model",
    Reason.POLICY: "refused",
    Reason.EMPTY: "empty",
}
_OLD_NAMES = {
    "offline": "local_brain",
    "no_key": "no_key",
    "key_refused": "key_refused",
    "quota": "quota",
}
"""Of the sentences about the brain that were there first."""

_OF_ANSWERS = frozenset(
    {
        "answer_cut",
        "answer_limited",
        "answer_filtered",
        "approval_refused",
        "too_many_steps",
        "done",
        "not_done",
    }
)


class _Subject(Enum):
    """What remarks are about."""

    FALLBACK = "fallback"
    BUDGET = "budget"
    BUDGET_NEAR = "budget near"
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

    # -- how the answer ended: more important than all the rest ------------------------

    @property
    def is_pending_about_answer(self) -> bool:
        """Whether something is going to be said of how the answer ended."""
        return self._pending in _OF_ANSWERS

    def answer_cut(self) -> None:
        """It broke off."""
        self._pending = "answer_cut"

    def answer_limited(self) -> None:
        """It was longer than the endpoint may answer."""
        self._pending = "answer_limited"

    def answer_filtered(self) -> None:
        """The endpoint's filter for content ended it."""
        self._pending = "answer_filtered"

    def approval_refused(self) -> None:
        """The endpoint wanted leave for a tool of its own."""
        self._pending = "approval_refused"

    def gave_up_tools(self) -> None:
        """The model went on calling tools, and found no end."""
        self._pending = "too_many_steps"

    def answer_found(self) -> None:
        """The model talks after all."""
        if self._pending == "too_many_steps":
            self._pending = ""

    def done_without_words(self, *, is_done: bool) -> None:
        """Tools have run, and neither they nor the model say what came of it."""
        if not self.is_pending_about_answer:
            self._pending = "done" if is_done else "not_done"

    # -- who answers -------------------------------------------------------------------

    def fell_back(self, reason: Reason | None) -> None:
        """The local brain answers in the place of whom the owner chose."""
        if not self.is_pending_about_answer and self._is_first(_Subject.FALLBACK):
            why = _WHY[reason] if reason else "offline"
            self._pending = _OLD_NAMES.get(why, f"local_{why}")

    @staticmethod
    def no_answer(reason: Reason | None) -> str:
        """What is said where nobody answers; None: no endpoint but the house's own was asked."""
        return "no_answer" if reason is None else f"no_answer_{_WHY[reason]}"

    def first_choice_answered(self) -> None:
        """The next time that it does not is worth a sentence again."""
        self._made.discard(_Subject.FALLBACK)

    # -- the budget --------------------------------------------------------------------

    def budget_spent(self, *, is_local: bool) -> None:
        """It is used up, and that has to do with who answers."""
        if self._is_first(_Subject.BUDGET):
            self._pending = "budget_spent" if is_local else "budget_over"

    def budget_near(self) -> None:
        """Most of it is used up: said where there is nothing else to say."""
        if not self._pending and self._is_first(_Subject.BUDGET_NEAR):
            self._pending = "budget_near"

    def budget_was_told(self) -> None:
        """Somebody has said it already."""
        self._made.add(_Subject.BUDGET)

    def budget_left(self) -> None:
        """There is money again."""
        self._made.discard(_Subject.BUDGET)

    def budget_is_fine(self) -> None:
        """It is far from used up, as in a new month."""
        self._made.discard(_Subject.BUDGET_NEAR)

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

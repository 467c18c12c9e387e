"""What a tool gives back: facts for a model, and a sentence for a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from device.phrases.book import Said, phrase


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool did or found out."""

    facts: Mapping[str, object] = field(default_factory=dict)
    """For a model: anything that JSON can hold (dataclasses, dates and enums included)."""
    spoken: Said | None = None
    """The same as one would say it. Empty: nothing is to be said (quiet was asked for).
    None: only a model can put the facts in words."""
    jpegs: tuple[bytes, ...] = ()
    """Pictures that belong to it, for a model that sees."""


class ToolError(Exception):
    """A tool cannot do what it was asked, and says why in words that the model can act on.

    Raise it for what the caller can mend (no timer of that name) and for what it cannot
    (``try_again=False``: the store is full). Anything else that a tool raises is taken
    for a bug, logged with its traceback and reported to the model without particulars.
    """

    def __init__(
        self,
        reason: str,
        *,
        spoken: Said = "",
        question: Said = "",
        facts: Mapping[str, object] | None = None,
        try_again: bool = True,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.spoken = spoken or question or phrase("cannot")
        self.facts = dict(facts or {})
        self.question = question
        """What the user is asked, who can mend it; the answer completes what was said before."""
        if question:
            self.facts["question"] = question
        self.try_again = try_again

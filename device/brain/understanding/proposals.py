"""The second layer: free phrasing to a call, by a model that may be absent.

The answer of such a model is a proposal. It is checked against the tool's schema, dropped
when its confidence is poor, carried out when it is good, and put to the user as a short
question in between.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.speaking import spoken
from device.brain.understanding.functions import words_of
from device.phrases.replies import Replies

SURE = 0.8
"""Confidence from which a call is made without asking."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that fits its tool's schema, and how sure the model is of it (0 to 1)."""

    call: ToolCallPiece
    confidence: float
    question: str = ""
    """How to put it to the user; empty: made of the call's name and arguments."""

    @property
    def is_sure(self) -> bool:
        """Whether the call can be made without asking."""
        return self.confidence >= SURE


class Understanding(Protocol):
    """Turns an utterance into a call of one of the tools, or declines."""

    def load(self) -> None:
        """Load the model."""

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Learn which tools there are, ahead of need; returns at once."""

    def propose(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return the same proposal for the same words and tools; None when none fits."""


def confirmation(proposal: Proposal, replies: Replies) -> str:
    """Put a call to the user as a question."""
    if proposal.question:
        return proposal.question
    arguments = json.loads(proposal.call.arguments)
    words = " ".join(words_of(proposal.call.name))
    action = spoken.listing(
        [words, *(_said(name, value) for name, value in arguments.items())], ","
    )
    action = action.replace(" , ", ", ")
    return replies.say("confirm", action=action[0].upper() + action[1:])


def _said(name: str, value: object) -> str:
    words = " ".join(words_of(name))
    if value is True:
        return words
    if isinstance(value, list):
        return f"{words} {spoken.listing([str(part) for part in value])}"
    return f"{words} {value}"


class InTurn:
    """Several understandings, the quickest first; the first proposal counts."""

    def __init__(self, *understandings: Understanding) -> None:
        self._understandings = understandings

    def load(self) -> None:
        """Load them all."""
        for understanding in self._understandings:
            understanding.load()

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Let them all prepare."""
        for understanding in self._understandings:
            understanding.prepare(tools)

    def propose(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return the first proposal that any of them has."""
        for understanding in self._understandings:
            if proposal := understanding.propose(utterance, tools):
                return proposal
        return None

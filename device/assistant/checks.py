"""What may hold an answer back, or stop it, for what is said in it or was asked."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from device.assistant.items import ItemKey


class Ruling(Enum):
    """What is to be done with the sound of an answer from now on."""

    PASS = "pass"
    """Play it, and what was held back."""
    HOLD = "hold"
    """Keep it until another ruling. One that never comes counts as a speaker that stalled."""
    STOP = "stop"
    """Play no more of it, and end the turn."""


class Check(Protocol):
    """Looks at what is said before it is heard; answers at once, and has no side effects.

    One that needs longer holds, and has its ruling told by ``inputs.Ruled``.
    """

    def question(self, text: str, *, is_final: bool) -> Ruling:
        """What the endpoint understood of the question so far, or all of it."""

    def answer(self, item: ItemKey, text: str, *, is_final: bool) -> Ruling:
        """The words of one item of an answer so far, or all of them. They come with its sound:
        sometimes before it, sometimes after."""

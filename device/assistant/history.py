"""What was said lately, as text, to be told to a new link: sessions cannot be resumed."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from device.realtime.events import ConversationItemCreate
from device.realtime.items import InputText, MessageItem, OutputText

LONGEST_HISTORY = 24
"""Sentences; more would cost the first answer of a session more than it helps."""


_PROTOCOL = (
    "This conversation was going on before; all of it was spoken. Go on by voice, after this:"
)


class Said(NamedTuple):
    """One contribution to the conversation."""

    turn: int
    profile: str
    """Whom it was said to: what one was told is not another's business."""
    role: Literal["user", "assistant"]
    text: str
    at_s: float

    def event(self) -> ConversationItemCreate:
        """The event that puts it into a session as an item of its own."""
        text = (InputText if self.role == "user" else OutputText)(text=self.text)
        return ConversationItemCreate(item=MessageItem(role=self.role, content=[text]))

    @property
    def line(self) -> str:
        """The same as a line of a protocol."""
        return f"{'The user' if self.role == 'user' else 'You'} said: {self.text}"


class History:
    """The last sentences of the conversation, bounded in number and age."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._said: deque[Said] = deque(maxlen=LONGEST_HISTORY)

    def add(
        self,
        turn: int,
        role: Literal["user", "assistant"],
        text: str,
        now_s: float,
        profile: str = "",
    ) -> None:
        """Remember what was said (for an interrupted answer: what was heard of it)."""
        if text.strip():
            self._said.append(Said(turn, profile, role, text.strip(), now_s))

    def replay(
        self, before_turn: int, now_s: float, profile: str = "", *, as_items: bool = True
    ) -> list[ConversationItemCreate]:
        """The events that bring a fresh session up to the beginning of a turn, oldest first.

        A question's transcript often arrives after its answer, so order is by turn.
        ``as_items`` False: all in one item of the system's. An answer of the assistant's that
        is there as text makes models of speech answer in text as well, which nobody hears.
        """
        fresh = [
            said
            for said in self._said
            if said.turn < before_turn
            and said.profile == profile
            and now_s - said.at_s <= self._memory_s
        ]
        fresh.sort(key=lambda said: (said.turn, said.role == "assistant"))
        if as_items or not fresh:
            return [said.event() for said in fresh]
        lines = "\n".join(said.line for said in fresh)
        text = f"{_PROTOCOL}\n{lines}"
        return [
            ConversationItemCreate(item=MessageItem(role="system", content=[InputText(text=text)]))
        ]

    def question(self, turn: int) -> str:
        """What was understood of a turn's question; empty while nobody has said."""
        asked = [said.text for said in self._said if said.turn == turn and said.role == "user"]
        return " ".join(asked)

    def last_answer(self) -> str:
        """The last thing the assistant said, for "repeat that"; empty if nothing."""
        return next((said.text for said in reversed(self._said) if said.role == "assistant"), "")

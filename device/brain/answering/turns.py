"""Reads the last turn out of a conversation: what was said, asked before, and found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from device.brain.base.abilities import (
    ContextItem,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCall,
    ToolResult,
)

LONGEST_CHARACTERS = 1000
"""Nobody commands at greater length."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What an answer has to answer."""

    utterance: str
    """The user's last words; empty when nothing was said, or no words were made out."""
    is_spoken_to: bool
    """Whether there is a user's message at all."""
    has_picture: bool
    """Whether the user's last message shows something."""
    results: tuple[tuple[ToolCall | None, ToolResult], ...]
    """What came of the calls since those words; the answer tells it."""
    asked: str
    """What the assistant said right before the user's last words."""
    before: str
    """What the user had said before that."""


def shortened(items: Sequence[ContextItem]) -> list[ContextItem]:
    """Return the items with what nobody says in one go cut off, for layers that read all of it.

    The time that the rules need grows faster than the length; a text of 40,000 letters
    without a space took 5 s and kept all other threads waiting.
    """
    return [
        replace(item, parts=(TextPart(item.text[:LONGEST_CHARACTERS]), *_pictures(item)))
        if isinstance(item, Message) and len(item.text) > LONGEST_CHARACTERS
        else item
        for item in items
    ]


def _pictures(item: Message) -> list[Part]:
    return [part for part in item.parts if isinstance(part, ImagePart)]


def is_too_long(items: Sequence[ContextItem]) -> bool:
    """Whether the user's last words are more than the rules read."""
    at = _last_user(items, len(items))
    said = items[at] if at is not None else None
    return isinstance(said, Message) and len(said.text) > LONGEST_CHARACTERS


def turn_of(items: Sequence[ContextItem]) -> Turn:
    """Find the last turn; everything before the last user message is only its background."""
    at = _last_user(items, len(items))
    said = items[at] if at is not None else None
    message = said if isinstance(said, Message) else None
    earlier = items[:at] if at is not None else []
    before_at = _last_user(earlier, len(earlier))
    before = earlier[before_at] if before_at is not None else None
    return Turn(
        utterance=message.text.strip() if message else "",
        is_spoken_to=message is not None,
        has_picture=any(isinstance(p, ImagePart) for p in message.parts) if message else False,
        results=_results(items[at + 1 :] if at is not None else items),
        asked=_asked(earlier[before_at + 1 :] if before_at is not None else earlier),
        before=before.text.strip() if isinstance(before, Message) else "",
    )


def last_answer(items: Sequence[ContextItem]) -> str:
    """What the assistant said last, as far as it was heard."""
    for item in reversed(items):
        if isinstance(item, Message) and item.role == "assistant" and item.text.strip():
            return item.text.strip()
    return ""


def _last_user(items: Sequence[ContextItem], end: int) -> int | None:
    for at in range(end - 1, -1, -1):
        item = items[at]
        if isinstance(item, Message) and item.role == "user":
            return at
    return None


def _results(items: Sequence[ContextItem]) -> tuple[tuple[ToolCall | None, ToolResult], ...]:
    """Outputs that no answer has told yet."""
    calls = {item.call_id: item for item in items if isinstance(item, ToolCall)}
    untold: list[tuple[ToolCall | None, ToolResult]] = []
    for item in items:
        if isinstance(item, ToolResult):
            untold.append((calls.get(item.call_id), item))
        elif isinstance(item, Message) and item.role == "assistant" and item.text.strip():
            untold.clear()
    return tuple(untold)


def _asked(items: Sequence[ContextItem]) -> str:
    return last_answer(items)

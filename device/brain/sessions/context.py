"""What the thinker is shown of a conversation, when not all of it fits."""

from __future__ import annotations

import json
from collections.abc import Sequence

from device.brain.base.abilities import ContextItem, ThinkRequest, ToolCall, ToolResult
from device.brain.protocol.configuration import ResponseSettings, Truncation
from device.brain.protocol.shapes import RequestError
from device.brain.sessions.items import CountTokens, Item, ItemTokens

OUTPUT_RESERVE_TOKENS = 256
"""Room that an answer needs in the model's window, beside the conversation."""


class Context:
    """Chooses and weighs the items of one response; remembers what has dropped out for good.

    Two weights count: the documented one of the protocol (sound by its length), against
    ``token_limits``, and that of the words alone, against the window of the model that
    really runs. Whatever dropped out once stays out, as in the cloud.
    """

    def __init__(self, count: CountTokens, window_tokens: int) -> None:
        self._count = count
        self._window_tokens = window_tokens
        self._dropped: set[str] = set()

    def prepare(
        self, items: Sequence[Item], settings: ResponseSettings
    ) -> tuple[ThinkRequest, ItemTokens]:
        """Return what to ask the thinker, and the input tokens that it costs.

        Raises `RequestError` when truncation is disabled and the conversation too long.
        """
        fixed = ItemTokens(text=self._count(settings.instructions) + self._tools_tokens(settings))
        kept = [item for item in items if item.id not in self._dropped]
        kept = self._shortened(kept, settings.truncation, fixed.text)
        request = ThinkRequest(
            items=_without_orphans(kept),
            instructions=settings.instructions,
            tools=[] if settings.thinkers_choice == "none" else settings.function_tools,
            tool_choice=settings.thinkers_choice,
            parallel_tool_calls=settings.parallel_tool_calls,
            max_output_tokens=settings.max_output_tokens,
            is_spoken=settings.modality == "audio",
            own_instructions=settings.own_instructions,
        )
        return request, sum((item.tokens(self._count) for item in kept), fixed)

    def forget(self, item: Item) -> None:
        """Take note that an item is gone, so that its id may be used again."""
        self._dropped.discard(item.id)

    def _tools_tokens(self, settings: ResponseSettings) -> int:
        return self._count(json.dumps(list(settings.tools))) if settings.tools else 0

    def _shortened(self, items: list[Item], truncation: Truncation, fixed: int) -> list[Item]:
        words = [item.words_tokens(self._count) for item in items]
        weights = [item.tokens(self._count).total for item in items]
        window = max(self._window_tokens - fixed - OUTPUT_RESERVE_TOKENS, 1)
        ceiling = truncation.post_instructions_tokens
        first = _first_that_fits(words, window, truncation.retention_ratio)
        if ceiling is not None:
            first = max(first, _first_that_fits(weights, ceiling, truncation.retention_ratio))
        first = min(first, _last_turn(items))
        if first and not truncation.is_allowed:
            message = (
                f"The conversation has {sum(words)} tokens of words and the model takes {window}; "
                "truncation is disabled."
            )
            raise RequestError("context_length_exceeded", message, "truncation")
        self._dropped.update(item.id for item in items[:first])
        return items[first:]


def _last_turn(items: Sequence[Item]) -> int:
    """Return where the last thing a user said stands: without it there is nothing to answer."""
    for at in range(len(items) - 1, -1, -1):
        if items[at].fields.get("role") == "user":
            return at
    return len(items)


def _first_that_fits(weights: Sequence[int], limit: int, retention_ratio: float) -> int:
    """Return how many of the oldest must go; the newest always stays.

    When it is too much, the rest is brought down to ``retention_ratio`` of the limit.
    """
    total = sum(weights)
    if total <= limit:
        return 0
    first = 0
    while total > limit * retention_ratio and first < len(weights) - 1:
        total -= weights[first]
        first += 1
    return first


def _without_orphans(items: Sequence[Item]) -> list[ContextItem]:
    """Return the items as the thinker sees them, without outputs whose call is gone."""
    seen = [shown for shown in (item.in_context() for item in items) if shown is not None]
    calls = {shown.call_id for shown in seen if isinstance(shown, ToolCall)}
    return [shown for shown in seen if not isinstance(shown, ToolResult) or shown.call_id in calls]

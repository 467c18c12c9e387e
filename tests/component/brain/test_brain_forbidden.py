"""A call that the household forbids is said to be forbidden, not to have failed or been done."""

from __future__ import annotations

import json

from device.brain.base.abilities import (
    Cancellation,
    Message,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCall,
    ToolResult,
)
from device.brain.trial import appliance_tools, trial_thinker
from device.tools.policy import ToolPolicy
from device.tools.registry import Registry


async def test_the_brain_says_that_it_is_not_allowed() -> None:
    cleared: list[str] = []

    def clear_list(list_name: str) -> None:
        """Clear a list.

        Args:
            list_name: Which one.
        """
        cleared.append(list_name)

    registry = Registry(policy=ToolPolicy(["clear_list list_name=shopping"]))
    registry.add(clear_list)
    call = ToolCall("c1", "clear_list", json.dumps({"list_name": "shopping"}))
    outcome = await registry.run(call.name, call.arguments, "c1")
    asked = Message("user", (TextPart("clear my shopping list"),))
    items = [asked, call, ToolResult("c1", outcome.output_json)]
    pieces = trial_thinker().answer(ThinkRequest(items, "", appliance_tools()), Cancellation())
    assert "".join(piece.text for piece in pieces if isinstance(piece, TextPiece)) == (
        "Sorry, I'm not allowed to do that."
    )
    assert cleared == []

"""What a conversation costs with the scripted cloud: what was read before is cheap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from device.realtime import events as ev
from device.realtime.endpoint import Endpoint
from device.realtime.response_object import Usage
from device.realtime.session import session_for
from device.realtime.websocket import WebSocketLink
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

INSTRUCTIONS = "You are the kitchen speaker. Answer briefly, and by voice. " * 10
Ask = Callable[..., Awaitable[Usage]]


@pytest.fixture
async def link() -> AsyncIterator[WebSocketLink]:
    script = script_from({"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]})
    async with Cloud(script) as cloud:
        endpoint = Endpoint("cloud", cloud.url, key_required=False)
        opened = await WebSocketLink.open(
            endpoint, session_for(endpoint, instructions=INSTRUCTIONS)
        )
        yield opened
        await opened.close()


async def usage_of(link: WebSocketLink, text: str) -> Usage:
    item = ev.MessageItem(id=f"item_{text}", role="user", content=[ev.InputText(text=text)])
    link.send(ev.ConversationItemCreate(item=item))
    link.send(ev.ResponseCreate())
    async for event in link.events():
        if isinstance(event, ev.ResponseDone):
            assert event.response.usage
            return event.response.usage
    raise AssertionError("the link ended")


def cached(usage: Usage) -> int:
    assert usage.input_token_details
    assert usage.input_token_details.cached_tokens_details
    details = usage.input_token_details.cached_tokens_details
    assert usage.input_token_details.cached_tokens == details.text_tokens + details.audio_tokens
    return details.text_tokens + details.audio_tokens


async def test_a_conversation_in_one_session_is_read_at_the_cheap_price(link) -> None:
    usages = [await usage_of(link, f"question number {number}") for number in range(6)]
    assert cached(usages[0]) == 0
    dear = [usage.input_tokens - cached(usage) for usage in usages]
    assert dear[0] > 100, "the instructions are read once"
    assert max(dear[1:]) < 20, "and then only what is new"


async def test_what_is_changed_early_makes_all_that_follows_dear(link) -> None:
    for number in range(5):
        before = await usage_of(link, f"question number {number}")
    link.send(ev.ConversationItemDelete(item_id="item_question number 0"))
    after = await usage_of(link, "one more question")
    assert cached(after) < cached(before)

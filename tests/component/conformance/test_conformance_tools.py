"""REALTIME.md 4.3 and 4.5: tools that the client runs, and MCP."""

from __future__ import annotations

import json

import pytest

TIMER = {
    "type": "function",
    "name": "set_timer",
    "description": "Start a timer",
    "parameters": {
        "type": "object",
        "properties": {"seconds": {"type": "integer", "description": "How long, in seconds"}},
        "required": ["seconds"],
    },
}
CALL = {"items": [{"call": "set_timer", "arguments": {"seconds": 600}}]}
pytestmark = pytest.mark.answers(CALL, {"items": [{"say": "Your timer is set."}]})


async def test_a_tool_turn(client, kinds, done):
    await client.update(tools=[TIMER])
    asked = await client.write("set a timer for ten minutes")
    events = await client.answer()
    assert kinds(events) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    [arguments] = [e for e in events if e["type"] == "response.function_call_arguments.done"]
    assert (arguments["name"], json.loads(arguments["arguments"])) == (
        "set_timer",
        {"seconds": 600},
    )
    deltas = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta"]
    assert "".join(deltas) == arguments["arguments"]
    [added] = [e for e in events if e["type"] == "conversation.item.added"]
    assert added["previous_item_id"] == asked["id"]
    [call] = done(events)["output"]
    assert (call["type"], call["status"]) == ("function_call", "completed")
    assert (call["call_id"], call["arguments"]) == (arguments["call_id"], arguments["arguments"])
    output = {"type": "function_call_output", "call_id": call["call_id"]}
    said = json.dumps({"spoken": "Your timer is set."})
    await client.send("conversation.item.create", item={**output, "output": said})
    assert (await client.last("conversation.item.done"))["previous_item_id"] == call["id"]
    response = done(await client.answer())
    assert response["output"][0]["content"][0]["transcript"] == "Your timer is set."


async def test_an_output_comes_back_only_where_there_was_a_call(client):
    output = {"type": "function_call_output", "call_id": "call_before", "output": "{}"}
    error = await client.refused("conversation.item.create", item=output)
    assert error["code"] == "invalid_tool_call_id"
    replayed = {"type": "function_call", "call_id": "call_before", "name": "set_timer"}
    await client.send("conversation.item.create", item={**replayed, "arguments": "{}"})
    await client.last("conversation.item.done")
    await client.send("conversation.item.create", item=output)
    await client.last("conversation.item.done")


@pytest.mark.answers({"items": [{"say": "It is fifty-six."}]})
async def test_no_tool_where_none_is_wanted(client, done):
    await client.update(tools=[TIMER])
    await client.write("set a timer for ten minutes")
    events = await client.answer(tool_choice="none", output_modalities=["text"])
    assert [item["type"] for item in done(events)["output"]] == ["message"]


async def test_an_mcp_server_that_cannot_be_reached(client, kinds):
    mcp = {"type": "mcp", "server_label": "home", "server_url": "https://mcp.example/sse"}
    updated = await client.update(tools=[mcp])
    assert updated["tools"][0]["server_label"] == "home"
    events = await client.until("mcp_list_tools.failed")
    assert kinds(events) == ["mcp_list_tools.in_progress", "mcp_list_tools.failed"]
    assert events[0]["item_id"] == events[1]["item_id"]
    await client.update(instructions="The session goes on.")

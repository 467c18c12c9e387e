"""Whatever goes wrong and wherever: a link ends in a known failure, or goes on, in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import numpy as np
import pytest

from device.realtime import events as ev
from device.realtime.failures import LinkFailed
from device.realtime.session import session_for
from device.realtime.websocket import WebSocketLink
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import BadScriptError, Kind, Point, script_from

CloudOf = Callable[..., Awaitable[Cloud]]

QUICK = {
    "connect_timeout_s": 0.5,
    "handshake_timeout_s": 0.5,
    "ping_interval_s": 0.2,
    "ping_timeout_s": 0.5,
}
ENDS = {
    "a failure",
    "an error event",
    "a finished response",
}
SILENT = {"stall", "error"}
"""After these the connection lives and nothing comes: whoever waits has a time-out of its own."""


def scripts() -> list[dict[str, Any]]:
    possible = []
    for kind in get_args(Kind):
        for point in get_args(Point):
            fault = {"kind": kind, "at": point, "seconds": 0.1, "count": 3, "after_ms": 0}
            script = {"server": {"first_delta_ms": 20}, "faults": [fault]}
            try:
                script_from(script)
            except BadScriptError:
                continue
            possible.append(script)
    return possible


async def converse(cloud: Cloud) -> str:
    """Ask one question; return how it ended."""
    endpoint = cloud.endpoint(**QUICK)
    try:
        link = await WebSocketLink.open(endpoint, session_for(endpoint, instructions="x"))
    except LinkFailed:
        return "a failure"
    try:
        samples = np.zeros(4_800, dtype=np.int16)
        link.send(ev.InputAudioBufferAppend(audio=ev.pcm_to_base64(samples)))
        link.send(ev.ResponseCreate())
        async for event in link.events():
            if isinstance(event, ev.ErrorEvent):
                return "an error event"
            if isinstance(event, ev.ResponseDone):
                return "a finished response"
    except LinkFailed:
        return "a failure"
    finally:
        await link.close()
    return "the end of events without a reason"


@pytest.mark.parametrize("point", get_args(Point))
async def test_every_fault_at_every_point_ends_in_time(cloud_of: CloudOf, point: str) -> None:
    async def one(script: dict[str, Any]) -> None:
        cloud = await cloud_of(script)
        kind = script["faults"][0]["kind"]
        try:
            async with asyncio.timeout(3):
                end = await converse(cloud)
        except TimeoutError:
            end = "silence"
        allowed = ENDS | ({"silence"} if kind in SILENT else set())
        assert end in allowed, f"{kind} at {point}: {end}"

    async with asyncio.TaskGroup() as group:
        for script in scripts():
            if script["faults"][0]["at"] == point:
                group.create_task(one(script))

"""One server of the Model Context Protocol: connected, listed, called, and connected again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
import httpx2
import msgspec
from mcp import Client, MCPError
from mcp.client._transport import Transport
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.types import CallToolResult, TextContent, Tool, ToolListChangedNotification

from device.plain_text import one_line
from device.toolhost.bounded_http import http_client
from device.toolhost.bounded_stdio import ChildServer
from device.toolhost.plans import CallResult, ServerPlan, Tell, environment_for
from device.tools.hosted.messages import (
    LONGEST_LINE_BYTES,
    LONGEST_TEXT,
    OfferedTool,
    SourceTold,
)

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 60.0
"""A program in Python or node takes several seconds to start on a Pi that has just started, too."""
LIST_WITHIN_S = 20.0
ALIVE_WITHIN_S = 3.0
"""The same of a server that has just not answered a call."""
LIST_AGAIN_S = 300.0
"""The list is asked for anew, whatever the server tells; that shows as well whether it lives."""
SETTLED_S = 0.3
"""Servers tell of several changes at once."""
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 120.0
STEADY_S = 60.0
"""One that was connected for so long is tried again at once; others later and later."""
MOST_PAGES = 10
MOST_LISTED = 256
"""More than is ever offered: the owner may allow the last of them only."""
MOST_LISTED_BYTES = LONGEST_LINE_BYTES - 10_000
LISTED_TIMES = 3
"""A server whose list fails may only be busy; after so many times it is connected anew."""

FAILURES = (
    MCPError, OSError, TimeoutError, RuntimeError, ValueError, EOFError,
    httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError,
    anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream,
)  # fmt: skip
"""What a server that is away, broken or hostile may cause in the SDK. Protocol faults are
``ValueError`` (pydantic's are), a session used while it ends is ``RuntimeError``."""


class McpSource:
    """See the module. Everything that the SDK does for one server happens in :meth:`run`'s task."""

    def __init__(self, plan: ServerPlan, environ: Mapping[str, str]) -> None:
        """``environ``: of the host, of which a program gets a little."""
        self._plan = plan
        self._environ = environ
        self._client: Client | None = None
        self._child: ChildServer | None = None
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self._tools: tuple[OfferedTool, ...] = ()
        self._is_doubted = False
        """A call has not been answered: the list shows whether it hangs or is only slow."""

    @property
    def name(self) -> str:
        """As the settings call it."""
        return self._plan.name

    async def run(self, tell: Tell) -> None:
        """Connect, list, listen; after a failure again, later and later."""
        loop, wait_s = asyncio.get_running_loop(), FIRST_WAIT_S
        while True:
            why, began_s = "the connection has ended", loop.time()
            try:
                await self._connected(tell)
            except* FAILURES as failures:
                why = _first_of(failures)
            finally:
                self._client = None
            if self._child is not None and self._child.why:
                why = self._child.why
            tell(SourceTold(self.name, is_ready=False, detail=why, tools=self._tools))
            if loop.time() - began_s > STEADY_S:
                wait_s = FIRST_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """Have it called. The whole call is bounded: signs of life do not prolong it."""
        client, child = self._client, self._child
        if client is None or (child is not None and child.ended.is_set()):
            return CallResult("it is not there", is_error=True, is_away=True)
        try:
            async with asyncio.timeout(self._plan.timeout_s):
                return _result(await client.call_tool(tool, dict(arguments)))
        except TimeoutError:
            why = f"{self.name} did not answer within {self._plan.timeout_s:g} s"
            self._is_doubted = True
            self._changed.set()
        except FAILURES as failure:
            why = one_line(str(failure) or type(failure).__name__, 300)
            if not isinstance(failure, ValueError):
                self._changed.set()  # shows whether it is still there
        return CallResult(why, is_error=True)

    async def _connected(self, tell: Tell) -> None:
        """Be connected until that ends."""
        self._changed.clear()
        self._lost.clear()
        async with contextlib.AsyncExitStack() as stack:
            client = Client(
                await self._transport(stack),
                read_timeout_seconds=LIST_WITHIN_S,
                message_handler=self._hear,
            )
            async with asyncio.timeout(CONNECT_WITHIN_S):
                await stack.enter_async_context(client)
            watching = [asyncio.create_task(self._listen(client))]
            if self._child is not None:
                watching.append(asyncio.create_task(self._lose_with(self._child)))
            try:
                await self._keep(client, tell)
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.wait(watching)

    async def _transport(self, stack: contextlib.AsyncExitStack) -> Transport:
        plan = self._plan
        if plan.command:
            environment = environment_for(plan.key_variable, plan.key, self._environ)
            self._child = ChildServer(plan.command, environment)
            return self._child.streams()
        self._child = None
        http = await stack.enter_async_context(http_client(plan.key))
        return streamable_http_client(plan.url, http_client=http)

    async def _keep(self, client: Client, tell: Tell) -> None:
        """List, now and after every change, until the server is lost."""
        failed, self._is_doubted = 0, False
        while not self._lost.is_set():
            self._changed.clear()
            try:
                listed = await _listed(
                    client, ALIVE_WITHIN_S if self._is_doubted else LIST_WITHIN_S
                )
                self._tools = _within_a_line(listed)
                failed, self._client = 0, client
                unread = len(listed) - len(self._tools)
                mistakes = (f"{unread} tools more than can be read",) if unread else ()
                tell(SourceTold(self.name, True, _about(client), self._tools, mistakes))
            except (MCPError, TimeoutError):
                failed += 1
                if failed >= LISTED_TIMES or self._is_doubted:
                    raise
                await asyncio.sleep(failed * FIRST_WAIT_S)
                continue
            self._is_doubted = False
            await self._until_changed()

    async def _until_changed(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIST_AGAIN_S):
                await self._changed.wait()
            await asyncio.sleep(SETTLED_S)

    async def _hear(self, message: object) -> None:
        """The older protocol tells of changes on its own."""
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    async def _listen(self, client: Client) -> None:
        """The newer one tells those who ask to be told."""
        with contextlib.suppress(ListenNotSupportedError, SubscriptionLost, *FAILURES):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._changed.set()

    async def _lose_with(self, child: ChildServer) -> None:
        await child.ended.wait()
        self._lost.set()
        self._changed.set()


async def _listed(client: Client, within_s: float) -> list[Tool]:
    """All pages, as far as they are bounded; never from a cache."""
    tools: list[Tool] = []
    cursor: str | None = None
    async with asyncio.timeout(within_s):
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None or len(tools) > MOST_LISTED:
                break
    return tools


def _within_a_line(tools: Sequence[Tool]) -> tuple[OfferedTool, ...]:
    """As many as fit into a message; of each no more than somebody could want to read."""
    offered, left = [], MOST_LISTED_BYTES
    for tool in tools[:MOST_LISTED]:
        each = OfferedTool(tool.name[:200], (tool.description or "")[:2000], tool.input_schema)
        left -= len(msgspec.json.encode(each))
        if left < 0:
            break
        offered.append(each)
    return tuple(offered)


def _about(client: Client) -> str:
    info = client.server_info
    named = f"{info.name} {info.version}" if info is not None else "a server"
    return one_line(f"{named}, protocol {client.protocol_version}", 200)


def _result(result: CallToolResult) -> CallResult:
    """The structured one, where there is one, else the texts; what is no text is named."""
    if result.structured_content is not None and not result.is_error:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    else:
        text = "\n".join(
            each.text if isinstance(each, TextContent) else f"[{each.type}]"
            for each in result.content
        )
    return CallResult(text[: LONGEST_TEXT + 1], bool(result.is_error))


def _first_of(failures: BaseExceptionGroup[BaseException]) -> str:
    inner: BaseException = failures
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    if isinstance(inner, TimeoutError):
        return "it does not answer in time"
    return one_line(str(inner) or type(inner).__name__, 300)

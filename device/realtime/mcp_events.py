"""The server events about tools that the endpoint itself calls, on MCP servers of its own."""

from __future__ import annotations

from device.realtime.wire_types import UNSET, Nullable, ServerEventBase


class _McpCallArguments(ServerEventBase, kw_only=True, frozen=True):
    response_id: str
    item_id: str
    output_index: int


class ResponseMcpCallArgumentsDelta(
    _McpCallArguments, tag="response.mcp_call_arguments.delta", kw_only=True, frozen=True
):
    """A piece of an MCP call's JSON."""

    delta: str
    obfuscation: Nullable[str] = UNSET


class ResponseMcpCallArgumentsDone(
    _McpCallArguments, tag="response.mcp_call_arguments.done", kw_only=True, frozen=True
):
    """An MCP call's JSON is complete."""

    arguments: str


class _McpCall(ServerEventBase, kw_only=True, frozen=True):
    item_id: str
    output_index: int


class ResponseMcpCallInProgress(
    _McpCall, tag="response.mcp_call.in_progress", kw_only=True, frozen=True
):
    """The endpoint runs an MCP tool."""


class ResponseMcpCallCompleted(
    _McpCall, tag="response.mcp_call.completed", kw_only=True, frozen=True
):
    """The MCP tool has answered."""


class ResponseMcpCallFailed(_McpCall, tag="response.mcp_call.failed", kw_only=True, frozen=True):
    """The MCP tool has failed."""


class _McpListTools(ServerEventBase, kw_only=True, frozen=True):
    item_id: str


class McpListToolsInProgress(
    _McpListTools, tag="mcp_list_tools.in_progress", kw_only=True, frozen=True
):
    """The endpoint asks an MCP server what it offers."""


class McpListToolsCompleted(
    _McpListTools, tag="mcp_list_tools.completed", kw_only=True, frozen=True
):
    """The MCP server's tools are known."""


class McpListToolsFailed(_McpListTools, tag="mcp_list_tools.failed", kw_only=True, frozen=True):
    """The MCP server could not be asked."""

"""Conversation items and the content parts of messages (REALTIME GA, ``item.type``)."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from device.realtime.wire_types import UNSET, Maybe, Nullable, WireObject

ItemStatus: TypeAlias = Literal["in_progress", "completed", "incomplete"]
Role: TypeAlias = Literal["system", "user", "assistant"]


class InputText(WireObject, tag_field="type", tag="input_text", kw_only=True, frozen=True):
    """What a user or the system wrote."""

    text: str


class InputAudio(WireObject, tag_field="type", tag="input_audio", kw_only=True, frozen=True):
    """What a user said; ``audio`` is base64 PCM16 (rarely sent back by a server)."""

    audio: Nullable[str] = UNSET
    transcript: Nullable[str] = UNSET


class InputImage(WireObject, tag_field="type", tag="input_image", kw_only=True, frozen=True):
    """A picture as a data URI (PNG or JPEG)."""

    image_url: str
    detail: Nullable[Literal["auto", "low", "high"]] = UNSET


class OutputText(WireObject, tag_field="type", tag="output_text", kw_only=True, frozen=True):
    """What the assistant wrote; also how a client replays what the assistant said."""

    text: str


class OutputAudio(WireObject, tag_field="type", tag="output_audio", kw_only=True, frozen=True):
    """What the assistant said. Only a server may create it."""

    transcript: Nullable[str] = UNSET
    audio: Nullable[str] = UNSET


Content: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio


class MessageItem(WireObject, tag_field="type", tag="message", kw_only=True, frozen=True):
    """Something said or written by the user, the assistant or the system."""

    role: Role
    content: list[Content]
    id: Nullable[str] = UNSET
    object: Nullable[Literal["realtime.item"]] = UNSET
    status: Nullable[ItemStatus] = UNSET
    phase: Nullable[str] = UNSET
    """``commentary`` or ``final_answer``; only some gpt-realtime-2 endpoints send it."""


class FunctionCallItem(
    WireObject, tag_field="type", tag="function_call", kw_only=True, frozen=True
):
    """The model asks the client to run a tool. ``arguments`` is JSON text, maybe broken."""

    name: str
    arguments: str
    call_id: Nullable[str] = UNSET
    id: Nullable[str] = UNSET
    object: Nullable[Literal["realtime.item"]] = UNSET
    status: Nullable[ItemStatus] = UNSET


class FunctionCallOutputItem(
    WireObject, tag_field="type", tag="function_call_output", kw_only=True, frozen=True
):
    """The result of a tool, as text (JSON by custom)."""

    call_id: str
    output: str
    id: Nullable[str] = UNSET
    object: Nullable[Literal["realtime.item"]] = UNSET
    status: Nullable[ItemStatus] = UNSET


class McpToolDescription(WireObject, kw_only=True, frozen=True):
    """One tool of an MCP server, as the endpoint found it."""

    name: str
    input_schema: Any
    description: Nullable[str] = UNSET
    annotations: Any = UNSET


class McpListToolsItem(
    WireObject, tag_field="type", tag="mcp_list_tools", kw_only=True, frozen=True
):
    """What an MCP server offers."""

    server_label: str
    tools: list[McpToolDescription]
    id: Nullable[str] = UNSET


class McpProtocolError(
    WireObject, tag_field="type", tag="protocol_error", kw_only=True, frozen=True
):
    """The MCP server broke its protocol."""

    code: int
    message: str


class McpToolExecutionError(
    WireObject, tag_field="type", tag="tool_execution_error", kw_only=True, frozen=True
):
    """The tool ran and failed."""

    message: str


class McpHttpError(WireObject, tag_field="type", tag="http_error", kw_only=True, frozen=True):
    """The MCP server could not be reached."""

    code: int
    message: str


McpError: TypeAlias = McpProtocolError | McpToolExecutionError | McpHttpError


class McpCallItem(WireObject, tag_field="type", tag="mcp_call", kw_only=True, frozen=True):
    """A tool that the endpoint itself ran on an MCP server."""

    id: str
    server_label: str
    name: str
    arguments: str
    output: Nullable[str] = UNSET
    error: Nullable[McpError] = UNSET
    approval_request_id: Nullable[str] = UNSET


class McpApprovalRequestItem(
    WireObject, tag_field="type", tag="mcp_approval_request", kw_only=True, frozen=True
):
    """The endpoint asks whether it may run a tool of an MCP server."""

    id: str
    server_label: str
    name: str
    arguments: str


class McpApprovalResponseItem(
    WireObject, tag_field="type", tag="mcp_approval_response", kw_only=True, frozen=True
):
    """The client's yes or no."""

    id: str
    approval_request_id: str
    approve: bool
    reason: Nullable[str] = UNSET


class ItemReference(WireObject, tag_field="type", tag="item_reference", kw_only=True, frozen=True):
    """Names an item of the conversation; only in ``response.create``'s ``input``."""

    id: str


class UnknownItem(WireObject, tag_field="type", tag="bittern.unknown", kw_only=True, frozen=True):
    """An item of a type we do not know. Never sent; ``raw`` is what came."""

    raw: dict[str, Any]
    id: Maybe[str] = UNSET


Item: TypeAlias = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | McpListToolsItem
    | McpCallItem
    | McpApprovalRequestItem
    | McpApprovalResponseItem
    | UnknownItem
)
InputItem: TypeAlias = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | McpListToolsItem
    | McpCallItem
    | McpApprovalRequestItem
    | McpApprovalResponseItem
    | ItemReference
    | UnknownItem
)


class AudioPart(WireObject, tag_field="type", tag="audio", kw_only=True, frozen=True):
    """A spoken part in ``response.content_part.*``."""

    transcript: Nullable[str] = UNSET
    audio: Nullable[str] = UNSET


class TextPart(WireObject, tag_field="type", tag="text", kw_only=True, frozen=True):
    """A written part in ``response.content_part.*``."""

    text: Nullable[str] = UNSET


Part: TypeAlias = AudioPart | TextPart

"""The eleven events that a client sends.

Class name = wire type in CamelCase. Every one may carry an ``event_id`` of the client's
choice, which a server repeats in ``error.error.event_id``.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

from device.realtime.items import Item
from device.realtime.response_object import ResponseParameters
from device.realtime.session_object import Session
from device.realtime.wire_types import UNSET, Maybe, Nullable, WireObject


class ClientEventBase(WireObject, tag_field="type", kw_only=True, frozen=True):
    """What all client events have."""

    event_id: Nullable[str] = UNSET


class SessionUpdate(ClientEventBase, tag="session.update", kw_only=True, frozen=True):
    """Change what is said, keep what is not; answered by session.updated or an error."""

    session: Session


class InputAudioBufferAppend(
    ClientEventBase, tag="input_audio_buffer.append", kw_only=True, frozen=True
):
    """Microphone audio, base64 PCM16 of 24 kHz; 20 to 100 ms an event. Not answered."""

    audio: str


class InputAudioBufferCommit(
    ClientEventBase, tag="input_audio_buffer.commit", kw_only=True, frozen=True
):
    """End the turn by hand (at least 100 ms of audio). Makes no response."""


class InputAudioBufferClear(
    ClientEventBase, tag="input_audio_buffer.clear", kw_only=True, frozen=True
):
    """Forget the audio that is not committed."""


class ConversationItemCreate(
    ClientEventBase, tag="conversation.item.create", kw_only=True, frozen=True
):
    """Add an item: text, a tool's result, or history being replayed."""

    item: Item
    previous_item_id: Nullable[str] = UNSET
    """``"root"`` puts it first; absent puts it last."""


class ConversationItemRetrieve(
    ClientEventBase, tag="conversation.item.retrieve", kw_only=True, frozen=True
):
    """Ask for an item as the server has it."""

    item_id: str


class ConversationItemDelete(
    ClientEventBase, tag="conversation.item.delete", kw_only=True, frozen=True
):
    """Take an item out of the conversation."""

    item_id: str


class ConversationItemTruncate(
    ClientEventBase, tag="conversation.item.truncate", kw_only=True, frozen=True
):
    """Cut an assistant's audio item to what was heard."""

    item_id: str
    content_index: Annotated[int, Meta(ge=0)]
    audio_end_ms: Annotated[int, Meta(ge=0)]


class ResponseCreate(ClientEventBase, tag="response.create", kw_only=True, frozen=True):
    """Ask for a response now."""

    response: Maybe[ResponseParameters] = UNSET


class ResponseCancel(ClientEventBase, tag="response.cancel", kw_only=True, frozen=True):
    """Stop the running response; an out-of-band one needs its id."""

    response_id: Nullable[str] = UNSET


class OutputAudioBufferClear(
    ClientEventBase, tag="output_audio_buffer.clear", kw_only=True, frozen=True
):
    """WebRTC only: drop what the server has not played."""


ClientEvent: TypeAlias = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemDelete
    | ConversationItemTruncate
    | ResponseCreate
    | ResponseCancel
    | OutputAudioBufferClear
)

"""Text to events and back.

Receiving is liberal: an event that does not fit its structure is renamed (beta names,
:mod:`device.realtime.dialect`), repaired (:mod:`device.realtime.repair`) or kept as
:class:`UnknownEvent`. Sending is strict: what leaves is checked against its own types.
The common case, an event that simply fits, costs one pass of msgspec.
"""

from __future__ import annotations

import itertools
import os
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct

from device.plain_text import cleaned
from device.realtime.client_events import (
    ClientEvent,
    InputAudioBufferAppend,
    ResponseCreate,
    SessionUpdate,
)
from device.realtime.dialect import client_to_ga, server_to_ga
from device.realtime.problems import ProtocolError
from device.realtime.repair import UnrepairableError, repaired, unknown_fields
from device.realtime.server_events import (
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from device.realtime.wire_types import ServerEventBase

E = TypeVar("E")


class UnknownEvent(Struct, frozen=True):
    """An event of a type we do not know; ``raw`` is the whole object, ``type`` included."""

    type: str
    raw: dict[str, Any]


_BY_TYPE: dict[str, type] = {
    cls.__struct_config__.tag: cls for cls in (*get_args(ClientEvent), *get_args(ServerEvent))
}
CLIENT_TYPES: frozenset[str] = frozenset(c.__struct_config__.tag for c in get_args(ClientEvent))
SERVER_TYPES: frozenset[str] = frozenset(c.__struct_config__.tag for c in get_args(ServerEvent))

_encoder = msgspec.json.Encoder()
_any_decoder = msgspec.json.Decoder(dict[str, Any])
_client_decoder: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)
_server_decoder: msgspec.json.Decoder[ServerEvent] = msgspec.json.Decoder(ServerEvent)

_UNCHECKED = (InputAudioBufferAppend, ResponseOutputAudioDelta)
"""Sent fifty times a second, and nothing in them but text of our own making."""

_BOTH_WAYS = (
    SessionUpdate,
    SessionCreated,
    SessionUpdated,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
)

_ids = itertools.count(1)
_run = os.urandom(4).hex()


def new_id(prefix: str) -> str:
    """Return an id that no other event, item or response of this process has."""
    return f"{prefix}_{_run}{next(_ids):06x}"


def encode(event: ClientEvent | ServerEvent | UnknownEvent) -> str:
    """Write one event as JSON text.

    A server event without an ``event_id`` gets one. Raises :class:`ProtocolError` when a
    value is not what the event's own type allows.
    """
    if isinstance(event, UnknownEvent):
        return _encoder.encode(event.raw).decode()
    if isinstance(event, ServerEventBase) and not event.event_id:
        event = msgspec.structs.replace(event, event_id=new_id("event"))
    encoded = _encoder.encode(event)
    if not isinstance(event, _UNCHECKED):
        _check(encoded, type(event))
    return encoded.decode()


def _check(encoded: bytes, cls: type) -> None:
    try:
        msgspec.json.decode(encoded, type=cls)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"{cls.__name__} cannot be sent: {error}", _param(error)) from None
    if b'"bittern.unknown"' in encoded:
        raise ProtocolError(f"{cls.__name__} holds an item of an unknown type")


def _param(error: msgspec.ValidationError) -> str | None:
    _, found, path = str(error).partition("`$.")
    return path.rstrip("`") if found else None


def decode_object(text: str | bytes) -> dict[str, Any]:
    """Read any JSON object that has a ``type``; raise :class:`ProtocolError` otherwise."""
    try:
        raw = _any_decoder.decode(text)
    except msgspec.ValidationError:
        raise ProtocolError("expected a JSON object, got some other JSON") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolError(f"expected JSON text: {error}") from None
    if not isinstance(raw.get("type"), str):
        raise ProtocolError("expected an object with a `type`, found none")
    return raw


def decode_server(text: str | bytes) -> ServerEvent | UnknownEvent:
    """Read what a server sent, in either dialect.

    Raises :class:`ProtocolError` for what is no event at all: not JSON, not an object,
    no ``type``, or an event whose parts have the wrong shape.
    """
    try:
        event = _server_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return server_event(decode_object(text))
    # These fit even when they say everything in beta's words: look again.
    return server_event(decode_object(text)) if isinstance(event, _BOTH_WAYS) else event


def decode_foreign(text: str | bytes) -> ServerEvent | UnknownEvent:
    """As :func:`decode_server`, with every text in it made harmless (:mod:`device.plain_text`).

    Sound, which is most of what comes, has neither an escape nor anything unprintable, and
    is decoded once.
    """
    if isinstance(text, str) and "\\" not in text and text.isprintable():
        return decode_server(text)
    return server_event(cleaned(decode_object(text)))


def decode_client(text: str | bytes) -> ClientEvent | UnknownEvent:
    """Read what a client sent, in either dialect, as liberally as :func:`decode_server`."""
    try:
        event = _client_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return client_event(decode_object(text))
    return client_event(decode_object(text)) if isinstance(event, _BOTH_WAYS) else event


def server_event(raw: dict[str, Any]) -> ServerEvent | UnknownEvent:
    """Turn a decoded object into a server event, repairing it where needed."""
    raw = server_to_ga(raw)
    if raw["type"] not in SERVER_TYPES:
        return UnknownEvent(raw["type"], raw)
    event: ServerEvent = _convert(raw, _BY_TYPE[raw["type"]])
    return event


def client_event(raw: dict[str, Any], *, strict: bool = False) -> ClientEvent | UnknownEvent:
    """Turn a decoded object into a client event.

    ``strict`` refuses what OpenAI refuses: unknown fields (beta's among them) and values
    out of range, with ``param`` naming the field. For servers that want to be a good double
    of the cloud.
    """
    raw = raw if strict else client_to_ga(raw)
    if raw["type"] not in CLIENT_TYPES:
        return UnknownEvent(raw["type"], raw)
    cls = _BY_TYPE[raw["type"]]
    event: ClientEvent = _convert_strictly(raw, cls) if strict else _convert(raw, cls)
    return event


def _convert(raw: dict[str, Any], cls: type[E]) -> E:
    try:
        return msgspec.convert(raw, cls)
    except msgspec.ValidationError as first:
        try:
            return msgspec.convert(repaired(raw, cls), cls)
        except (UnrepairableError, msgspec.ValidationError):
            raise ProtocolError(f"{raw['type']} makes no sense: {first}", _param(first)) from None


def _convert_strictly(raw: dict[str, Any], cls: type[E]) -> E:
    unknown = unknown_fields(raw, cls)
    if unknown:
        raise ProtocolError(f"Unknown parameter: '{unknown[0]}'.", unknown[0])
    try:
        return msgspec.convert(raw, cls)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"Invalid value: {error}", _param(error)) from None


__all__ = [
    "CLIENT_TYPES",
    "SERVER_TYPES",
    "UnknownEvent",
    "client_event",
    "decode_client",
    "decode_object",
    "decode_server",
    "encode",
    "new_id",
    "server_event",
]

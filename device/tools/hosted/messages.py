"""What the appliance and the host of other people's tools say to one another.

One JSON object a line, over a Unix socket. Neither side trusts the other with more than
:data:`LONGEST_LINE_BYTES`: behind the host is foreign code.
"""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST_LINE_BYTES = 1 << 20
LONGEST_TEXT = 12_000
"""Characters of a result; what is longer is cut. A model's context is small, a house's patience
too."""
MOST_TOOLS = 64
"""Of one source."""
MOST_TOOLS_IN_ALL = 80
"""Of all sources. OpenAI takes 128 in a session, our own among them, and refuses all of more."""

STARTING = "it is being started"
"""What is told of a source of which nothing is known yet."""


class CallTool(msgspec.Struct, tag_field="do", tag="call", frozen=True):
    """Call a tool; exactly one :class:`CallEnded` comes back, unless it is cancelled."""

    call: int
    source: str
    tool: str
    """As its own server calls it."""
    arguments: dict[str, Any]


class CancelCall(msgspec.Struct, tag_field="do", tag="cancel", frozen=True):
    """Nobody waits for this call any more."""

    call: int


class EndHost(msgspec.Struct, tag_field="do", tag="end", frozen=True):
    """End: the settings have changed, and the next one that is started reads them."""


class OfferedTool(msgspec.Struct, frozen=True):
    """A tool in its server's own words, which nobody has looked at yet."""

    name: str
    description: str = ""
    schema: Any = None


class SourceTold(msgspec.Struct, tag_field="tell", tag="source", frozen=True):
    """How a source is; sent for each when somebody connects, and whenever it changes."""

    source: str
    is_ready: bool
    detail: str = ""
    """Of a ready one what it is, of another one what is wrong."""
    tools: tuple[OfferedTool, ...] = ()
    """Where it is not ready: those that it had."""
    mistakes: tuple[str, ...] = ()
    """What is wrong in it though it is ready: a file of tools that cannot be read."""


class CallEnded(msgspec.Struct, tag_field="tell", tag="ended", frozen=True):
    """What came of a call."""

    call: int
    text: str
    """A result, or why there is none."""
    is_error: bool = False
    is_away: bool = False
    """There was nobody to ask: nothing was done."""


Order = CallTool | CancelCall | EndHost
Told = SourceTold | CallEnded

_ENCODER = msgspec.json.Encoder()
_ORDERS: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_TOLD: msgspec.json.Decoder[Told] = msgspec.json.Decoder(Told)


def line_of(message: Order | Told) -> bytes:
    """As it goes over the socket."""
    return _ENCODER.encode(message) + b"\n"


def order_of(line: bytes) -> Order:
    """Raises ``msgspec.MsgspecError`` or ``UnicodeError``."""
    return _ORDERS.decode(line)


def told_of(line: bytes) -> Told:
    """Raises ``msgspec.MsgspecError`` or ``UnicodeError``."""
    return _TOLD.decode(line)

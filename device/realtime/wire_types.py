"""What every structure of the Realtime wire has in common.

A field that was not on the wire is :data:`msgspec.UNSET`; ``null`` on the wire is
``None``. The difference matters in a ``session.update``, where an absent key keeps its
value and ``null`` clears it. Both are false in a boolean context.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")

Maybe: TypeAlias = T | UnsetType
"""May be absent from the wire."""
Nullable: TypeAlias = T | UnsetType | None
"""May be absent from the wire, and may be ``null`` on it."""


class WireObject(Struct, kw_only=True, frozen=True):
    """A JSON object: an event, or something inside one."""


class ServerEventBase(WireObject, tag_field="type", kw_only=True, frozen=True):
    """What all server events have (but the one about telephone keys)."""

    event_id: str = ""


__all__ = ["UNSET", "Maybe", "Nullable", "ServerEventBase", "UnsetType", "WireObject"]

"""What a session tells of a house: its rooms, devices and doors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from device.brain.base.abilities import FunctionTool
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.schemas import properties_of

_ENTRY = re.compile(r"^\s*-?\s*(names?|domain|areas?|area)\s*:\s*(.+?)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """One that an overview lists by name."""

    name: str
    """As it was written: ``Kitchen light``."""
    domain: str = ""
    area: str = ""


@dataclass(frozen=True)
class KnownHouse:
    """The rooms and devices that are known; all in normal form but `devices`."""

    rooms: frozenset[str] = frozenset()
    doors: frozenset[str] = frozenset()
    devices: tuple[ListedDevice, ...] = ()
    words: frozenset[str] = frozenset()
    """Every word of the instructions and the tools."""
    other_devices: Mapping[str, str] = field(default_factory=dict)
    """Names of devices that are none of the known kinds' own words, and their domain."""

    @property
    def is_told(self) -> bool:
        """Whether rooms or devices were told, so that others are none of this house."""
        return bool(self.rooms or self.devices)

    def kind_of(self, name: str) -> str:
        """The kind of a device that is listed by name; empty where it is none of the known."""
        return {"light": "light", "cover": "blinds", "climate": "heating", "lock": "door"}.get(
            self.other_devices.get(name, ""), ""
        )


def house_of(
    instructions: str, tools: Sequence[FunctionTool], table: Mapping[str, Any]
) -> KnownHouse:
    """Gather what the instructions and the schemas tell."""
    return _gathered(
        instructions,
        tuple((tool.name, tool.description, repr(tool.parameters)) for tool in tools),
        _Tools(tools),
        _Table(table),
    )


@dataclass(frozen=True, eq=False)
class _Tools:
    tools: Sequence[FunctionTool]

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tools)


@dataclass(frozen=True, eq=False)
class _Table:
    table: Mapping[str, Any]

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Table) and other.table is self.table


@lru_cache(maxsize=16)
def _gathered(
    instructions: str, key: tuple[tuple[str, str, str], ...], tools: _Tools, table: _Table
) -> KnownHouse:
    del key  # what the tools are known by in the cache
    devices = tuple(_overview(instructions))
    texts = [instructions, *(tool.description for tool in tools.tools)]
    values = [value for tool in tools.tools for value in _values(tool)]
    words = frozenset(word for text in (*texts, *values) for word in normal(text).split())
    said = f" {normal(' . '.join([*texts, *values]))} "
    rooms = {str(room) for room in table.table["rooms"] if f" {room} " in said}
    rooms |= {normal(device.area) for device in devices if device.area}
    doors = {str(door) for door in table.table["doors"] if f" {door} door" in said}
    known = {
        str(w) for forms in table.table["kinds"].values() for w in (*forms["one"], *forms["many"])
    }
    others = {
        normal(device.name): device.domain
        for device in devices
        if not set(normal(device.name).split()) & {w for k in known for w in k.split()}
    }
    return KnownHouse(frozenset(rooms), frozenset(doors), devices, words, others)


def _overview(instructions: str) -> Iterable[ListedDevice]:
    """The devices that are listed with their names, domains and areas, as Home Assistant does."""
    current: dict[str, str] = {}
    for line in instructions.splitlines():
        match = _ENTRY.match(line)
        if match is None:
            continue
        key = match[1].lower().rstrip("s")
        if key == "name" and current:
            yield _device(current)
            current = {}
        current[key] = match[2].strip("'\" ")
    if current:
        yield _device(current)


def _device(entry: Mapping[str, str]) -> ListedDevice:
    return ListedDevice(entry.get("name", ""), entry.get("domain", ""), entry.get("area", ""))


def _values(tool: FunctionTool) -> Iterable[str]:
    for part in properties_of(tool.parameters).values():
        for value in part.get("enum") or ():
            yield str(value).replace("_", " ")
        yield str(part.get("description", ""))

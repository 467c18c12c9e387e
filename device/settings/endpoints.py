"""The list of endpoints: one list laid over another by name, and what each entry must have."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from device.schema.checker import Given, GivenTable, missing, overlay
from device.schema.keys import key_of
from device.schema.mistakes import Mistake
from device.settings.tree import Endpoint, shipped_endpoints

LAST = "brain"
"""The endpoint that stays last unless a file puts another behind it."""


def overlay_endpoints(below: Sequence[GivenTable], above: Sequence[GivenTable]) -> list[GivenTable]:
    """Lay a user's endpoints over the shipped ones.

    The user's come first in their order, each over the shipped one of its name; shipped
    ones they do not name follow; a brain that ends the user's list ends the whole list.
    """
    shipped = {name_of(table): table for table in below}
    named = {name_of(table) for table in above}
    merged = [overlay(shipped.get(name_of(table), {}), table) for table in above]
    rest = [table for table in below if name_of(table) not in named]
    if merged and name_of(merged[-1]) == LAST:
        return [*merged[:-1], *rest, merged[-1]]
    return merged + rest


def name_of(table: GivenTable) -> str | None:
    """Return the name of an endpoint as given, None where it has none."""
    given = table.get("name")
    return given.value if isinstance(given, Given) else None


def default_endpoints() -> list[GivenTable]:
    """Return the endpoints of the tree itself, for a house without a shipped file."""
    return [
        {
            field.name: Given(getattr(endpoint, field.name), "default", None)
            for field in dataclasses.fields(Endpoint)
            if key_of(field).required or getattr(endpoint, field.name) != field.default
        }
        for endpoint in shipped_endpoints()
    ]


def mistaken_entries(
    own: Sequence[GivenTable],
    merged: Sequence[GivenTable],
    file: str,
    kind: str = "endpoint",
    shape: type[Any] = Endpoint,
) -> Iterator[Mistake]:
    """Yield the entries of one file that share a name, and merged ones that lack a key."""
    names = [name for table in own if (name := name_of(table)) is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Mistake(file, None, kind, "", f'expected one {kind} of the name "{name}"')
    for number, table in enumerate(merged, start=1):
        lacking = " and ".join(missing(shape, table))
        if lacking:
            place = f"{kind}.{name_of(table)}" if name_of(table) else f"{kind}#{number}"
            line = min((given.line or 0 for given in table.values()), default=None)
            yield Mistake(file, line, place, "", f"expected the key {lacking}")

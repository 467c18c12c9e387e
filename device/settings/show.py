"""The effective settings, and the reference of all keys, for people and for programs."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from device.schema.checker import Given, GivenTable, expected, table_of_array
from device.schema.keys import key_of
from device.schema.mistakes import value_text
from device.settings.load import SHIPPED, LoadedSettings
from device.settings.secrets import KeyFileError, find_key
from device.settings.template import toml_line
from device.settings.tree import Endpoint, Settings

ARRAYS = ("endpoint", "profile", "mcp", "price")
"""Tables that come several times, told apart by their name."""


@dataclasses.dataclass(frozen=True)
class Effective:
    """One key as it is in force."""

    path: str
    value: Any
    origin: str
    """``default``, ``shipped`` or ``FILE:LINE``."""


def effective(loaded: LoadedSettings) -> Iterator[Effective]:
    """Yield every key in the order of the file."""
    for section in dataclasses.fields(Settings):
        values, given = getattr(loaded.settings, section.name), loaded.given.get(section.name)
        if section.name in ARRAYS:
            for entry, table in zip(values, given or (), strict=True):
                yield from _keys(f"{section.name}.{entry.name}", entry, table)
        else:
            yield from _keys(section.name, values, given or {})


def _keys(path: str, values: Any, given: GivenTable) -> Iterator[Effective]:
    for field in dataclasses.fields(values):
        origin = _origin(given.get(field.name))
        yield Effective(f"{path}.{field.name}", getattr(values, field.name), origin)


def _origin(given: Given | None) -> str:
    if given is None or given.line is None:
        return "default"
    return "shipped" if given.file == str(SHIPPED) else f"{given.file}:{given.line}"


def key_state(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Say whether the key of an endpoint was found, and where, without the key."""
    if not (endpoint.key_env or endpoint.key_file):
        return "none needed"
    try:
        found = find_key(endpoint, environ)
    except KeyFileError as failure:
        return failure.what
    if found is None:
        return "not found"
    exposed = ", which every user of this machine can read" if found.is_exposed else ""
    return f"hidden, from {found.origin}{exposed}"


def as_text(loaded: LoadedSettings, environ: Mapping[str, str]) -> str:
    """Write the effective settings as TOML, with the origin of what is not shipped."""
    lines: list[str] = []
    table = ""
    for entry in effective(loaded):
        before, _, name = entry.path.rpartition(".")
        if before != table:
            table = before
            array, _, name_of_entry = table.partition(".")
            lines += ["", f"[[{array}]]" if name_of_entry else f"[{table}]"]
            if table.startswith("endpoint."):
                lines.append(f"# key: {_key_line(loaded, table, environ)}")
        own = "" if entry.origin in ("default", "shipped") else f"  # {entry.origin}"
        lines.append(f"{toml_line(name, entry.value)}{own}")
    return "\n".join(lines[1:])


def _key_line(loaded: LoadedSettings, table: str, environ: Mapping[str, str]) -> str:
    name = table.removeprefix("endpoint.")
    return next(key_state(e, environ) for e in loaded.settings.endpoint if e.name == name)


def as_json(loaded: LoadedSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the effective settings, their origins and the state of the keys, as for JSON."""
    return {
        "file": None if loaded.user_file is None else str(loaded.user_file),
        "settings": dataclasses.asdict(loaded.settings),
        "origins": {entry.path: entry.origin for entry in effective(loaded)},
        "keys": {e.name: key_state(e, environ) for e in loaded.settings.endpoint},
    }


def reference() -> str:
    """Return a markdown table of every key for each table of the settings."""
    parts = []
    hints = typing.get_type_hints(Settings)
    for section in dataclasses.fields(Settings):
        inner = table_of_array(hints[section.name])
        heading = f"[[{section.name}]]" if inner else f"[{section.name}]"
        shape = inner or hints[section.name]
        parts.append(f"## `{heading}`\n\n{(shape.__doc__ or '').strip()}\n\n{_table(shape)}")
    return "\n\n".join(parts)


def _table(shape: type[Any]) -> str:
    rows = ["| key | expected | default | meaning |", "|---|---|---|---|"]
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        rule = key_of(field)
        default = "(required)" if rule.required else f"`{value_text(field.default)}`"
        wanted = expected(hints[field.name], rule).replace("|", "\\|")
        rows.append(f"| `{field.name}` | {wanted} | {default} | {rule.help} |")
    return "\n".join(rows)

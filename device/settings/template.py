"""The shipped ``bittern.toml``, written from the tree, so that both say the same."""

from __future__ import annotations

import dataclasses
import textwrap
import typing
from collections.abc import Iterator
from typing import Any

from device.schema.checker import expected, table_of_array
from device.schema.keys import key_of
from device.schema.mistakes import quoted
from device.settings.tree import Settings

HEADING = """\
# The settings of Bittern, as shipped. `bittern config reference --toml` wrote this file.
#
# Write your own to /etc/bittern/bittern.toml or ~/.config/bittern/bittern.toml (or name it
# with --config or $BITTERN_CONFIG), with only the keys that shall differ; check it with
# `bittern config check`, and see what is in force with `bittern config show`.
#
# No secrets here: name the environment variable (key_env) or the file (key_file) of a key."""
ABOUT = {
    "endpoint": (
        "In your own file, an [[endpoint]] with the name of one of these changes only the keys "
        "you give; another name adds an endpoint, before these. The brain stays last unless you "
        "write another endpoint behind it. Take one away with enabled = false."
    )
}
WIDTH = 98


def template() -> str:
    """Return the whole file: each key with its meaning, unit, range and default."""
    hints = typing.get_type_hints(Settings)
    defaults = Settings()
    parts = [HEADING]
    for section in dataclasses.fields(Settings):
        values = getattr(defaults, section.name)
        inner = table_of_array(hints[section.name])
        about = [(inner or hints[section.name]).__doc__ or "", ABOUT.get(section.name, "")]
        heading = "\n".join(_comment(text.strip()) for text in about if text)
        if inner is None:
            tables = [(f"[{section.name}]", list(_explained(values)))]
        else:
            tables = [(f"[[{section.name}]]", list(_explained(values[0])))] if values else []
            tables += [(f"[[{section.name}]]", list(_different(entry))) for entry in values[1:]]
        texts = ["\n".join([head, *lines]) for head, lines in tables]
        if inner is not None and not values:
            texts = ["\n".join([f"# [[{section.name}]]", *_offered(inner)])]
        parts.append("\n".join([heading, "\n\n".join(texts)]))
    return "\n\n".join(parts) + "\n"


def _explained(values: Any) -> Iterator[str]:
    hints = typing.get_type_hints(type(values))
    for field in dataclasses.fields(values):
        rule = key_of(field)
        yield _comment(rule.help)
        yield _comment(expected(hints[field.name], rule), "#   ")
        yield toml_line(field.name, getattr(values, field.name))


def _offered(shape: type[Any]) -> Iterator[str]:
    """The keys of a table that nobody needs: all of it as a comment."""
    hints = typing.get_type_hints(shape)
    for field in dataclasses.fields(shape):
        rule = key_of(field)
        yield _comment(rule.help, "#   ")
        yield _comment(expected(hints[field.name], rule), "#     ")
        written = f"{field.name} = (needed)" if rule.required else None
        yield f"# {written or toml_line(field.name, field.default)}"


def _different(values: Any) -> Iterator[str]:
    for field in dataclasses.fields(values):
        value = getattr(values, field.name)
        if value != field.default:
            yield toml_line(field.name, value)


def toml_line(name: str, value: Any) -> str:
    """Write one key of the tree as it stands in a file."""
    match value:
        case bool():
            return f"{name} = {'true' if value else 'false'}"
        case tuple():
            return f"{name} = [{', '.join(quoted(entry) for entry in value)}]"
        case str() if len(value) > WIDTH and _is_plain(value):
            lines = textwrap.wrap(value, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
            return f'{name} = """\\\n' + " \\\n".join(lines) + '"""'
        case str():
            return f"{name} = {quoted(value)}"
        case _:
            return f"{name} = {value}"


def _is_plain(text: str) -> bool:
    """Say whether a text can be folded at its spaces and come back the same."""
    words_only = text.isprintable() and " ".join(text.split()) == text
    return words_only and not any(mark in text for mark in ('"', "\\"))


def _comment(text: str, margin: str = "# ") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False
    )

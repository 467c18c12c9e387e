"""The shipped bittern.toml and the tree of dataclasses say the same."""

from __future__ import annotations

import dataclasses
import re
import tomllib
import typing
from typing import Any

import pytest

from device.firmware import FIRMWARE
from device.schema.checker import table_of_array
from device.schema.keys import Key, key_of
from device.settings.load import assemble
from device.settings.template import template
from device.settings.tree import Settings

SHIPPED = (FIRMWARE / "bittern.toml").read_text("utf-8")


def every_key() -> list[tuple[str, dataclasses.Field[Any]]]:
    hints = typing.get_type_hints(Settings)
    return [
        (section.name, field)
        for section in dataclasses.fields(Settings)
        for field in dataclasses.fields(table_of_array(hints[section.name]) or hints[section.name])
    ]


def comment_above(table: str, name: str) -> str:
    """Return the comment lines directly above a key in the first table of that name.

    A table that nobody needs stands there as a comment as a whole.
    """
    lines = SHIPPED.splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip("#[] ") == table)
    written = re.compile(rf"(?:# )?{name} = ")
    found = next(i for i in range(start, len(lines)) if written.match(lines[i]))
    comment = []
    while lines[found - 1].startswith("#") and not re.match(r"# \w+ = ", lines[found - 1]):
        found -= 1
        comment.insert(0, lines[found].lstrip("# "))
    return " ".join(comment)


def test_the_values_are_the_defaults_of_the_tree() -> None:
    parsed = tomllib.loads(SHIPPED)
    defaults = dataclasses.asdict(Settings())
    for table, values in parsed.items():
        written = values if isinstance(values, list) else [values]
        expected = defaults[table] if isinstance(values, list) else [defaults[table]]
        for one, other in zip(written, expected, strict=True):
            as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in one.items()}
            assert as_tuples == {k: other[k] for k in one}
    assert set(parsed) == {table for table, values in defaults.items() if values}


def test_loading_it_gives_the_defaults() -> None:
    from device.schema.document import parse_document

    assert assemble(parse_document(SHIPPED.encode(), "shipped"), None).settings == Settings()


@pytest.mark.parametrize(
    ("table", "field"), every_key(), ids=[f"{t}.{f.name}" for t, f in every_key()]
)
def test_every_key_stands_there_with_meaning_unit_and_range(
    table: str, field: dataclasses.Field[Any]
) -> None:
    comment, rule = comment_above(table, field.name), key_of(field)
    assert rule.help
    assert rule.help in comment
    assert range_words(rule) in comment
    for value in rule.choices:
        assert str(value) in comment
    for _, meaning in rule.special:
        assert meaning in comment


def range_words(rule: Key) -> str:
    unit = f" {rule.unit}" if rule.unit else ""
    if rule.low is None or rule.high is None:
        return unit
    if rule.form:
        return f"{rule.low:g} to {rule.high:g} "
    return f"{rule.low:.10g} to {rule.high:.10g}{unit}"


def test_the_file_is_what_the_command_writes() -> None:
    assert template() == SHIPPED


def test_every_number_says_its_unit_in_its_name() -> None:
    suffixes = {"s": "_s", "ms": "_ms", "Hz": "_hz", "%": "_percent", "dB": "_db"}
    for table, field in every_key():
        unit = key_of(field).unit
        if unit in suffixes:
            assert field.name.endswith(suffixes[unit]), f"{table}.{field.name}"

"""The line of each key, found without a parser of our own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.schema.document import Document, parse_document
from device.schema.mistakes import Path

TEXT = '''# a comment with = and [brackets]
top = 1
"quoted key" = { inside = [1, 2] }
[table] # behind it
a = """
b = 2
[c]
"""
d = [
  1, # = ]
  "]",
]
e.f.g = \'\'\'it's "quoted"\'\'\'
h = "ends with a \\\\"
[[array]]
x = 1
[[array]]
x = 2
[[array.inner]]
y = """"four quotes""""
[table.deep]
z = 3
'''


@pytest.fixture(scope="module")
def document() -> Document:
    return parse_document(TEXT.encode(), "x")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("quoted key", "inside"), 3),
        (("table",), 4),
        (("table", "a"), 5),
        (("table", "d"), 9),
        (("table", "e", "f", "g"), 13),
        (("table", "h"), 14),
        (("array", 0), 15),
        (("array", 0, "x"), 16),
        (("array", 1, "x"), 18),
        (("array", 1, "inner", 0, "y"), 20),
        (("table", "deep", "z"), 22),
        (("table", "not there"), 4),
        (("nowhere",), None),
    ],
)
def test_line_of(document: Document, path: Path, line: int | None) -> None:
    assert document.line_of(path) == line


def test_lines_of_a_file_from_windows() -> None:
    document = parse_document(b"\xef\xbb\xbf[a]\r\nb = 1\r\n\r\nc = 2\r\n", "x")
    assert document.line_of(("a", "c")) == 4


NAMES = st.text("abc-_1", min_size=1, max_size=4)


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, st.text(max_size=20)), unique_by=lambda pair: pair[0]))
def test_the_line_is_where_the_key_was_written(pairs: list[tuple[str, str]]) -> None:
    from device.schema.mistakes import quoted

    lines: list[str] = []
    places = {}
    for name, value in pairs:
        places[name] = len(lines) + 1
        # A text over several lines, that looks like keys and tables itself.
        body = quoted(value)[1:-1]
        lines += [f'{name} = """', f"x = {body}", "[y]", '"""  # [z] = """', ""]
    document = parse_document("\n".join(lines).encode(), "x")
    for name, line in places.items():
        assert document.line_of((name,)) == line

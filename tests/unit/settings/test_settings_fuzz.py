"""A settings file that was damaged in any way is either good or a list of clear mistakes."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from device.firmware import FIRMWARE
from device.schema.document import parse_document, read_document
from device.schema.mistakes import MistakesError
from device.settings.load import assemble

SHIPPED = read_document(FIRMWARE / "bittern.toml")
TEXT = SHIPPED.text.encode()
PIECES = st.sampled_from(
    [b"[", b"]", b'"', b'"""', b"=", b"\n", b"{", b"}", b",", b"\x00", b"\xff", b"nan", b"-1",
     b"[[endpoint]]\n", b"[wake]\n", b"sk-0123456789abcdef", b"1e999", b"1979-05-27T07:32:00Z",
     b"0x7fffffffffffffffffff", b"'''", b"#"]
) | st.binary(max_size=8)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return the shipped file, cut, doubled, or with something thrown in, several times."""
    content = TEXT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 200)))
        how = draw(st.sampled_from(["cut", "double", "throw in"]))
        middle = {"cut": b"", "double": content[start:end] * 2, "throw in": draw(PIECES)}[how]
        content = content[:start] + middle + content[end if how != "throw in" else start :]
    return content


def outcome(content: bytes) -> None:
    try:
        assemble(SHIPPED, parse_document(content, "my.toml"))
    except MistakesError as bad:
        lines = [str(mistake) for mistake in bad.mistakes]
        if not lines or any(len(line) > 2000 or not line.isprintable() for line in lines):
            raise AssertionError(f"not a list of clear lines: {lines}") from bad


@settings(deadline=None)
@given(damaged())
def test_damage(content: bytes) -> None:
    outcome(content)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"endpoint = [[]]")
@example(b"endpoint = [{}, 1]")
@example(b"[endpoint.x]")
@example(b"'' = 1")
@example(b'"a\\nb" = 1\n["\\u001b"]')
@example(b"assistant.name.x = 1")
@example(b"[[assistant]]")
@example(b"[microphone]\nrate_hz = 1" + b"0" * 300)
def test_anything_at_all(content: bytes) -> None:
    outcome(content)

"""Nothing that a server says forges a line or speaks to a terminal."""

from __future__ import annotations

import io
import json
import logging
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.logs import LINE, OneLine
from device.plain_text import cleaned, lines, one_line
from device.realtime.codec import decode_foreign
from device.realtime.events import ProtocolError
from device.realtime.failures import Failure, Reason

HOSTILE = st.text(
    st.one_of(
        st.characters(max_codepoint=0xFF),
        st.sampled_from("\n\r\x1b\x9b\x07\x00\u2028\u2029\u202e\u2066\ufeff\ud800\u200b\x85"),
        st.characters(categories=("Cc", "Cf", "Zl", "Zp", "Cs", "Lo", "So")),
    ),
    max_size=60,
)
HARMLESS_FORMAT = "\u200c\u200d"
"""Joiners, without which some scripts and emoji cannot be written."""


def is_harmless(text: str) -> bool:
    wicked = {"Cc", "Zl", "Zp", "Cs"}
    bidirectional = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return not any(
        unicodedata.category(each) in wicked or unicodedata.bidirectional(each) in bidirectional
        for each in text
    )


@given(HOSTILE)
def test_one_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert is_harmless(line)
    assert len(line.splitlines()) <= 1
    assert one_line(line) == line
    assert is_harmless("".join(lines(text).split("\n")))
    line.encode()


@pytest.mark.parametrize(
    "text", ["Ist das schön?", "5 °C – 10 €", "قهوه", "हिन्दी", "👩‍🍳", "a\\nb", ""]
)
def test_what_people_say_stays(text: str) -> None:
    assert one_line(text) == text


def test_it_is_seen_what_was_there() -> None:
    text = "ok\nJun 1 bittern: all good\x1b[2J\u202egpj\x9b1m\x07"
    assert one_line(text) == "ok Jun 1 bittern: all good\\x1b[2J\\u202egpj\\x9b1m\\x07"
    assert one_line("x" * 400, 300) == "x" * 299 + "…"


def texts_in(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for pair in value.items() for each in pair for text in texts_in(each)]
        case list() | tuple():
            return [text for each in value for text in texts_in(each)]
    return []


EVENTS = (
    lambda text: {"type": "error", "error": {"type": text, "code": text, "message": text}},
    lambda text: {"type": text, text: [text, {"a": text}]},
    lambda text: {
        "type": "response.output_audio_transcript.delta", "response_id": text, "item_id": text,
        "output_index": 0, "content_index": 0, "delta": text,
    },
    lambda text: {
        "type": "conversation.item.input_audio_transcription.completed", "item_id": text,
        "content_index": 0, "transcript": text,
    },
    lambda text: {
        "type": "response.output_item.done", "response_id": "r", "output_index": 0,
        "item": {"type": "function_call", "name": text, "arguments": text, "call_id": text},
    },
)  # fmt: skip


@given(st.sampled_from(EVENTS), HOSTILE, st.booleans())
def test_no_event_carries_it_in(make, text: str, is_ascii: bool) -> None:
    message = json.dumps(make(text), ensure_ascii=is_ascii)
    try:
        event = decode_foreign(message)
    except ProtocolError:
        return  # its words go the way of the log
    assert all(map(is_harmless, texts_in(json.loads(_as_json(event)))))


def _as_json(event: object) -> str:
    import msgspec

    return msgspec.json.encode(event).decode()


@given(HOSTILE)
def test_no_failure_and_no_log_line_carries_it_out(text: str) -> None:
    failure = Failure(Reason.PROTOCOL, text * 20)
    assert is_harmless(str(failure))
    assert len(failure.detail) <= 300
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(OneLine(LINE))
    record = logging.LogRecord("bittern", logging.ERROR, "", 0, "it said %s", (text,), None)
    handler.emit(record)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert is_harmless(written[:-1])


def test_a_traceback_keeps_its_lines() -> None:
    try:
        raise ValueError("a\x1b[31m\nb")
    except ValueError:
        import sys

        record = logging.LogRecord("b", logging.ERROR, "", 0, "broke\n", (), sys.exc_info())
    written = OneLine(LINE).format(record)
    assert "Traceback" in written
    assert len(written.splitlines()) > 3
    assert "\x1b" not in written


def test_what_is_no_text_stays() -> None:
    assert cleaned({"a\n": [1, None, True, 1.5, "b\x1b"]}) == {"a ": [1, None, True, 1.5, "b\\x1b"]}

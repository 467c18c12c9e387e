"""The small parts that work on text: speaking, reporting, packing, hearing tokens."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.answering.reports import report
from device.brain.base.abilities import ToolResult
from device.brain.hearing.byte_pairs import Vocabulary, byte_to_character, text_of
from device.brain.hearing.hallucinations import without_echo, without_inventions
from device.brain.speaking.packed import PackedTable, pack
from device.brain.speaking.spoken import as_spoken, decimal, quantity, rounded
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.intents.moments import When
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.schemas import fault_in
from device.brain.understanding.wording import moment

REPLIES = load_language(seed=1).replies


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**Sure!** See [this](http://x.y).", "Sure! See this."),
        ("At https://www.example.com/a?b", "At example dot com"),
        ("5x3=15 and 2*3", "5 times 3 equals 15 and 2 times 3"),
        ("about ≈5 km/h 😀", "about about 5 km/h"),
        ("e.g. this, and/or that", "for example this, or that"),
        ("- one\n- two", "one\ntwo"),
        ("0:30", "12:30 AM"),
        ("It's 21.5 °C.", "It's 21.5 °C."),
    ],
)
def test_removes_what_is_only_for_the_eye(written: str, said: str) -> None:
    assert as_spoken(written) == said


@given(st.text(max_size=200))
def test_speaks_any_text(text: str) -> None:
    as_spoken(text)
    normal(text)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("21.50", "twenty-one point five"),
        ("-3", "minus three"),
        ("0.05", "zero point zero five"),
        ("1e20", "one times ten to the power of twenty"),
    ],
)
def test_says_numbers(value: str, said: str) -> None:
    assert decimal(Decimal(value)) == said


def test_says_amounts() -> None:
    assert quantity(1, "foot", "feet") == "one foot"
    assert quantity(Decimal("2.5"), "cup") == "two and a half cups"
    assert quantity(Decimal("0.5"), "mile") == "half a mile"
    assert rounded(Decimal("1234.5678")) == Decimal(1235)
    assert rounded(Decimal(1) / 3) == Decimal("0.3333")


def test_says_moments() -> None:
    now = dt.datetime(2026, 11, 24, 14, 30)
    assert moment(When(after_s=600), now) == "in ten minutes"
    said = moment(When(dt.time(7), dt.date(2026, 11, 25)), now)
    assert said == "tomorrow at seven o'clock in the morning"
    assert moment(When(dt.time(7), weekdays=(0, 1, 2, 3, 4)), now).startswith("on weekdays at")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"spoken": "Done so."}, "Done so."),
        ({"message": "the door is open"}, "The door is open."),
        ({"temperature": 21, "unit": "celsius"}, "It's 21 degrees."),
        ({"error": "no such lamp"}, "That didn't work: no such lamp."),
        ({"ok": False}, REPLIES.say("tool_failed")),
        ({"result": 42}, "It's 42."),
        (["milk", "eggs"], "There are two: milk and eggs."),
        (False, REPLIES.say("tool_failed")),
    ],
)
def test_puts_any_outcome_in_words(output: object, said: str) -> None:
    assert report([(None, ToolResult("1", json.dumps(output)))], REPLIES) == said


@given(st.text(max_size=300))
def test_puts_any_text_in_words(output: str) -> None:
    assert report([(None, ToolResult("1", output))], REPLIES)


@given(st.text(max_size=100))
def test_reads_back_the_tokens_it_writes(text: str) -> None:
    vocabulary = Vocabulary([*byte_to_character().values(), "Ġset", "Ġa", "Ġtimer", "min"])
    assert text_of(vocabulary.tokens_of(text)) == text


def test_cuts_at_the_longest_tokens() -> None:
    vocabulary = Vocabulary([*byte_to_character().values(), "Ġt", "Ġtim", "er", "Ġtimer"])
    assert vocabulary.tokens_of(" timer t") == ["Ġtimer", "Ġt"]


@given(
    st.dictionaries(st.text(max_size=12), st.one_of(st.text(max_size=9), st.integers(), st.none()))
)
def test_a_packed_table_is_the_table(table: dict[str, object]) -> None:
    packed = PackedTable(pack(table))
    assert dict(packed) == table
    assert all(packed[key] == value for key, value in table.items())
    assert "no such key at all" not in packed


@pytest.mark.parametrize("data", [b"", b"bittern-table-1\n", pack({"a": 1})[:-1], b"x" * 100])
def test_refuses_what_is_no_packed_table(data: bytes) -> None:
    with pytest.raises(ValueError, match="packed table"):
        PackedTable(data)


@pytest.mark.parametrize(
    ("heard", "score", "no_speech", "left"),
    [
        ("Thank you.", -0.4, 0.5, ""),
        ("Thank you.", -0.2, 0.01, "Thank you."),
        ("[BLANK_AUDIO]", -0.1, 0.0, ""),
        ("(wind blowing) Hello", -0.1, 0.0, "Hello"),
        ("...", -0.1, 0.0, ""),
        ("some words", -1.4, 0.8, ""),
        ("some words", -0.4, 0.8, "some words"),
    ],
)
def test_drops_what_was_heard_into_silence(
    heard: str, score: float, no_speech: float, left: str
) -> None:
    assert without_inventions(heard, score, no_speech) == left


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        ("Call mum at 8. Call mum", "Call mum at 8."),
        ("Maximum volume. Maximum volume.", "Maximum volume."),
        ("What's the capital? What's the capitol?", "What's the capital?"),
        ("Brew an americano, brew an americana,", "Brew an americano."),
        ("Yes. No", "Yes. No"),
        ("Set a timer. Set an alarm for seven.", "Set a timer. Set an alarm for seven."),
        ("Well, well done.", "Well, well done."),
        ("Milk, eggs, bread", "Milk, eggs, bread"),
    ],
)
def test_drops_what_is_said_over(heard: str, left: str) -> None:
    assert without_echo(heard) == left


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (5, {"type": "integer", "minimum": 1}),
        (5.0, {"type": "integer"}),
        ("b", {"enum": ["a", "b"]}),
        ({"x": [1]}, {"properties": {"x": {"type": "array", "items": {"type": "integer"}}}}),
        (None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            {"x": "y"},
            {"$defs": {"d": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/d"}}},
        ),
    ],
)
def test_accepts_what_fits_a_schema(value: object, schema: dict[str, object]) -> None:
    assert fault_in(value, schema) is None


@pytest.mark.parametrize(
    ("value", "schema", "reason"),
    [
        (True, {"type": "integer"}, "integer"),
        (0, {"minimum": 1}, "at least 1"),
        ("c", {"enum": ["a"]}, "one of"),
        ({}, {"type": "object", "required": ["x"]}, "x is missing"),
        ({"y": 1}, {"properties": {}, "additionalProperties": False}, "must not have y"),
        ("7", {"pattern": "^[a-z]"}, "match"),
        ([1, "a"], {"items": {"type": "integer"}}, "integer"),
        ("x", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer"),
    ],
)
def test_says_why_a_value_does_not_fit(
    value: object, schema: dict[str, object], reason: str
) -> None:
    assert reason in str(fault_in(value, schema))


def test_every_language_has_what_the_others_have() -> None:
    folder = Path(load_language().sentences[0]).parent.parent
    languages = [path for path in folder.iterdir() if (path / "words.yaml").is_file()]
    english = load_language("en")
    for path in languages:
        language = load_language(path.name)
        assert language.words.keys() == english.words.keys()
        assert language.replies.ways.keys() == english.replies.ways.keys()

"""Numbers, spans of time, sums and units are read as they were meant."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.understanding.intents.language import load_language
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.units import UNITS, convert
from device.phrases.en import forms as spoken

QUANTITIES = Quantities(load_language().words)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("25", "25"),
        ("twenty five", "25"),
        ("a hundred and five", "105"),
        ("two and a half", "2.5"),
        ("half", "0.5"),
        ("three quarters", "0.75"),
        ("five and three quarters", "5.75"),
        ("one million two hundred thousand and six", "1200006"),
        ("minus three point one four", "-3.14"),
        ("nineteen hundred", "1900"),
        ("2 million", "2000000"),
        ("a couple", "2"),
        ("half a dozen", "6"),
        ("1/2", "0.5"),
    ],
)
def test_reads_numbers(said: str, value: str) -> None:
    assert QUANTITIES.number(said) == Decimal(value)


@pytest.mark.parametrize(
    "said", ["", "milk", "twenty milk", "five six", "and", "a", "point", "one and"]
)
def test_reads_no_number_where_there_is_none(said: str) -> None:
    assert QUANTITIES.number(said) is None


@given(st.integers(min_value=0, max_value=999_999_999))
def test_reads_every_number_that_it_can_say(value: int) -> None:
    assert QUANTITIES.number(normal(spoken.number(value))) == value


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("5 minutes", 300),
        ("an hour and a half", 5400),
        ("half an hour", 1800),
        ("a quarter of an hour", 900),
        ("three quarters of an hour", 2700),
        ("one hour thirty", 5400),
        ("two hours and fifteen minutes", 8100),
        ("two and a half minutes", 150),
        ("1 hour and 20 minutes and 5 seconds", 4805),
        ("a day and a half", 129600),
        ("1:30:00", 5400),
        ("10 minute", 600),
    ],
)
def test_reads_spans_of_time(said: str, seconds: float) -> None:
    assert QUANTITIES.duration_s(said) == seconds


@pytest.mark.parametrize("said", ["five", "minutes", "0 minutes", "five minutes of fame", "a half"])
def test_reads_no_span_where_there_is_none(said: str) -> None:
    assert QUANTITIES.duration_s(said) is None


@given(st.integers(min_value=1, max_value=30 * 86_400))
def test_reads_every_span_that_it_can_say(seconds: int) -> None:
    assert QUANTITIES.duration_s(normal(spoken.duration(seconds))) == seconds


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("15% of 80", "12"),
        ("12 times 8", "96"),
        ("the square root of 144", "12"),
        ("7 squared", "49"),
        ("2 to the power of 8", "256"),
        ("half of 50", "25"),
        ("100 divided by 4 plus 3", "28"),
        ("3 + 4 × 5", "23"),
        ("5x3", "15"),
        ("ten minus negative two", "12"),
        ("5 - 3", "2"),
    ],
)
def test_works_out_sums(said: str, value: str) -> None:
    assert QUANTITIES.calculate(normal(said)) == Decimal(value)


@pytest.mark.parametrize("said", ["five", "what", "milk plus eggs", "3 plus", "plus 3", ""])
def test_takes_nothing_else_for_a_sum(said: str) -> None:
    assert QUANTITIES.calculate(said) is None


def test_refuses_impossible_sums() -> None:
    with pytest.raises(ZeroDivisionError):
        QUANTITIES.calculate("3 divided by 0")
    with pytest.raises(OverflowError):
        QUANTITIES.calculate("2 to the power of 5000")


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_adds_as_python_does(left: int, right: int) -> None:
    said = normal(f"{spoken.number(left)} plus {spoken.number(right)}")
    assert QUANTITIES.calculate(said) == left + right


@pytest.mark.parametrize(
    ("said", "value", "unit"),
    [
        ("five and a half miles", "5.5", "mile"),
        ("a mile", "1", "mile"),
        ("20°C", "20", "celsius"),
        ("100 km/h", "100", "kilometre_per_hour"),
        ("350 degrees fahrenheit", "350", "fahrenheit"),
        ("2 fluid ounces", "2", "fluid_ounce"),
    ],
)
def test_reads_amounts_of_units(said: str, value: str, unit: str) -> None:
    assert QUANTITIES.amount(normal(said)) == (Decimal(value), unit)


def test_every_unit_can_be_named() -> None:
    for unit, (singular, plural, *_) in load_language().words["units"].items():
        assert unit in UNITS
        assert QUANTITIES.unit(normal(singular)) == unit
        assert QUANTITIES.unit(normal(plural)) == unit


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        ("212", "fahrenheit", "celsius", "100"),
        ("-40", "celsius", "fahrenheit", "-40"),
        ("0", "kelvin", "celsius", "-273.15"),
        ("1", "mile", "kilometre", "1.609344"),
        ("1", "pound", "gram", "453.59237"),
        ("1", "gallon", "cup", "16"),
        ("36", "kilometre_per_hour", "metre_per_second", "10"),
    ],
)
def test_converts_exactly(value: str, source: str, target: str, result: str) -> None:
    assert float(convert(Decimal(value), source, target)) == pytest.approx(float(result), abs=1e-12)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.integers(-1000, 1000))
def test_converts_there_and_back(source: str, target: str, value: int) -> None:
    if UNITS[source].dimension != UNITS[target].dimension:
        with pytest.raises(ValueError, match="is"):
            convert(Decimal(value), source, target)
        return
    there = convert(Decimal(value), source, target)
    assert float(convert(there, target, source)) == pytest.approx(value, abs=1e-9)

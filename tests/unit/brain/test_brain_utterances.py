"""The table of what people say: the floor under what is understood, and every miss named."""

import datetime as dt
from collections import Counter
from pathlib import Path

import pytest

from device.brain.trial import (
    Case,
    appliance_tools,
    calls_after_yes,
    calls_of,
    is_same,
    misses,
    read_table,
    trial_thinker,
)
from device.brain.understanding.intents.language import load_language
from device.brain.understanding.intents.recognition import Recognizer

TABLE = Path(__file__).parents[2] / "data" / "utterances.toml"
HELD_OUT = TABLE.with_name("utterances_held_out.toml")
WISHES = TABLE.with_name("utterances_wishes.toml")
FREE = TABLE.with_name("utterances_free.toml")
UNSEEN = TABLE.with_name("utterances_unseen.toml")
CASES = read_table(TABLE)
THINKER = trial_thinker()
TOOLS = appliance_tools()


def missed(cases: list[Case]) -> list[str]:
    found = misses(THINKER, cases, TOOLS)
    return [f"{miss.case.says!r}: {miss.got}" for miss in found]


def test_the_table_is_large_enough() -> None:
    assert len(CASES) >= 150
    assert sum(case.calls == () for case in CASES) >= 40
    assert not [says for says, count in Counter(c.says for c in CASES).items() if count > 1]


def test_everything_in_the_table_is_understood() -> None:
    wrong = missed(CASES)
    assert len(wrong) <= 0.02 * len(CASES), "\n".join(wrong)


def test_no_utterance_without_action_causes_one() -> None:
    harmless = [case for case in CASES if case.calls == ()]
    acted = [miss for miss in missed(harmless) if " called " in miss]
    assert not acted, "\n".join(acted)


def test_what_nobody_tuned_for_is_mostly_understood() -> None:
    cases = read_table(HELD_OUT)
    found = list(misses(THINKER, cases, TOOLS))
    still = [
        miss
        for miss in found
        if not miss.case.calls
        or not is_same(calls_after_yes(THINKER, miss.case.says, TOOLS), miss.case.calls)
    ]
    named = "\n".join(f"{miss.case.says!r}: {miss.got}" for miss in found)
    assert len(found) <= 0.2 * len(cases), named
    assert len(still) <= 0.1 * len(cases), named


@pytest.mark.parametrize(("table", "floor"), [(WISHES, 0.95), (FREE, 0.8), (UNSEEN, 0.25)])
def test_wishes_are_carried_out_or_asked(table: Path, floor: float) -> None:
    wished = [case for case in read_table(table) if case.calls]
    declined = [
        case.says
        for case in wished
        if not any(
            is_same(asked(THINKER, case.says, TOOLS, case.calls or ()), case.calls or ())
            for asked in (calls_of, calls_after_yes)
        )
    ]
    assert len(declined) <= (1 - floor) * len(wished), "\n".join(declined)


def test_what_only_looks_like_a_wish_calls_nothing() -> None:
    cases = [c for table in (WISHES, FREE, UNSEEN) for c in read_table(table) if not c.calls]
    called = {case.says: calls_of(THINKER, case.says, TOOLS) for case in cases}
    assert not {says: calls for says, calls in called.items() if calls}
    asked = [case.says for case in cases if calls_after_yes(THINKER, case.says, TOOLS)]
    assert len(asked) <= 0.03 * len(cases), "\n".join(asked)


@pytest.mark.parametrize("table", [TABLE, HELD_OUT])
def test_nobody_is_asked_who_wanted_nothing(table: Path) -> None:
    harmless = [case for case in read_table(table) if case.calls == ()]
    asked = {case.says: calls_after_yes(THINKER, case.says, TOOLS) for case in harmless}
    assert not {says: calls for says, calls in asked.items() if calls}


@pytest.mark.parametrize("frame", ["Please {}", "Hey Jarvis, {}", "could you {} please", "um, {}"])
def test_courtesies_change_nothing(frame: str) -> None:
    recognizer = Recognizer(load_language(), lambda: dt.datetime(2026, 11, 24, 14, 30))
    for says in ("set a timer for ten minutes", "turn the volume up", "add milk to the list"):
        bare, framed = recognizer.understand(says), recognizer.understand(frame.format(says))
        assert [(one.intent, one.slots) for one in bare] == [
            (one.intent, one.slots) for one in framed
        ]


def test_a_wall_of_words_is_not_searched_for_commands() -> None:
    recognizer = Recognizer(load_language(), lambda: dt.datetime(2026, 11, 24, 14, 30))
    assert recognizer.understand("set a timer " * 200) == []

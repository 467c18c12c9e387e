"""Cards of wake words: those that are shipped, and those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.wake.card import BadCardError, UnknownWordError, cards, find, read


def test_the_default_word_has_a_card_under_each_engine() -> None:
    assert find("hey jarvis", "microwakeword")[1].licence.startswith("Apache-2.0")
    assert find("hey jarvis", "openwakeword")[1].licence.startswith("CC BY-NC-SA 4.0")


def test_a_word_may_be_written_as_people_write_it() -> None:
    assert find(" Hey_Jarvis ", "microwakeword")[1].word == "hey jarvis"


def test_every_card_is_named_after_its_word_and_engine() -> None:
    for path, card in cards():
        assert path.name == f"{card.word.replace(' ', '_')}.{card.engine}.json"


def test_a_higher_sensitivity_is_a_lower_threshold() -> None:
    for _, card in cards():
        steps = card.thresholds
        assert 1.0 > steps.low > steps.normal > steps.high > 0.0
        assert card.rule("low").threshold == steps.low
        assert card.rule("low", threshold=0.33).threshold == 0.33


def test_an_unknown_word_names_those_there_are() -> None:
    with pytest.raises(UnknownWordError, match='"hey jarvis"'):
        find("open sesame", "microwakeword")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"word": 1}', '{"surprise": true}'])
def test_a_bad_card_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(BadCardError, match=r"bad\.json"):
        read(path)

"""What may be said of a budget and of prices, and how mistakes in it are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.settings.load import SettingsError, load_settings


def load(tmp_path: Path, text: str):
    file = tmp_path / "my.toml"
    file.write_text(text)
    return load_settings(file).settings


def test_a_limit_ships_that_surprises_nobody(tmp_path: Path) -> None:
    settings = load(tmp_path, "")
    assert settings.budget.month_usd == 10
    assert settings.price == ()


def test_prices_of_ones_own(tmp_path: Path) -> None:
    settings = load(tmp_path, '[budget]\nmonth_usd = 7.5\n[[price]]\nname = "mine"\naudio_out = 3')
    assert settings.budget.month_usd == 7.5
    assert [(each.name, each.audio_out) for each in settings.price] == [("mine", 3.0)]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "[budget]\nmonth_usd = -1",
            "my.toml:2: budget.month_usd = -1: expected 0 (no limit) or a number, "
            "0.01 to 100000 USD",
        ),
        (
            '[budget]\nmonth_usd = "ten"',
            'my.toml:2: budget.month_usd = "ten": expected 0 (no limit) or a number',
        ),
        ("[budget]\nwarn_percent = 0", "budget.warn_percent = 0: expected a whole number, 1 to"),
        (
            '[budget]\nat_limit = "stop"',
            'budget.at_limit = "stop": expected one of "brain", "warn"',
        ),
        ("[budget]\nmonth_euro = 3", "budget.month_euro = 3: "),
        ("[[price]]\naudio_out = 3", "price#1: expected the key name"),
        (
            '[[price]]\nname = "a"\naudio_out = -3',
            "my.toml:3: price#1.audio_out = -3: expected a number, 0 to 100000 USD for a million",
        ),
        (
            '[[price]]\nname = "a"\n[[price]]\nname = "a"',
            'my.toml: price: expected one price of the name "a"',
        ),
        ('[price]\nname = "a"', "expected tables with two brackets: [[price]]"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text)
    assert any(mistake in str(each) for each in error.value.mistakes), str(error.value)

"""Words of their own: which are listened for, and what a profile may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.settings.load import SettingsError, load_settings


def load(tmp_path: Path, text: str) -> object:
    file = tmp_path / "my.toml"
    file.write_text(text)
    return load_settings(file).settings


HOUSE = '[[profile]]\nname = "house"\nwords = ["Okay_Nabu", "hey jarvis"]\nendpoints = ["brain"]\n'


def test_without_profiles_the_plain_list_counts(tmp_path: Path) -> None:
    settings = load(tmp_path, '[wake]\nwords = ["Alexa", "hey mycroft"]')
    assert settings.wake_words() == ("alexa", "hey mycroft")  # type: ignore[attr-defined]


def test_the_words_of_profiles_are_listened_for_as_well_and_each_once(tmp_path: Path) -> None:
    settings = load(tmp_path, HOUSE)
    assert settings.wake_words() == ("hey jarvis", "okay nabu")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            HOUSE.replace('"brain"', '"nobody"'),
            'my.toml:4: profile.house.endpoints = ["nobody"]: '
            'there is no endpoint "nobody" that is enabled',
        ),
        (
            HOUSE + '[[profile]]\nname = "other"\nwords = ["okay nabu"]',
            'my.toml:7: profile.other.words = ["okay nabu"]: '
            'expected one profile for "okay nabu", and house has it',
        ),
        ('[[profile]]\nname = "x"', "my.toml:2: profile.x: expected the key words"),
        (HOUSE + HOUSE, 'my.toml: profile: expected one profile of the name "house"'),
        (HOUSE + "threshold = 2", "my.toml:5: profile#1.threshold = 2: expected 0 "),
    ],
)
def test_what_contradicts_is_told_with_its_place(tmp_path: Path, text: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text)
    assert any(mistake in str(each) for each in error.value.mistakes), str(error.value)

"""The trial of a release hears itself by whatever word is listened for, a profile's too."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.audio.samples import Samples
from device.audio.sounds import brain_voice
from device.settings import load_settings
from device.updates.trial import prove_ears, with_brain_only, with_shipped_words

HOUSE = """
[wake]
words = ["okay nabu"]
[[profile]]
name = "school"
words = ["Hey_Mycroft"]
threshold = 0.8
endpoints = ["openai"]
"""


@pytest.fixture
def loaded(tmp_path: Path):
    file = tmp_path / "my.toml"
    file.write_text(HOUSE)
    return load_settings(file)


async def test_a_word_of_a_profile_will_do(loaded) -> None:
    said: list[str] = []
    voice = brain_voice()

    def mumbling(text: str) -> Samples:
        """A voice with which one word always goes wrong."""
        return voice("Mumble." if "nabu" in text.lower() else text)

    await prove_ears(with_brain_only(loaded), mumbling, said.append)
    told = "\n".join(said)
    assert "does not say 'okay nabu' well" in told
    assert "woke on 'hey mycroft'" in told
    assert "brain: answered ''" not in told


def test_where_no_word_will_do_the_shipped_one_is_left(loaded) -> None:
    assert with_shipped_words(loaded).settings.wake_words() == ("hey jarvis",)

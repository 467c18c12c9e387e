"""The step of the wake word where profiles have words of their own."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio.files import FileMicrophone, write_sound
from device.settings import load_settings
from device.setup import wake_word
from device.setup.dialogue import Dialogue
from device.setup.visit import SetupVisit
from device.setup.wake_word import WakeWordStep

TWO = """
[wake]
words = ["hey jarvis", "alexa"]
"""
PROFILE = """
[[profile]]
name = "school"
words = ["Hey_Mycroft"]
sensitivity = "low"
"""


class Quiet:
    """A bench whose microphone hears nothing."""

    def __init__(self, recording: Path) -> None:
        self._recording = recording

    def microphone(self, _: object) -> FileMicrophone:
        return FileMicrophone(self._recording)


@pytest.fixture
def visit_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(wake_word, "WAIT_S", 0.3)
    recording = tmp_path / "quiet.wav"
    write_sound(recording, np.zeros(16_000, np.int16), 16_000)

    def make(text: str, *typed: str) -> SetupVisit:
        file = tmp_path / "my.toml"
        file.write_text(f'[paths]\nstate = "{tmp_path}"\n{text}')
        dialogue = Dialogue(io.StringIO("\n".join([*typed, ""])), io.StringIO())
        return SetupVisit(dialogue, Quiet(recording), load_settings(file), file, None)  # type: ignore[arg-type]

    return make


def shown(visit: SetupVisit) -> str:
    sink = visit.dialogue.sink
    assert isinstance(sink, io.StringIO)
    return sink.getvalue()


def test_the_words_of_profiles_are_told(visit_of: Any) -> None:
    visit = visit_of(TWO + PROFILE)
    said = '"hey jarvis", "alexa", "hey mycroft" (school), sensitivity normal'
    assert WakeWordStep().now(visit) == said


def test_the_word_of_a_profile_can_be_tried_and_counts_by_its_own_sensitivity(
    visit_of: Any,
) -> None:
    visit = visit_of(PROFILE, "", "2")
    WakeWordStep().run(visit)
    assert 'Say "hey mycroft" 3 times' in shown(visit)
    assert "0 of 3 were heard" in shown(visit)
    assert visit.changes == {}
    usual = visit_of(PROFILE.replace("low", "high"), "", "2")
    WakeWordStep().run(usual)
    from_score = [text.split("a score of ")[1].split()[0] for text in map(shown, (visit, usual))]
    assert float(from_score[0]) > float(from_score[1])


def test_one_word_is_not_asked_about(visit_of: Any) -> None:
    visit = visit_of("", "")
    WakeWordStep().run(visit)
    assert 'Say "hey jarvis" 3 times' in shown(visit)
    assert "Which one do you want to say?" not in shown(visit)


def test_keeping_the_word_keeps_the_others(visit_of: Any) -> None:
    visit = visit_of(TWO, "", "2")
    WakeWordStep().run(visit)
    assert visit.changes == {}
    assert 'Say "alexa" 3 times' in shown(visit)


def test_another_first_word_keeps_the_others(visit_of: Any) -> None:
    from device.wake.open import shipped_words

    number = shipped_words("microwakeword").index("okay nabu") + 1
    visit = visit_of(TWO, str(number), "1")
    WakeWordStep().run(visit)
    assert visit.changes == {("wake", "words"): ("okay nabu", "alexa")}
    assert 'Say "okay nabu" 3 times' in shown(visit)

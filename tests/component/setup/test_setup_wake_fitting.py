"""Whoever is not heard is helped: a lower step, a model of one's own, another word."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from device.audio.resample import resample
from device.audio.samples import silence
from device.audio.sounds import brain_voice
from device.errors import BitternError
from device.settings import load_settings
from device.setup import wake_word
from device.setup.dialogue import Dialogue
from device.setup.visit import SetupVisit
from device.setup.wake_fitting import others_in_order, said_in
from device.setup.wake_word import WakeWordStep
from device.wake.card import Thresholds, WordCard, cards, find, write
from device.wake.open import own_folder

RATE_HZ = 16_000
DEAF = Thresholds(0.99999, 0.99999, 0.99999)
ONLY_HIGH = Thresholds(0.99999, 0.99999, 0.3)


class AtOnce:
    """A microphone into which somebody says something three times, faster than time goes by."""

    name = "somebody"
    rate_hz = RATE_HZ

    def __init__(self, sound: np.ndarray) -> None:
        self._sound = sound

    def open(self, deliver: Callable[[np.ndarray], None]) -> None:
        for at in range(0, len(self._sound), 960):
            deliver(self._sound[at : at + 960])

    def close(self) -> None:
        """Nothing to do."""


class Somebody:
    """A bench where somebody says the word whenever the microphone is opened."""

    def __init__(self, text: str, wait_s: float) -> None:
        word = resample(brain_voice()(text), 24_000, RATE_HZ)
        pause = silence(round(wait_s * RATE_HZ) - len(word))
        hiss = np.random.default_rng(0).normal(0, 12, 8 * (len(word) + len(pause)))
        sound = np.tile(np.concatenate((pause[:8000], word, pause[8000:])), 8)
        self._sound = np.clip(sound + hiss, -32768, 32767).astype(np.int16)

    def microphone(self, _: object) -> AtOnce:
        return AtOnce(self._sound)


@pytest.fixture
def visit_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Somebody says "hey jarvis" to an appliance whose card has these thresholds."""
    monkeypatch.setattr(wake_word, "WAIT_S", 2.5)
    somebody = Somebody("Hey Jarvis", 2.5)

    def make(thresholds: Thresholds, *typed: str, text: str = "") -> SetupVisit:
        put(tmp_path, thresholds)
        file = tmp_path / "my.toml"
        file.write_text(f'[paths]\nstate = "{tmp_path}"\n[wake]\nwords = ["hey jarvis"]\n{text}')
        dialogue = Dialogue(io.StringIO("\n".join([*typed, ""])), io.StringIO())
        return SetupVisit(dialogue, somebody, load_settings(file), file, None)  # type: ignore[arg-type]

    return make


def put(state: Path, thresholds: Thresholds, name: str = "deaf.json") -> None:
    """A card of the owner's, with the shipped models and thresholds of ours."""
    path, card = find("hey jarvis", "microwakeword")
    beside = {
        field: str((path.parent / getattr(card, field)).resolve())
        for field in ("model", "beside", "verifier")
        if getattr(card, field).startswith("./")
    }
    own_folder(state).mkdir(exist_ok=True)
    changed = msgspec.structs.replace(card, thresholds=thresholds, figures=(), **beside)
    write(changed, own_folder(state) / name)


def shown(visit: SetupVisit) -> str:
    sink = visit.dialogue.sink
    assert isinstance(sink, io.StringIO)
    return sink.getvalue()


def test_who_is_heard_three_times_is_asked_nothing_more(visit_of: Any) -> None:
    visit = visit_of(Thresholds(0.5, 0.3, 0.1), "")
    WakeWordStep(never_fits).run(visit)
    assert "3 of 3 were heard" in shown(visit)
    assert visit.changes == {}


def test_a_step_that_hears_all_is_taken_by_itself_and_told(visit_of: Any) -> None:
    visit = visit_of(ONLY_HIGH, "")
    WakeWordStep(never_fits).run(visit)
    assert "0 of 3 were heard" in shown(visit)
    assert 'At the sensitivity "high", from 0.30 on, all 3 count' in shown(visit)
    assert "it then wakes by mistake was not measured" in shown(visit)
    assert visit.changes == {("wake", "sensitivity"): "high"}


def test_the_step_of_a_profile_is_left_to_the_owner(visit_of: Any) -> None:
    profile = '[[profile]]\nname = "school"\nwords = ["hey jarvis"]\n'
    text = profile
    visit = visit_of(ONLY_HIGH, "", "", text=text)
    WakeWordStep(never_fits).run(visit)
    assert 'sensitivity = "high" in [[profile]] school' in shown(visit)
    assert visit.changes == {}


def test_whom_no_step_hears_gets_a_model_of_their_own(visit_of: Any, tmp_path: Path) -> None:
    visit = visit_of(DEAF, "", "y")
    given: list[tuple[str, int]] = []

    def fit(word: str, recordings: Sequence[Path], state: Path, _: Sequence[Path]) -> None:
        given.append((word, len(recordings)))
        assert all(path.stat().st_size > 10_000 for path in recordings)
        (own_folder(state) / "deaf.json").unlink()
        put(state, Thresholds(0.5, 0.3, 0.1), "hey_jarvis.microwakeword.json")

    step = WakeWordStep(fit)
    step.run(visit)
    assert given == [("hey jarvis", 3)]
    assert "No sensitivity would have heard all of them" in shown(visit)
    assert '"hey jarvis" is fitted to your voice, and stays so' in shown(visit)
    assert (own_folder(tmp_path) / "hey_jarvis.microwakeword.json").is_file()
    assert visit.changes == {}


def test_what_does_not_help_is_taken_back_and_another_word_offered(
    visit_of: Any, tmp_path: Path
) -> None:
    visit = visit_of(DEAF, "", "y", "")

    def fit(_: str, __: Sequence[Path], state: Path, ___: Sequence[Path]) -> None:
        (own_folder(state) / "deaf.json").unlink()
        put(state, DEAF, "hey_jarvis.microwakeword.json")

    WakeWordStep(fit).run(visit)
    assert "That did not help, and was taken back" in shown(visit)
    assert "Another word may hear you better" in shown(visit)
    assert not (own_folder(tmp_path) / "hey_jarvis.microwakeword.json").exists()
    assert visit.changes == {}


def test_where_nothing_can_be_fitted_another_word_is_said_and_chosen(
    visit_of: Any, tmp_path: Path
) -> None:
    visit = visit_of(DEAF, "", "y", "1", "n", "")
    WakeWordStep(never_fits).run(visit)
    assert "That cannot be done here: nothing to learn with" in shown(visit)
    known = [card for _, card in cards() if card.engine == "microwakeword"]
    first = others_in_order(known, "hey jarvis")[0].word
    assert f'Say "{first}" 3 times' in shown(visit)
    assert visit.changes[("wake", "words")] == (first,)


def never_fits(*_: object) -> None:
    raise BitternError("nothing to learn with")


def test_words_that_miss_less_are_offered_first() -> None:
    _, card = find("computer", "microwakeword")

    def word(name: str, missed: int) -> WordCard:
        figures = tuple(
            msgspec.structs.replace(each, missed=missed, spoken=100) for each in card.figures
        )
        return msgspec.structs.replace(card, word=name, figures=figures)

    unmeasured = msgspec.structs.replace(card, word="unknown", figures=())
    known = [unmeasured, word("bad", 30), word("good", 3), word("mine", 1)]
    assert [each.word for each in others_in_order(known, "mine")] == ["good", "bad", "unknown"]


def test_what_is_learned_from_is_what_was_said() -> None:
    random = np.random.default_rng(1)
    sound = random.normal(0, 10, 6 * RATE_HZ)
    sound[3 * RATE_HZ : 4 * RATE_HZ] += random.normal(0, 3000, RATE_HZ)
    said = said_in(sound.astype(np.int16))
    assert 1.8 * RATE_HZ < len(said) < 2.4 * RATE_HZ
    assert (said.astype(float) ** 2).sum() > 0.99 * (sound**2).sum()

"""A personal verifier: the owner passes, others who say the very same word do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from device.wake.card import SHIPPED, find
from device.workshop.training.enrolment import Enrolment, _beside, _task
from device.workshop.training.measuring.systems import Bittern
from device.workshop.training.measuring.trials import Backdrop, plan, sound_of
from device.workshop.training.wake.corpus import Recording
from device.workshop.training.wake.corpus import find as recordings_in
from device.workshop.training.wake.recipe import make_word
from device.workshop.training.wake.voices import told_apart

pytest.importorskip("onnx")
pytest.importorskip("hibari")
pytestmark = pytest.mark.timeout(600)  # a training, however small

WORD = "computer"
ENROLLED, HOUSEHOLD, STRANGERS = 4, 24, 16


def passing(system: Bittern, recordings: list[Recording]) -> int:
    """How many of them wake it at normal."""
    limit = system.thresholds[WORD]["normal"]
    trials = plan(recordings, (WORD,), ("quiet",))
    return sum(system.peaks(sound_of(each, Backdrop()))[WORD] > limit for each in trials)


def test_the_owner_passes_and_strangers_do_not(
    recordings: Path, model: Callable[[str], Path], tmp_path: Path
) -> None:
    model("openwakeword/embedding_stream.onnx")
    crowd = told_apart(recordings_in([recordings / "wake" / WORD]))
    owner, takes = Counter(each.speaker for each in crowd).most_common(1)[0]
    assert takes >= 7
    own = [each for each in crowd if each.speaker == owner]
    household = [each for each in crowd if each.speaker != owner and each.fold(2) == 0]
    strangers = [each for each in crowd if each.speaker != owner and each.fold(2) == 1]
    wanted = Enrolment(
        WORD,
        tuple(each.path for each in own[:ENROLLED]),
        tmp_path,
        negatives=tuple(each.path for each in household[:HOUSEHOLD]),
        verify=True,
        processes=1,
    )
    existing = find(WORD, "microwakeword", (SHIPPED,))
    # What enroll does, with fewer copies and shorter lessons.
    task = replace(_task(wanted, existing), copies=8, sentences=0, crowds=0, effort=0.12)
    _beside(make_word(task, lambda _: None), *existing)
    personal = Bittern((tmp_path / "wake",), (WORD,))
    others = strangers[:STRANGERS]
    assert passing(Bittern(words=(WORD,)), others) >= STRANGERS - 2
    assert passing(personal, others) <= STRANGERS // 8
    rest = own[ENROLLED:]
    assert passing(personal, rest) >= len(rest) - 1

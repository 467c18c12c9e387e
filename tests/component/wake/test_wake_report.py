"""The report on a handful of recordings: labels, figures, files; what it says when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.workshop.training.measuring.report import NothingToJudgeError, Request, make_report


@pytest.fixture
def folder(tmp_path: Path, say: Callable[..., np.ndarray], model: Callable[[str], Path]) -> Path:
    model("microwakeword/hey_jarvis.onnx")
    for name, text in (
        ("wake/hey_jarvis/1", "Hey Jarvis"),
        ("wake/single/hey_jarvis", "Hey Jarvis"),
        ("wake/jarvis/2", "Jarvis"),
        ("wake/open_sesame/3", "Open sesame"),
        ("commands/4", "Turn the light on in the kitchen, please"),
    ):
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, say(text), 16_000)
    noise = np.random.default_rng(1).normal(size=16_000 * 20) * 800
    (tmp_path / "noise").mkdir()
    soundfile.write(tmp_path / "noise/fan.wav", noise.astype(np.int16), 16_000)
    return tmp_path


def test_a_report_has_every_condition_and_counts_by_label(folder: Path) -> None:
    said: list[str] = []
    out = folder / "out"
    wanted = Request((folder,), out, words=("hey jarvis",), peers=False, processes=1)
    make_report(wanted, said.append)
    report = json.loads((out / "report.json").read_text())
    assert report["labels"]["hey jarvis"] == 2
    conditions = report["words"]["hey jarvis"]["bittern"]["conditions"]
    assert list(conditions) == ["quiet", "room", "10 dB", "5 dB", "0 dB"]
    quiet = conditions["quiet"]["at"]["normal"]
    assert (quiet["missed"], quiet["spoken"]) == (0, 2)
    assert quiet["false_accepts"] == 0
    # "open sesame", a command and both pieces of the noise; "jarvis" is neither.
    seconds = sum(
        soundfile.info(folder / f"{name}.wav").duration
        for name in ("wake/open_sesame/3", "commands/4", "noise/fan")
    )
    assert quiet["hours"] == pytest.approx(seconds / 3600, rel=0.01)
    assert (out / "hey_jarvis.png").stat().st_size > 5000
    assert "| bittern | normal |" in (out / "report.md").read_text()
    assert said


def test_peers_stand_beside_ours_at_equal_misses(folder: Path) -> None:
    pytest.importorskip("pymicro_wakeword")
    out = folder / "out"
    make_report(Request((folder,), out, words=("hey jarvis",), processes=1), lambda _: None)
    report = json.loads((out / "report.json").read_text())
    beside = report["beside"]["hey jarvis"]["pymicro-wakeword"]
    assert list(beside) == ["quiet", "room", "10 dB", "5 dB", "0 dB"]
    for pair in beside.values():
        # The same recordings: other speech is heard in every noise, and by everybody.
        assert pair["peer"]["hours"] == pair["bittern"]["hours"] > 0
        assert pair["bittern"]["miss_rate"] <= pair["peer"]["miss_rate"]
    page = (out / "report.md").read_text()
    assert page.count("| pymicro-wakeword | ") == 2 + len(beside)
    assert report["cpu_seconds"] > 0


def test_recordings_of_no_known_word_are_refused(folder: Path, tmp_path: Path) -> None:
    wanted = Request((folder / "commands",), tmp_path / "out", ("hey jarvis",), peers=False)
    with pytest.raises(NothingToJudgeError, match="no recording is of a word"):
        make_report(wanted, lambda _: None)
    assert not (tmp_path / "out").exists()

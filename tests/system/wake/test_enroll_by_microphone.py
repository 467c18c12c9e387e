"""Enrolment records the owner through PortAudio and a real sound server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio.resample import resample
from device.models import MissingModel
from device.wake.open import WakeSettings, open_words
from device.wake.scoring import load, score_sound

TAKES = 3
RECORD = """
import sys
from pathlib import Path
from device.cli.wake import _takes
print(*_takes("hey jarvis", int(sys.argv[1]), Path(sys.argv[2])), sep="\\n")
"""


def again_and_again(server: Any) -> np.ndarray:
    """Somebody who says the word each second and a half, for long enough."""
    hibari = pytest.importorskip("hibari")
    floats = np.asarray(hibari.Hibari(threads=1)("Hey Jarvis.", seed=7)) * 0.5
    word = resample((floats * 32767).astype(np.int16), 24_000, server.rate_hz)
    turn = np.zeros(round(1.5 * server.rate_hz), np.int16)
    turn[: len(word)] = word[: len(turn)]
    return np.tile(turn, 80)


@pytest.mark.timeout(300)
def test_each_take_holds_the_word_as_it_was_said(sound_server: Any, tmp_path: Path) -> None:
    try:
        engine, rules, second = open_words(WakeSettings(("hey jarvis",)))
    except MissingModel as missing:
        pytest.skip(str(missing))
    settings = tmp_path / "bittern.toml"
    settings.write_text('[microphone]\ndevice = "test_microphone"\n')
    sound_server.say(again_and_again(sound_server))
    done = subprocess.run(
        [sys.executable, "-c", RECORD, str(TAKES), str(tmp_path)],
        env=sound_server.environment | {"BITTERN_CONFIG": str(settings)},
        input="\n" * TAKES, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("press Enter, then say") == TAKES
    paths = [Path(line) for line in done.stdout.split()]
    assert len(paths) == TAKES
    for path in paths:
        sound = load(path)
        assert len(sound) == pytest.approx(2.5 * 16_000, rel=0.05)
        assert score_sound(engine, rules, sound, second).hits

"""Notices: spoken once, found again, never in the way."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from device.audio import sounds as room
from device.audio.chimes import CHIMES, chime
from device.audio.files import SoundFileError, write_sound
from device.audio.samples import Samples
from device.audio.sounds import Sounds, UnknownSoundError, brain_voice
from device.cli import main
from device.phrases.en import NOTICES


def counting_voice(spoken: list[str]) -> room.Synthesize:
    def synthesize(text: str) -> Samples:
        spoken.append(text)
        return np.full(2_400 + len(text), len(spoken), dtype=np.int16)

    return synthesize


def test_each_is_spoken_once(tmp_path: Path) -> None:
    spoken: list[str] = []
    sounds = Sounds(tmp_path / "notices")
    assert sounds.missing == list(NOTICES)
    assert sounds.make(counting_voice(spoken)) == len(NOTICES)
    assert spoken == list(NOTICES.values())
    assert sounds.make(counting_voice(spoken)) == 0
    assert len(spoken) == len(NOTICES)
    assert sounds.missing == []
    text, samples = sounds.notice("quota")
    assert text == NOTICES["quota"]
    assert len(samples) == 2_400 + len(text)
    assert (samples == list(NOTICES).index("quota") + 1).all()


def test_a_changed_sentence_is_spoken_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sounds = Sounds(tmp_path)
    sounds.make(counting_voice([]))
    (tmp_path / "mine.wav").write_bytes(b"of somebody else")
    old = sounds.path_of("ready")
    monkeypatch.setattr(room, "NOTICES", {**NOTICES, "ready": "At your service."})
    assert sounds.missing == ["ready"]
    spoken: list[str] = []
    assert sounds.make(counting_voice(spoken)) == 1
    assert spoken == ["At your service."]
    assert not old.exists()
    assert sounds.path_of("ready").exists()
    assert (tmp_path / "mine.wav").exists()


def test_a_voice_that_fails_leaves_nothing_half(tmp_path: Path) -> None:
    def fail(text: str) -> Samples:
        raise ZeroDivisionError

    sounds = Sounds(tmp_path)
    with pytest.raises(ZeroDivisionError):
        sounds.make(fail)
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_or_damaged_is_the_error_chime(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sounds = Sounds(tmp_path)
    sounds.path_of("no_key").write_bytes(b"")
    sounds.path_of("quota").write_bytes(b"RIFF but no sound at all" * 9)
    with caplog.at_level(logging.WARNING):
        for name in ("ready", "no_key", "quota", "no such notice"):
            text, samples = sounds.notice(name)
            assert text == NOTICES.get(name, "")
            assert (samples == chime("error")).all()
    assert len(caplog.records) == 4
    assert (sounds.chime("no such chime") == chime("error")).all()


def test_another_rate_is_converted_and_an_endless_file_is_cut(tmp_path: Path) -> None:
    sounds = Sounds(tmp_path)
    write_sound(sounds.path_of("ready"), np.ones(48_000, dtype=np.int16), 48_000)
    write_sound(sounds.path_of("quota"), np.ones(24_000 * 20, dtype=np.int16), 24_000)
    assert len(sounds.notice("ready")[1]) == 24_000
    assert len(sounds.notice("quota")[1]) == 24_000 * 15


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SoundFileError, match="cannot be made"):
        Sounds(tmp_path / "file" / "notices").make(counting_voice([]))


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownSoundError) as caught:
        Sounds(tmp_path).path_of("gong")
    assert all(name in caught.value.advice for name in (*CHIMES, *NOTICES))


def test_the_voice_of_the_brain(tmp_path: Path) -> None:
    pytest.importorskip("hibari", reason="hibari-tts is not installed")
    samples = brain_voice()(NOTICES["local_brain"])
    assert samples.dtype == np.int16
    assert 2.0 < len(samples) / 24_000 < 8.0
    assert samples.astype(float).std() > 300


def test_sentences_are_short_and_whole() -> None:
    for text in NOTICES.values():
        assert text[0].isupper()
        assert text.endswith(".")
        assert len(text) <= 90


def test_the_command_makes_and_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("hibari", reason="hibari-tts is not installed")
    monkeypatch.setenv("BITTERN_MODELS", str(tmp_path))
    assert main(["sounds", "list"]) == 0
    assert "(not made)" in capsys.readouterr().out
    assert main(["sounds", "make"]) == 0
    assert f"({len(NOTICES)} made now)" in capsys.readouterr().out
    assert main(["sounds", "make"]) == 0
    assert "(0 made now)" in capsys.readouterr().out
    assert main(["sounds", "list", "--json"]) == 0
    assert '"is_made": true' in capsys.readouterr().out
    assert main(["sounds", "play", "gong"]) == 1
    assert "there are: wake" in capsys.readouterr().err

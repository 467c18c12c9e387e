"""The folder of kept recordings: private, bounded, harmless; and nothing without consent."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.audio.files import read_sound
from device.audio.ring import Ring
from device.cli import main
from device.nearmisses.folder import KeptRecording, NoSuchRecordingError, RecordingFolder
from device.nearmisses.keeper import Keeper

SOUND = (np.sin(np.arange(16_000) / 5) * 8000).astype(np.int16)


def about(number: int, label: str = "", word: str = "hey jarvis") -> KeptRecording:
    return KeptRecording(f"20260101-0000{number:02}", "near_miss", word, 0.5, "2026-01-01", label)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> RecordingFolder:
    return RecordingFolder(tmp_path / "kept", most=4)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_can_read_it(folder: RecordingFolder) -> None:
    assert folder.keep(about(1), SOUND)
    assert mode(folder.folder) == 0o700
    assert {mode(path) for path in folder.folder.iterdir()} == {0o600}
    sound, rate_hz = read_sound(folder.path_of(about(1).name))
    assert rate_hz == 16_000
    assert np.array_equal(sound, SOUND)


def test_the_oldest_make_way(folder: RecordingFolder) -> None:
    for number in range(7):
        folder.keep(about(number), SOUND)
    assert [kept.name for kept in folder.all()] == [about(n).name for n in (3, 4, 5, 6)]
    assert len(list(folder.folder.iterdir())) == 8


def test_the_size_is_bounded(tmp_path: Path) -> None:
    small = RecordingFolder(tmp_path, most=100, most_bytes=100_000)
    for number in range(9):
        small.keep(about(number), SOUND)
        assert sum(path.stat().st_size for path in tmp_path.glob("*.wav")) <= 100_000
    assert len(small.all()) == 3


def test_a_broken_card_does_not_hide_the_rest(folder: RecordingFolder) -> None:
    folder.keep(about(1), SOUND)
    (folder.folder / "0.json").write_text("{")
    assert [kept.name for kept in folder.all()] == [about(1).name]


def test_labels_turn_into_the_folders_that_training_takes(
    folder: RecordingFolder, tmp_path: Path
) -> None:
    for number in range(3):
        folder.keep(about(number), SOUND)
    folder.label(about(0).name, "mine")
    folder.label(about(1).name, "not")
    assert folder.export(tmp_path / "out") == {"positives": 1, "negatives": 1}
    assert (tmp_path / "out" / "positives" / f"{about(0).name}.wav").is_file()
    assert (tmp_path / "out" / "negatives" / f"{about(1).name}.wav").is_file()
    assert folder.export(tmp_path / "none", "alexa") == {"positives": 0, "negatives": 0}


@pytest.mark.parametrize("name", ["nothing", "../secret", "/etc/passwd"])
def test_only_what_was_kept_can_be_named(folder: RecordingFolder, name: str) -> None:
    with pytest.raises(NoSuchRecordingError):
        folder.delete(name)


FULL = """
import json, sys
from pathlib import Path
import numpy as np
from device.nearmisses.folder import KeptRecording, RecordingFolder

disk = Path(sys.argv[1])
sound = np.ones(48_000, np.int16)  # 96 kB
folder = RecordingFolder(disk / "kept", most=100)
kept = [folder.keep(KeptRecording(f"{n:03}", "trigger", "w", 1.0, ""), sound) for n in range(20)]
left = [each.name for each in folder.all()]
parts = [path.name for path in folder.folder.iterdir() if path.suffix == ".part"]
print(json.dumps({"kept": kept, "left": left, "parts": parts}))
"""


def test_on_a_full_disk_the_oldest_make_way_and_nothing_breaks(tmp_path: Path) -> None:
    mount = ["unshare", "-rm", "sh", "-c"]
    script = 'mount -t tmpfs -o size=512k none "$1" && exec "$2" -c "$3" "$1"'
    command = [*mount, script, "sh", str(tmp_path), sys.executable, FULL]
    if not shutil.which("unshare") or subprocess.run([*mount, "true"]).returncode:
        pytest.skip("mounting a small disk needs unshare and user namespaces")
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["kept"] == [True] * 20
    assert told["left"][-1] == "019"
    assert 3 <= len(told["left"]) <= 5
    assert told["parts"] == []


def test_a_place_that_cannot_be_written_is_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    assert not RecordingFolder(tmp_path / "file" / "kept").keep(about(1), SOUND)
    assert "was not kept" in caplog.text


# -- the thread ------------------------------------------------------------------------


@pytest.fixture
def ring() -> Ring:
    ring = Ring(48_000, 10.0)
    ring.write((np.sin(np.arange(8 * 48_000) / 20) * 8000).astype(np.int16))
    return ring


def until(happened: Callable[[], object], within_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_the_sound_around_the_decision_is_kept(folder: RecordingFolder, ring: Ring) -> None:
    keeper = Keeper(folder, lambda: ring, lambda: 48_000)
    keeper.start()
    keeper.keep("trigger", "Hey Jarvis", 0.9, 5 * 48_000)
    until(folder.all)
    keeper.close()
    (kept,) = folder.all()
    assert (kept.kind, kept.word, kept.score) == ("trigger", "Hey Jarvis", 0.9)
    sound, _ = read_sound(folder.path_of(kept.name))
    assert abs(len(sound) - 3.2 * 16_000) < 100


def test_whoever_listens_never_waits_for_the_disk(
    folder: RecordingFolder, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(folder, "keep", lambda *_: hangs.wait(30.0))
    keeper = Keeper(folder, lambda: ring, lambda: 48_000)
    keeper.start()
    began_s = time.monotonic()
    for _ in range(100):
        keeper.keep("trigger", "hey jarvis", 0.9, 5 * 48_000)
    assert time.monotonic() - began_s < 0.2
    assert keeper.let_go >= 90
    keeper.close()
    assert time.monotonic() - began_s < 3.0
    hangs.set()


def test_sound_that_was_forgotten_is_not_kept(folder: RecordingFolder, ring: Ring) -> None:
    """Muting clears the ring: what was said before must not appear on the disk after it."""
    keeper = Keeper(folder, lambda: ring, lambda: 48_000)
    ring.clear()
    keeper.start()
    keeper.keep("trigger", "hey jarvis", 0.9, ring.end_sample - 48_000)
    time.sleep(0.4)
    keeper.close()
    assert folder.all() == []


# -- the command -----------------------------------------------------------------------


def test_the_command_lists_labels_exports_and_deletes(
    folder: RecordingFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.keep(about(1), SOUND)
    review = ["wake", "review", "--folder", str(folder.folder)]
    assert main([*review, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == about(1).name
    assert main([*review, "--label", about(1).name, "--as", "not"]) == 0
    assert main([*review, "--export", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out" / "negatives").iterdir())) == 1
    assert main([*review, "--delete-all"]) == 0
    assert not folder.folder.exists()
    assert main([*review, "--delete", "x"]) != 0

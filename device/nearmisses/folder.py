"""The folder of kept recordings: small, private, and never full.

Each recording is a WAV file of some seconds and a JSON file of the same name. The folder is
its owner's alone (0700, files 0600). The oldest go when there are too many or too much, and
when the disk is full; nothing here ever fails because of a disk.
"""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import shutil
import wave
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from device.errors import BitternError

log = logging.getLogger(__name__)

Kind = Literal["trigger", "near_miss"]
Label = Literal["", "mine", "not"]
RATE_HZ = 16_000
FOLDER = "wake-recordings"
"""Below the state folder."""
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class NoSuchRecordingError(BitternError):
    """No kept recording has that name."""


@dataclass(frozen=True, slots=True)
class KeptRecording:
    """What is known of one recording."""

    name: str
    kind: Kind
    word: str
    score: float
    at: str
    """Local time, ISO 8601."""
    label: Label = ""
    """``mine``: it was the word, said to the appliance. ``not``: it was something else."""


class RecordingFolder:
    """Reads, writes and bounds the folder. One writer at a time; readers at any time."""

    def __init__(self, folder: Path, most: int = 200, most_bytes: int = 20_000_000) -> None:
        """``most`` recordings of ``most_bytes`` together are kept."""
        self.folder = folder
        self.most = most
        self.most_bytes = most_bytes

    def keep(self, about: KeptRecording, sound: NDArray[np.int16]) -> bool:
        """Keep mono 16 kHz sound; False, and a line in the log, where the disk will not."""
        content = _wav(sound)
        try:
            self._prepare()
            self._make_room(len(content))
            return self._write_or_make_way(about, content)
        except OSError as failure:
            log.warning("a recording for `bittern wake review` was not kept: %s", failure)
            return False

    def all(self) -> list[KeptRecording]:
        """Every recording, the oldest first; what cannot be read is left out."""
        return [kept for path in self._cards() if (kept := _read(path)) is not None]

    def path_of(self, name: str) -> Path:
        """The sound of a recording; raises :class:`NoSuchRecordingError`."""
        path = self.folder / f"{name}.wav"
        if "/" in name or not path.is_file():
            raise NoSuchRecordingError(
                f'no recording is called "{name}"', "List them with `bittern wake review`."
            )
        return path

    def label(self, name: str, label: Label) -> None:
        """Write down what a recording was."""
        path = self.path_of(name).with_suffix(".json")
        known = _read(path)
        if known is None:
            raise NoSuchRecordingError(f"{path} cannot be read", "Delete the recording.")
        _write(path, json.dumps({**asdict(known), "label": label}).encode())

    def delete(self, *names: str) -> None:
        """Delete recordings."""
        for name in names:
            self.path_of(name).unlink()
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    def delete_all(self) -> int:
        """Delete every file of the folder and the folder itself; returns how many recordings."""
        count = len(list(self.folder.glob("*.wav"))) if self.folder.is_dir() else 0
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        return count

    def export(self, out: Path, word: str | None = None) -> dict[str, int]:
        """Copy what is labelled to ``out/positives`` and ``out/negatives``; returns the counts."""
        counts = {"positives": 0, "negatives": 0}
        for kept in self.all():
            if not kept.label or (word is not None and kept.word != word):
                continue
            kind = "positives" if kept.label == "mine" else "negatives"
            target = out / kind / f"{kept.name}.wav"
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(target, self.path_of(kept.name).read_bytes())
            counts[kind] += 1
        return counts

    # -- room --------------------------------------------------------------------------

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)

    def _cards(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []

    def _make_room(self, coming: int) -> None:
        for left_over in self.folder.glob("*.part"):
            left_over.unlink(missing_ok=True)
        sizes = {path: path.stat().st_size for path in sorted(self.folder.glob("*.wav"))}
        while sizes and (len(sizes) >= self.most or sum(sizes.values()) + coming > self.most_bytes):
            oldest = next(iter(sizes))
            del sizes[oldest]
            self._drop(oldest)

    def _write_or_make_way(self, about: KeptRecording, content: bytes) -> bool:
        """Write; on a full disk the oldest recordings make way, nobody else's files do."""
        while True:
            try:
                _write(self.folder / f"{about.name}.wav", content)
                _write(self.folder / f"{about.name}.json", json.dumps(asdict(about)).encode())
                return True
            except OSError as failure:
                self._drop(self.folder / f"{about.name}.wav")
                oldest = next(iter(sorted(self.folder.glob("*.wav"))), None)
                if failure.errno not in _NO_SPACE or oldest is None:
                    raise
                self._drop(oldest)

    def _drop(self, sound: Path) -> None:
        sound.unlink(missing_ok=True)
        sound.with_suffix(".json").unlink(missing_ok=True)


def _wav(sound: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        writer.writeframes(sound.astype("<i2", copy=False).tobytes())
    return file.getvalue()


def _read(path: Path) -> KeptRecording | None:
    try:
        return KeptRecording(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as failure:
        log.warning("%s is not about a recording: %s", path, failure)
        return None


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise

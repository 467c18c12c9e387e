"""What the appliance says by itself: chimes, and sentences spoken once at set-up."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.audio.chimes import CHIMES, chime
from device.audio.files import SoundFileError, read_sound, write_sound
from device.audio.resample import WIRE_RATE_HZ, resample
from device.audio.samples import Samples, to_int16
from device.errors import BitternError
from device.ownership import must_be_ours_alone
from device.phrases.en import NOTICES

LONGEST_NOTICE_S = 15.0
"""What is longer was not made by us."""

Synthesize = Callable[[str], Samples]
"""Speaks a sentence: int16 at 24 kHz."""

log = logging.getLogger(__name__)


class UnknownSoundError(BitternError):
    """There is no chime and no notice of this name."""


class Sounds:
    """Chimes, and the notices of a folder.

    The file of a notice has a hash of its text in its name, so a changed sentence is
    spoken anew and never confused with its older version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_store(cls, store: Path) -> Sounds:
        """Return those whose notices belong to a model store."""
        return cls(store / "notices")

    def chime(self, name: str) -> Samples:
        """Return a chime (24 kHz); the error chime, and a line in the log, if there is none."""
        if name not in CHIMES:
            log.error("there is no chime %r; the names are %s", name, ", ".join(CHIMES))
            name = "error"
        return chime(name)

    def notice(self, name: str) -> tuple[str, Samples]:
        """Return the sentence of a notice and its sound (24 kHz).

        The error chime where it was never spoken or its file is damaged; never fails.
        """
        text = NOTICES.get(name, "")
        try:
            return text, _read(self.path_of(name))
        except (SoundFileError, UnknownSoundError) as failure:
            log.warning("the notice %r is a chime: %s; run `bittern sounds make`", name, failure)
            return text, self.chime("error")

    def path_of(self, name: str) -> Path:
        """Return where the sound of a notice is, or will be. Raises UnknownSoundError."""
        if name not in NOTICES:
            known = ", ".join((*CHIMES, *NOTICES))
            raise UnknownSoundError(f"there is no sound {name!r}", f"there are: {known}")
        digest = hashlib.sha256(NOTICES[name].encode()).hexdigest()[:12]
        return self.folder / f"{name}-{digest}.wav"

    @property
    def missing(self) -> list[str]:
        """The notices that have not been spoken yet."""
        return [name for name in NOTICES if not self.path_of(name).is_file()]

    def make(self, synthesize: Synthesize, on_made: Callable[[str], None] = lambda _: None) -> int:
        """Speak what is missing into the folder; return how many. Does nothing when complete.

        Files appear whole or not at all; those of older sentences are removed. Raises a
        ``BitternError`` when the folder cannot be written.
        """
        missing = self.missing
        must_be_ours_alone(self.folder, "let the owner of the store make them")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise SoundFileError(
                f"{self.folder} cannot be made: {failure.strerror}", "choose another model store"
            ) from failure
        for name in missing:
            _write_whole(self.path_of(name), synthesize(NOTICES[name]))
            on_made(name)
        self._remove_outdated()
        return len(missing)

    def _remove_outdated(self) -> None:
        current = {self.path_of(name) for name in NOTICES}
        for path in self.folder.glob("*.wav"):
            if path not in current and path.stem.rpartition("-")[0] in NOTICES:
                path.unlink(missing_ok=True)


def _write_whole(path: Path, samples: Samples) -> None:
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    try:
        write_sound(unfinished, samples, WIRE_RATE_HZ)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(path: Path) -> Samples:
    samples, rate_hz = read_sound(path)
    if rate_hz != WIRE_RATE_HZ:
        samples = resample(samples, rate_hz, WIRE_RATE_HZ)
    return samples[: round(LONGEST_NOTICE_S * WIRE_RATE_HZ)]


def brain_voice() -> Synthesize:
    """Return the voice of the local brain (hibari), loaded once.

    Raises a ``BitternError`` when it is not installed.
    """
    try:
        import hibari
    except ImportError as failure:
        raise BitternError(
            "the local brain's voice is not installed", "pip install bittern[brain]"
        ) from failure
    voice = hibari.Hibari(threads=1)
    return lambda text: to_int16(np.concatenate(list(voice.stream(text))))

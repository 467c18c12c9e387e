"""Synthesizers to learn words from, each where it is installed.

A wake word that was learned from one synthesizer knows that synthesizer, so that there cannot
be too many. Those that are programs of the operating system (Debian's ``flite``, ``festival``
and ``espeak-ng``) are run as programs and serve as sources of sound: nothing of them becomes
part of Bittern.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.audio.files import read_sound
from device.errors import BitternError
from device.models import MissingModel, path_of
from device.workshop.training.wake.kokoro import SET, VOICE_HZ, Kokoro

HIBARI = "hibari"
_WITHIN_S = 20.0
_PICO_HZ = 16_000
_WORDS_PER_MINUTE = 165
"""Of espeak-ng, at the speed 1."""
_ENGLISH = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us-nyc", "en-029")
_MALE, _FEMALE = ("m1", "m3", "m4", "m7", "Andy", "Michael"), ("f1", "f2", "f4", "f5", "Annie")
_OTHERS = "klatt", "klatt4", "steph", "grandma", "grandpa"
_THROATS = (*_MALE, *_FEMALE, *_OTHERS)
_FESTIVAL = {
    "kal": "voice_kal_diphone",
    "ked": "voice_ked_diphone",
    "slt": "voice_cmu_us_slt_arctic_hts",
}
_FESTIVAL_FILES = {"kal": "kal_diphone", "ked": "ked_diphone", "slt": "cmu_us_slt_arctic_hts"}
_FESTIVAL_VOICES = Path("/usr/share/festival/voices")


class NoSynthesizerError(BitternError):
    """A synthesizer is not installed, or says nothing."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be said, and how."""

    text: str
    voice: str
    """One of the synthesizer's own."""
    speed: float = 1.0
    seed: int = 7
    """Where a synthesizer draws lots: the same sound each time."""


@dataclass(frozen=True, slots=True)
class SynthesizedSound:
    """What a synthesizer said: mono, any range."""

    samples: NDArray[np.float32]
    rate_hz: int


class Synthesizer(Protocol):
    """Something that says a text in its voices."""

    name: str
    voices: tuple[str, ...]

    def say(self, line: Line) -> SynthesizedSound:
        """A short line; raises :class:`NoSynthesizerError`."""


class Hibari:
    """The voice that Bittern answers with, and its British sister."""

    name = HIBARI
    voices: tuple[str, ...] = (HIBARI,)

    def __init__(self) -> None:
        """Raises :class:`NoSynthesizerError` without the package."""
        try:
            from hibari import Hibari as Voice
        except ImportError as missing:
            raise NoSynthesizerError(
                "there is no voice to synthesize words with", "pip install bittern[train]"
            ) from missing
        self._voice: Any = Voice(threads=1)

    def say(self, line: Line) -> SynthesizedSound:
        """A sentence; the same each time for the same ``seed``."""
        said = self._voice(line.text, speed=line.speed, seed=line.seed)
        return SynthesizedSound(np.asarray(said, dtype=np.float32), VOICE_HZ)


class KokoroVoices:
    """Kokoro's own voices, and new ones half-way between two of them."""

    name = "kokoro"

    def __init__(self, more: Path | None = None, between: int = 0, seed: int = 0) -> None:
        """``between``: how many pairs of English voices are mixed into further ones.

        Raises ``MissingModel`` where it was not fetched.
        """
        self._kokoro = Kokoro(path_of(SET), more)
        own = self._kokoro.names
        english = [each for each in own if each[0] in "ab"] or list(own)
        pairs = list(combinations(english, 2))
        order = np.random.default_rng((seed, 41)).permutation(len(pairs))[:between]
        self.voices = (*own, *("+".join(pairs[int(place)]) for place in sorted(order)))

    def say(self, line: Line) -> SynthesizedSound:
        """A short text."""
        return SynthesizedSound(self._kokoro.say(line.text, line.voice, line.speed), VOICE_HZ)


class Pico:
    """SVOX Pico (Apache-2.0), which the package ``py-nanotts`` carries."""

    name = "pico"
    voices: tuple[str, ...] = ("en-GB", "en-US")

    def __init__(self) -> None:
        """Raises ``ImportError`` without the package."""
        from py_nanotts import NanoTTS

        self._voice: Any = NanoTTS()

    def say(self, line: Line) -> SynthesizedSound:
        """A short text."""
        raw = self._voice.speak(line.text, voice=line.voice, speed=line.speed)
        return SynthesizedSound(np.frombuffer(raw, dtype=np.int16).astype(np.float32), _PICO_HZ)


class Program:
    """A synthesizer that is a program: it reads a text and writes a sound file."""

    def __init__(
        self,
        name: str,
        voices: Sequence[str],
        command: Callable[[Line, Path], list[str]],
    ) -> None:
        """``command``: of the line, which it also gets as its input, and the file to write."""
        self.name = name
        self.voices = tuple(voices)
        self._command = command

    def say(self, line: Line) -> SynthesizedSound:
        """A short text."""
        with tempfile.TemporaryDirectory(prefix="bittern-voice-") as folder:
            path = Path(folder) / "said.wav"
            command = self._command(line, path)
            try:
                subprocess.run(
                    command,
                    input=line.text.encode(),
                    check=True,
                    capture_output=True,
                    timeout=_WITHIN_S,
                )
                samples, rate_hz = read_sound(path)
            except (OSError, subprocess.SubprocessError, BitternError) as failure:
                raise NoSynthesizerError(
                    f"{self.name} does not say {line.text!r}: {failure}"
                ) from failure
        return SynthesizedSound(samples.astype(np.float32), rate_hz)


def installed(
    more: Path | None = None, *, is_quick: bool = False, seed: int = 0
) -> list[Synthesizer]:
    """All synthesizers that there are, hibari first.

    ``more``: a folder with further voices for Kokoro; ``is_quick``: hibari alone, which takes a
    hundredth of Kokoro's time. Raises :class:`NoSynthesizerError` without hibari, and with
    ``more`` but no Kokoro.
    """
    found: list[Synthesizer] = [Hibari()]
    if is_quick:
        return found
    try:
        found.append(KokoroVoices(more, between=40 if more else 0, seed=seed))
    except MissingModel as missing:
        if more is not None:
            raise NoSynthesizerError(
                f"the voices in {more} are for a synthesizer that is not here",
                f"bittern models fetch {SET}",
            ) from missing
    # Without the package it is one voice fewer to learn from; who wants it installs the extra.
    with suppress(ImportError):
        found.append(Pico())
    return [*found, *_programs()]


def _programs() -> Iterator[Synthesizer]:
    if shutil.which("flite"):
        yield Program("flite", ("awb", "kal", "kal16", "rms", "slt"), _flite)
    festival = [voice for voice, name in _FESTIVAL_FILES.items() if _has_festival(name)]
    if shutil.which("text2wave") and festival:
        yield Program("festival", festival, _festival)
    if shutil.which("espeak-ng"):
        voices = [f"{kind}+{throat}" for kind in _ENGLISH for throat in _THROATS]
        # Every fifth: all kinds of English and all throats come, but not each with each.
        yield Program("espeak-ng", [*_ENGLISH, *voices[::5]], _espeak)


def _has_festival(name: str) -> bool:
    return any(_FESTIVAL_VOICES.glob(f"*/{name}"))


def _flite(line: Line, path: Path) -> list[str]:
    stretch = f"duration_stretch={1 / line.speed:.3f}"
    return ["flite", "-voice", line.voice, "--setf", stretch, "-t", line.text, "-o", str(path)]


def _festival(line: Line, path: Path) -> list[str]:
    voice = f"({_FESTIVAL[line.voice]})"
    slower = f"(Parameter.set 'Duration_Stretch {1 / line.speed:.3f})"
    return ["text2wave", "-eval", voice, "-eval", slower, "-o", str(path), "-"]


def _espeak(line: Line, path: Path) -> list[str]:
    pace = str(round(np.clip(_WORDS_PER_MINUTE * line.speed, 80, 400)))
    return ["espeak-ng", "-v", line.voice, "-s", pace, "-w", str(path), line.text]

"""Sound files in the place of a microphone and of a speaker."""

from __future__ import annotations

import logging
import struct
import threading
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.pace import Pace, RealTime
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Samples, silence, to_int16
from device.audio.speaker import Fill, PullMeter, SpeakerHealth
from device.errors import BitternError

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 4_000, 384_000
"""Rates a sound file may have: below, speech cannot be understood; above, no card records."""
BLOCK_S = 0.02
"""How much passes at a time."""
SAFE_EVERY_BLOCKS = 50
"""How often a file that is being written is made complete on disk: once a second."""

log = logging.getLogger(__name__)


class SoundFileError(BitternError):
    """A sound file that cannot be read or written."""


class FileMicrophone:
    """A recording in the place of a microphone, then silence until closed.

    Any format, rate and number of channels that libsndfile reads; channels are mixed.
    Closing and opening again goes on where it was. ``on_end`` is called once, on the
    source's thread, when the last sample of the file has been delivered.
    Raises ``SoundFileError`` when there is nothing to play.
    """

    def __init__(
        self, path: Path, pace: Pace | None = None, on_end: Callable[[], None] | None = None
    ) -> None:
        self._path = path
        self._pace = pace or RealTime()
        self._on_end = on_end
        with _open_for_reading(path) as file:
            self._rate_hz = int(file.samplerate)
            self.duration_s = file.frames / file.samplerate
        self._next_frame = 0
        self._has_ended = False
        self._meter = BlockMeter()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def rate_hz(self) -> int:
        """The rate of the file."""
        return self._rate_hz

    @property
    def is_live(self) -> bool:
        """Whether it plays in real time."""
        return self._pace.is_live

    def open(self, deliver: Deliver) -> None:
        """Start delivering from where it was, on a thread of its own."""
        if self._thread is not None:
            raise ValueError(f"{self.name} is open already")
        file = _open_for_reading(self._path)
        self._closing = threading.Event()
        self._meter.restart()
        self._thread = threading.Thread(
            target=self._run,
            args=(file, deliver, self._closing),
            name="file-microphone",
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """Stop delivering and wait for the thread."""
        self._closing.set()
        self._pace.leave(self._closing)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def health(self) -> MicrophoneHealth:
        """Say how it is doing; a file may be silent for as long as it likes (``zero_run_s`` 0)."""
        is_active = self._thread is not None and self._thread.is_alive()
        return replace(self._meter.health(is_active, self._rate_hz), zero_run_s=0.0)

    def _run(self, file: soundfile.SoundFile, deliver: Deliver, closing: threading.Event) -> None:
        try:
            with file:
                self._play(file, deliver, closing)
        except Exception:
            # The boundary of this thread: it ends, `is_active` turns false, and the
            # watch treats the file like a microphone that broke.
            log.exception("the file microphone %s broke", self.name)

    def _play(self, file: soundfile.SoundFile, deliver: Deliver, closing: threading.Event) -> None:
        base_s, given = self._pace.now_s(), 0
        file.seek(min(self._next_frame, file.frames))
        block_frames = max(1, round(self._rate_hz * BLOCK_S))
        while not closing.is_set():
            samples = _read_mono(file, block_frames)
            block = np.concatenate((samples, silence(block_frames - len(samples))))
            given += block_frames
            # A microphone has a block when it is over, not when it begins.
            if self._pace.is_live:
                self._pace.lead(base_s + given / self._rate_hz, closing)
            if closing.is_set():
                return
            self._meter.note(block)
            deliver(block)
            self._note_position(file, len(samples), block_frames)
            if not self._pace.is_live:
                self._pace.lead(base_s + given / self._rate_hz, closing)

    def _note_position(self, file: soundfile.SoundFile, read: int, wanted: int) -> None:
        self._next_frame += read
        if self._has_ended or (read == wanted and self._next_frame < file.frames):
            return
        if self._next_frame < file.frames:
            log.warning("%s ends early: its header promises more than there is", self.name)
            self._next_frame = int(file.frames)
        self._has_ended = True
        if self._on_end is not None:
            self._on_end()


def _open_for_reading(path: Path) -> soundfile.SoundFile:
    advice = "give a WAV or FLAC file with speech in it"
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise SoundFileError(f"{path} is not a file", advice)
        if size == 0:
            raise SoundFileError(f"{path} is empty", advice)
        file = soundfile.SoundFile(path)
    except OSError as failure:
        raise SoundFileError(f"{path} cannot be read: {failure.strerror}", advice) from failure
    except soundfile.LibsndfileError as failure:
        reason = failure.error_string.rstrip(".")
        raise SoundFileError(f"{path} is not a sound file: {reason}", advice) from failure
    if file.frames == 0:
        file.close()
        raise SoundFileError(f"{path} has no sound in it: it is a header only", advice)
    if not LOWEST_RATE_HZ <= file.samplerate <= HIGHEST_RATE_HZ:
        file.close()
        limits = f"{LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz"
        raise SoundFileError(f"{path} has a rate of {file.samplerate} Hz", f"use {limits}")
    return file


def _read_mono(file: soundfile.SoundFile, frames: int) -> Samples:
    """Read the next frames as mono; fewer, or none, at the end or where the file is damaged."""
    try:
        # Floats, for libsndfile does not scale when it reads a float file as integers.
        # A 16-bit file comes through unchanged to the bit.
        channels = file.read(frames, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as failure:
        log.warning("%s is damaged: %s", file.name, failure.error_string)
        return silence(0)
    return to_int16(channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1))


def read_sound(path: Path) -> tuple[Samples, int]:
    """Read a whole sound file as mono int16; return it and its rate in Hz.

    Raises ``SoundFileError`` when there is nothing to read.
    """
    with _open_for_reading(path) as file:
        return _read_mono(file, file.frames), int(file.samplerate)


class FileSpeaker:
    """A WAV file (mono, 16 bit) in the place of a speaker.

    It pulls in its own time and writes all of it, silence too, so that a position in
    the file is a moment since ``open``. The file is complete and valid once a second
    and when closed. Where it cannot be written any more, the sound goes on (nobody
    must hang for a full disk) and ``close`` raises ``SoundFileError``.
    """

    def __init__(self, path: Path, rate_hz: int = WIRE_RATE_HZ, pace: Pace | None = None) -> None:
        self._path = path
        self._rate_hz = rate_hz
        self._pace = pace or RealTime()
        self._meter = PullMeter()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    @property
    def name(self) -> str:
        """The path of the file."""
        return str(self._path)

    @property
    def rate_hz(self) -> int:
        """The rate of the file."""
        return self._rate_hz

    @property
    def latency_s(self) -> float:
        """None: what is handed over is written."""
        return 0.0

    def open(self, fill: Fill) -> None:
        """Begin the file anew and start pulling. Raises ``SoundFileError``."""
        if self._thread is not None:
            raise ValueError(f"{self.name} is open already")
        try:
            file = self._path.open("wb")
        except OSError as failure:
            raise _cannot_write(self._path, failure) from failure
        self._closing, self._failure = threading.Event(), None
        self._meter.restart()
        self._thread = threading.Thread(
            target=self._run, args=(file, fill, self._closing), name="file-speaker", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop pulling and complete the file. Raises ``SoundFileError`` if it is not complete."""
        self._closing.set()
        self._pace.leave(self._closing)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise _cannot_write(self._path, failure) from failure

    def health(self) -> SpeakerHealth:
        """Say how it is doing."""
        return self._meter.health(self._thread is not None and self._thread.is_alive())

    def _run(self, file: BinaryIO, fill: Fill, closing: threading.Event) -> None:
        try:
            self._pull(_WavWriter(file, self._rate_hz), fill, closing)
        except Exception as failure:
            # The boundary of this thread: it ends and `is_active` turns false.
            log.exception("the file speaker %s broke", self.name)
            self._failure = failure

    def _pull(self, writer: _WavWriter, fill: Fill, closing: threading.Event) -> None:
        base_s, taken = self._pace.now_s(), 0
        frames = max(1, round(self._rate_hz * BLOCK_S))
        try:
            while not closing.is_set():
                self._meter.note()
                writer.write(fill(frames))
                taken += frames
                self._pace.follow(base_s + taken / self._rate_hz, closing)
        finally:
            self._failure = writer.close()


class _WavWriter:
    """A WAV file that is valid at (nearly) every moment; keeps its first failure."""

    def __init__(self, file: BinaryIO, rate_hz: int) -> None:
        self._file = file
        self._blocks = 0
        self._failure: Exception | None = None
        self._wav = wave.open(file, "wb")  # noqa: SIM115 (closed in close)
        self._wav.setnchannels(1)
        self._wav.setsampwidth(2)
        self._wav.setframerate(rate_hz)

    def write(self, samples: Samples) -> None:
        """Append; after a failure, do nothing."""
        if self._failure is not None:
            return
        self._blocks += 1
        data = samples.astype("<i2", copy=False).tobytes()
        try:
            if self._blocks % SAFE_EVERY_BLOCKS:
                self._wav.writeframesraw(data)
            else:
                self._wav.writeframes(data)  # this one corrects the header, too
                self._file.flush()
        except (OSError, struct.error) as failure:  # disk full; more than 4 GB
            log.error("%s cannot be written any more: %s", self._file.name, failure)
            self._failure = failure

    def close(self) -> Exception | None:
        """Complete and close the file; return the first failure there was."""
        try:
            with self._file:
                self._wav.close()
        except (OSError, struct.error) as failure:
            self._failure = self._failure or failure
        return self._failure


def _cannot_write(path: Path, failure: Exception) -> SoundFileError:
    reason = failure.strerror if isinstance(failure, OSError) else str(failure)
    return SoundFileError(f"{path} cannot be written: {reason}", "choose another place for it")


def write_sound(path: Path, samples: Samples, rate_hz: int) -> None:
    """Write a whole sound as a WAV file. Raises ``SoundFileError``."""
    try:
        file = path.open("wb")
    except OSError as failure:
        raise _cannot_write(path, failure) from failure
    writer = _WavWriter(file, rate_hz)
    writer.write(samples)
    failure_ = writer.close()
    if failure_ is not None:
        raise _cannot_write(path, failure_) from failure_

"""A virtual room: what the speaker plays comes back into the microphone, late and softer.

A microphone and a speaker that share one air and one clock. A recording of a person is
heard by the microphone together with the echo of the speaker; what either got is kept,
sample for sample on the same time::

    room = Room(Path("question.wav"), echo=Echo(delay_s=0.03, gain_db=-20.0))
    daemon = Daemon(settings, room.microphone, room.speaker, ...)
    ...
    room.heard, room.played
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.audio.files import BLOCK_S, read_sound
from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.pace import RealTime
from device.audio.resample import resample
from device.audio.samples import Floats, Samples, silence
from device.audio.speaker import Fill, PullMeter, SpeakerHealth

log = logging.getLogger(__name__)

REVERB_TO_DIRECT_DB = -6.0
"""Energy of the reverberation beside the direct sound, as for a speaker that stands near
the microphone; in a living room it is the other way round from 1 m on."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The way of the sound from the speaker to the microphone."""

    delay_s: float = 0.02
    """Sound travels 34 cm in 1 ms; the rest is the sound card's."""
    gain_db: float = -20.0
    """Loudness of the direct sound; minus infinity for a room without an echo."""
    reverb_s: float = 0.0
    """Time in which the reverberation falls by 60 dB; 0 for none."""
    seed: int = 0

    def response(self, rate_hz: int) -> Floats:
        """The impulse response: what one loud sample at the speaker is at the microphone."""
        delay = round(self.delay_s * rate_hz)
        direct = 10 ** (self.gain_db / 20)
        response = np.zeros(delay + 1 + round(self.reverb_s * rate_hz), dtype=np.float32)
        response[delay] = direct
        tail = response[delay + 1 :]
        if len(tail):
            decay = 10 ** (-3 * np.arange(len(tail)) / len(tail))
            noise = np.random.default_rng(self.seed).standard_normal(len(tail)) * decay
            energy = direct**2 * 10 ** (REVERB_TO_DIRECT_DB / 10)
            tail += (noise * np.sqrt(energy / np.sum(noise**2))).astype(np.float32)
        return response


class _Air:
    """Convolves the played blocks with the room's response, block by block."""

    def __init__(self, response: Floats, block: int) -> None:
        self._block = block
        whole = block + len(response) - 1
        self._size = 1 << (whole - 1).bit_length()
        self._spectrum = np.fft.rfft(response, self._size)
        self._coming = np.zeros(self._size)

    def carry(self, played: Samples) -> Floats:
        """Take a block from the speaker; return the echo that is in the air meanwhile."""
        if played.any():
            spectrum = np.fft.rfft(played.astype(np.float64), self._size)
            self._coming += np.fft.irfft(spectrum * self._spectrum, self._size)
        echo = self._coming[: self._block].astype(np.float32)
        self._coming = np.concatenate((self._coming[self._block :], np.zeros(self._block)))
        return echo


class Room:
    """One microphone, one speaker, and a person who begins to speak when the microphone opens.

    ``rate_hz`` is that of both; by default the recording's. Time in the room passes from
    the first opening until both are closed; a closed microphone misses what is said
    meanwhile. Raises ``SoundFileError`` when there is nothing to play.
    """

    def __init__(
        self,
        recording: Path,
        echo: Echo | None = None,
        *,
        rate_hz: int | None = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_end`` is called on the room's thread when the recording is over."""
        person, recorded_hz = read_sound(recording)
        self.name = f"a room with {recording}"
        self.rate_hz = rate_hz or recorded_hz
        self._pace = RealTime()
        self._person = resample(person, recorded_hz, self.rate_hz)
        self._block = max(1, round(self.rate_hz * BLOCK_S))
        self._air = _Air((echo or Echo()).response(self.rate_hz), self._block)
        self._on_end = on_end
        self._began_sample: int | None = None
        self._played: list[Samples] = []
        self._heard: list[Samples] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.microphone = RoomMicrophone(self)
        self.speaker = RoomSpeaker(self)

    @property
    def played(self) -> Samples:
        """What came from the speaker since the beginning, silence too."""
        return _joined(self._played)

    @property
    def heard(self) -> Samples:
        """What was at the microphone at the same times; silence while it was closed."""
        return _joined(self._heard)

    @property
    def is_alive(self) -> bool:
        """Whether time passes."""
        return self._thread is not None and self._thread.is_alive()

    def person_at(self, sample: int) -> int:
        """The position in ``heard`` of a sample of the recording, both at ``rate_hz``."""
        return (self._began_sample or 0) + sample

    def enter(self) -> None:
        """Let time pass: somebody has opened the microphone or the speaker."""
        with self._lock:
            if self._thread is None:
                self._closing = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._closing,), name="room", daemon=True
                )
                self._thread.start()

    def leave(self) -> None:
        """Let time stand still once both are closed."""
        if self.microphone.is_open or self.speaker.is_open:
            return
        with self._lock:
            thread, self._thread = self._thread, None
            self._closing.set()
        if thread is not None:
            thread.join()

    # -- the room's thread -------------------------------------------------------------

    def _run(self, closing: threading.Event) -> None:
        try:
            self._live(closing)
        except Exception:
            # The boundary of this thread: both sides are seen to be dead then.
            log.exception("%s broke", self.name)

    def _live(self, closing: threading.Event) -> None:
        base_s, passed = self._pace.now_s(), 0
        while not closing.is_set():
            played = self.speaker.pull(self._block)
            echo = self._air.carry(played)
            passed += self._block
            # The block is at the microphone when it is over, not when it begins.
            self._pace.lead(base_s + passed / self.rate_hz, closing)
            self._played.append(played)
            self._heard.append(self._deliver(echo))

    def _deliver(self, echo: Floats) -> Samples:
        """Add the person to the echo, and hand it over; return what was heard."""
        now = len(self._heard) * self._block
        if self._began_sample is None and self.microphone.is_open:
            self._began_sample = now
        words = self._words(now)
        echo[: len(words)] += words
        block = np.asarray(np.clip(np.rint(echo), -32_768, 32_767), dtype=np.int16)
        is_heard = self.microphone.push(block)
        if len(words) > 0 and len(self._person) == self._said(now) + len(words):
            self._on_end()
        return block if is_heard else silence(self._block)

    def _words(self, now: int) -> Samples:
        said = self._said(now)
        return self._person[said : said + self._block] if said >= 0 else silence(0)

    def _said(self, now: int) -> int:
        return -1 if self._began_sample is None else now - self._began_sample


class RoomMicrophone:
    """The microphone of a room."""

    is_live = True

    def __init__(self, room: Room) -> None:
        self._room = room
        self._meter = BlockMeter()
        self._deliver: Deliver | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """That of the room."""
        return self._room.name

    @property
    def rate_hz(self) -> int:
        """That of the room."""
        return self._room.rate_hz

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self._deliver is not None

    def open(self, deliver: Deliver) -> None:
        """Begin to hear."""
        if self.is_open:
            raise ValueError(f"the microphone of {self.name} is open already")
        self._meter.restart()
        self._deliver = deliver
        self._room.enter()

    def close(self) -> None:
        """Hear nothing more."""
        with self._lock:
            self._deliver = None
        self._room.leave()

    def push(self, block: Samples) -> bool:
        """Hand a block over, on the room's thread; False while it is closed."""
        with self._lock:
            if self._deliver is None:
                return False
            self._meter.note(block)
            self._deliver(block)
            return True

    def health(self) -> MicrophoneHealth:
        """Say how it is doing; a recording may be as silent as it likes."""
        health = self._meter.health(self.is_open and self._room.is_alive, self.rate_hz)
        return replace(health, zero_run_s=0.0)


class RoomSpeaker:
    """The speaker of a room."""

    latency_s = 0.0

    def __init__(self, room: Room) -> None:
        self._room = room
        self._meter = PullMeter()
        self._fill: Fill | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """That of the room."""
        return self._room.name

    @property
    def rate_hz(self) -> int:
        """That of the room."""
        return self._room.rate_hz

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self._fill is not None

    def open(self, fill: Fill) -> None:
        """Begin to play."""
        if self.is_open:
            raise ValueError(f"the speaker of {self.name} is open already")
        self._meter.restart()
        self._fill = fill
        self._room.enter()

    def close(self) -> None:
        """Play nothing more."""
        with self._lock:
            self._fill = None
        self._room.leave()

    def pull(self, frames: int) -> Samples:
        """Ask for the next frames, on the room's thread; silence while it is closed."""
        with self._lock:
            if self._fill is None:
                return silence(frames)
            self._meter.note()
            return self._fill(frames)

    def health(self) -> SpeakerHealth:
        """Say how it is doing."""
        return self._meter.health(self.is_open and self._room.is_alive)


def _joined(blocks: list[Samples]) -> Samples:
    return np.concatenate(blocks) if blocks else silence(0)

"""A virtual room: what the speaker plays comes back into the microphone, late and softer.

A microphone and a speaker that share one air, and one clock unless the echo says that they
drift apart. A recording of a person is
heard by the microphone together with the echo of the speaker; what either got is kept,
sample for sample on the same time::

    room = SimulatedRoom(Path("question.wav"), echo=AcousticEcho(delay_s=0.03, gain_db=-20.0))
    plan = RoomPlan(room.microphone, room.speaker, report)
    ...
    room.heard, room.played
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from device.audio.files import BLOCK_S, read_sound
from device.audio.microphone import BlockMeter, Deliver, MicrophoneHealth
from device.audio.pace import RealTime
from device.audio.resample import resample
from device.audio.samples import Floats, Samples, scaled, silence
from device.audio.speaker import Fill, PullMeter, SpeakerHealth
from device.workshop.simulation.acoustics import AcousticEcho, Air

__all__ = ["AcousticEcho", "RoomMicrophone", "RoomSpeaker", "SimulatedRoom"]

Handler = TypeVar("Handler", Deliver, Fill)

log = logging.getLogger(__name__)


class SimulatedRoom:
    """One microphone, one speaker, and a person who begins to speak when the microphone opens.

    ``rate_hz`` is that of both; by default the recording's. Positions in ``heard`` are the
    microphone's clock, those in ``played`` the speaker's. Time in the room passes from
    the first opening until both are closed; a closed microphone misses what is said
    meanwhile. Raises ``SoundFileError`` when there is nothing to play.
    """

    def __init__(
        self,
        recording: Path,
        echo: AcousticEcho | None = None,
        *,
        rate_hz: int | None = None,
        person_db: float = 0.0,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """``person_db`` makes the person louder or softer than the recording; ``on_end``
        is called on the room's thread when the recording is over."""
        person, recorded_hz = read_sound(recording)
        self.name = f"a room with {recording}"
        self.rate_hz = rate_hz or recorded_hz
        self._pace = RealTime()
        person = scaled(person, 10 ** (person_db / 20)) if person_db else person
        self._person = resample(person, recorded_hz, self.rate_hz)
        self._block = max(1, round(self.rate_hz * BLOCK_S))
        self._air = Air(echo or AcousticEcho(), self.rate_hz, self._block)
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
            while self._air.needs_more:
                played = self.speaker.pull(self._block)
                self._played.append(played)
                self._air.take(played)
            echo = self._air.carry()
            passed += self._block
            # The block is at the microphone when it is over, not when it begins.
            self._pace.lead(base_s + passed / self.rate_hz, closing)
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


class _Side(Generic[Handler]):
    """What the microphone and the speaker of a room have in common."""

    _kind: str

    def __init__(self, room: SimulatedRoom) -> None:
        self._room = room
        self._handler: Handler | None = None
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
        return self._handler is not None

    @property
    def _is_active(self) -> bool:
        return self.is_open and self._room.is_alive

    def _begin(self, handler: Handler) -> None:
        if self.is_open:
            raise ValueError(f"the {self._kind} of {self.name} is open already")
        self._handler = handler
        self._room.enter()

    def close(self) -> None:
        """Take no further part; harmless when closed already."""
        with self._lock:
            self._handler = None
        self._room.leave()


class RoomMicrophone(_Side[Deliver]):
    """The microphone of a room."""

    _kind = "microphone"
    is_live = True

    def __init__(self, room: SimulatedRoom) -> None:
        super().__init__(room)
        self._meter = BlockMeter()

    def open(self, deliver: Deliver) -> None:
        """Begin to hear."""
        self._meter.restart()
        self._begin(deliver)

    def push(self, block: Samples) -> bool:
        """Hand a block over, on the room's thread; False while it is closed."""
        with self._lock:
            if self._handler is None:
                return False
            self._meter.note(block)
            self._handler(block)
            return True

    def health(self) -> MicrophoneHealth:
        """Say how it is doing; a recording may be as silent as it likes."""
        return replace(self._meter.health(self._is_active, self.rate_hz), zero_run_s=0.0)


class RoomSpeaker(_Side[Fill]):
    """The speaker of a room."""

    _kind = "speaker"
    latency_s = 0.0

    def __init__(self, room: SimulatedRoom) -> None:
        super().__init__(room)
        self._meter = PullMeter()

    def open(self, fill: Fill) -> None:
        """Begin to play."""
        self._meter.restart()
        self._begin(fill)

    def pull(self, frames: int) -> Samples:
        """Ask for the next frames, on the room's thread; silence while it is closed."""
        with self._lock:
            if self._handler is None:
                return silence(frames)
            self._meter.note()
            return self._handler(frames)

    def health(self) -> SpeakerHealth:
        """Say how it is doing."""
        return self._meter.health(self._is_active)


def _joined(blocks: list[Samples]) -> Samples:
    return np.concatenate(blocks) if blocks else silence(0)

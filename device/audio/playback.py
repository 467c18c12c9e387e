"""The speaker as the rest of Bittern sees it: items in, accounts of what was heard out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from device.audio.play_queue import CUSHION_S, ItemChange, Key, PlayQueue
from device.audio.resample import WIRE_RATE_HZ, Resampler, resample
from device.audio.resting import RestingSpeaker
from device.audio.samples import Samples, silence
from device.audio.speaker import Speaker, SpeakerHealth
from device.audio.volume import Gain, gain_of
from device.errors import BitternError

LIMIT_S = 300.0
"""How much may wait to be played. More than any response of the Realtime API (4096 tokens
of 50 ms are 205 s), and 29 MB at 48 kHz. What exceeds it is refused (see ``feed``)."""
LONGEST_OVERLAY_S = 10.0
"""How much may be mixed in; an overlay is for chimes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlaybackHealth:
    """How well the queue was kept filled, since the beginning."""

    underruns: int
    """How often an item had begun and had nothing to play."""
    inserted_silence_s: float
    """How long the speaker was silent for that reason; not counted as heard."""
    refused_s: float
    """Sound that did not fit, came while no speaker was open, or after ``finish``."""
    cushion_s: float
    """How much must lie ready at present before an item begins."""
    waiting_s: float
    """How much is waiting at present."""


class Playback:
    """Plays items one after the other through a speaker, and accounts for them by sample.

    Sound comes in as 24 kHz int16 by ``feed``, and is converted to the speaker's rate
    there, on the caller's thread; the speaker's thread only copies, scales by the
    volume and mixes chimes in. For the rules of beginning, order and underrun see
    ``PlayQueue``. The methods may be called from any thread.

    Three callbacks, to be set before ``open``; all are called on the speaker's thread
    with no lock held, and must be as quick as ``loop.call_soon_threadsafe``:

    ``on_started(key)`` when the first frame of an item is handed to the speaker;
    ``on_finished(key)`` when its last frame has been heard: exactly once for each item
    that was finished and not stopped, even one without sound (while no speaker is
    open it is called by ``finish`` or ``close`` itself, so that nobody waits for ever);
    ``on_played(samples, at_frame)`` with every block that goes out, silence too, at the
    speaker's rate: the reference of an echo canceller. ``at_frame`` counts frames since
    the first opening, those included that a closed speaker did not ask for; the end of the
    block is heard ``speaker.latency_s`` from now.
    """

    def __init__(
        self,
        speaker: Speaker,
        *,
        volume_percent: float = 100.0,
        cushion_s: float = CUSHION_S,
        limit_s: float = LIMIT_S,
        rest_s: float | None = None,
    ) -> None:
        """``rest_s``: how long silence is played before the speaker is closed, until there is
        something to play; None keeps it open."""
        gain_of(volume_percent)  # complain now rather than when the speaker opens
        self.speaker = speaker
        self.on_started: Callable[[Key], None] = lambda _key: None
        self.on_finished: Callable[[Key], None] = lambda _key: None
        self.on_played: Callable[[Samples, int], None] | None = None
        self._volume_percent = volume_percent
        self._cushion_s = cushion_s
        self._limit_s = limit_s
        self._feeding = threading.RLock()  # whoever feeds, stops, opens: one at a time
        self._lock = threading.Lock()  # held for moments: shared with the speaker's thread
        self._mixer: _Mixer | None = None
        self._resamplers: dict[Key, Resampler] = {}
        self._refused = 0
        self._is_open = False
        self._last_out = silence(0)
        self._resting = RestingSpeaker(speaker, rest_s, self._skip)

    @property
    def is_resting(self) -> bool:
        """Whether the speaker is closed until there is something to play."""
        return self._resting.is_resting

    def follow_clock(self, clock: Callable[[], float]) -> None:
        """Count the time in which the speaker rests, or is mended, by this clock (seconds)."""
        self._resting.clock = clock

    def _skip(self, seconds: float) -> None:
        with self._lock:
            if self._mixer is not None:
                self._mixer.queue.skip(round(seconds * self._mixer.queue.rate_hz))

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed since; how it fares is in ``speaker_health``."""
        return self._is_open

    def open(self) -> None:
        """Open the speaker. Raises a ``BitternError`` and stays closed when that fails."""
        with self._feeding:
            if self._is_open:
                return
            if self._mixer is None:
                rate_hz = self.speaker.rate_hz
                self._mixer = _Mixer(rate_hz, self._cushion_s, self._volume_percent)
            self._resting.open(self._fill)
            self._is_open = True

    def close(self) -> None:
        """Close the stream for real, and drop what is queued."""
        with self._feeding:
            self._is_open = False
            try:
                self._resting.close()
            finally:
                self._abandon()

    def reopen(self) -> None:
        """Close and open again, to mend a broken speaker; what is queued goes on.

        Raises a ``BitternError`` when it is still broken; it is closed then.
        """
        with self._feeding:
            self._is_open = False
            try:
                self._resting.close()
            except BitternError as failure:
                log.warning("closing %s before reopening it: %s", self.speaker.name, failure)
            try:
                self.open()
            except BitternError:
                self._abandon()
                raise

    def _abandon(self) -> None:
        """Drop what is queued; what was complete counts as finished, so that nobody waits."""
        if self._mixer is None:
            return
        with self._lock:
            complete = [key for key in self._mixer.queue.keys if self._mixer.queue.is_complete(key)]
            self._mixer.queue.stop()
            self._mixer.overlays.clear()
        self._resamplers.clear()
        for key in complete:
            self.on_finished(key)

    def feed(self, key: Key, pcm24k: Samples, rank: int = 0) -> int:
        """Append sound (int16, 24 kHz) to an item; return how many samples were taken.

        An item goes before those of a higher ``rank`` that have not begun.

        Fewer than given, and the rest is refused, when more than ``limit_s`` would
        wait: the item then ends early, rather than taking the memory of the appliance.
        None while no speaker is open, or when the item is finished.
        """
        with self._feeding:
            taken = self._room_for(key, len(pcm24k))
            self._note_refused(key, len(pcm24k) - taken)
            if self._mixer is None or taken == 0:
                return 0
            resampler = self._resamplers.get(key)
            if resampler is None:
                resampler = Resampler(WIRE_RATE_HZ, self._mixer.queue.rate_hz)
                self._resamplers[key] = resampler
            samples = resampler.process(pcm24k[:taken])
            with self._lock:
                self._mixer.queue.add(key, samples, taken, rank)
            self._resting.rouse()
            return taken

    def _room_for(self, key: Key, count: int) -> int:
        if self._mixer is None or not self._is_open:
            return 0
        queue = self._mixer.queue
        with self._lock:
            if queue.is_complete(key):
                return 0
            room_s = self._limit_s - queue.waiting_frames / queue.rate_hz
        return max(0, min(count, round(room_s * WIRE_RATE_HZ)))

    def _note_refused(self, key: Key, count: int) -> None:
        if count and not self._refused:
            log.warning("the item %s is cut short: queue full, no speaker, or finished", key)
        self._refused += count

    def finish(self, key: Key) -> None:
        """Say that an item is complete; ``on_finished`` follows when it has been heard."""
        with self._feeding:
            resampler = self._resamplers.pop(key, None)
            if self._mixer is not None and self._is_open:
                with self._lock:
                    if resampler is not None:
                        self._mixer.queue.add(key, resampler.finish(), 0)
                    self._mixer.queue.complete(key)
                self._resting.rouse()
                return
        self.on_finished(key)

    def play(self, key: Key, pcm24k: Samples, rank: int = 0) -> int:
        """Queue a whole sound (a notice): ``feed`` and ``finish``; return the samples taken."""
        with self._feeding:
            taken = self.feed(key, pcm24k, rank)
            self.finish(key)
        return taken

    def mix_in(self, pcm24k: Samples, key: Key = None) -> None:
        """Play a short sound (a chime) at once, over whatever plays, with no account of it.

        Dropped while no speaker is open. ``key`` is a name for ``mix_out``.
        """
        with self._feeding:
            if self._mixer is None or not self._is_open:
                return
            limit = round(LONGEST_OVERLAY_S * WIRE_RATE_HZ)
            sound = resample(pcm24k[:limit], WIRE_RATE_HZ, self._mixer.queue.rate_hz)
            with self._lock:
                self._mixer.overlays.append((key, sound))
            self._resting.rouse()

    def mix_out(self, key: Key) -> None:
        """Silence what was mixed in under a name, within 4 ms."""
        with self._feeding:
            if self._mixer is None:
                return
            with self._lock:
                self._mixer.fade(key)

    def stop(self, keys: Collection[Key] | None = None) -> dict[Key, int]:
        """Silence these items, or all, now; return the milliseconds heard of each.

        Names every item that had not been heard to its end, in order, those not begun
        with 0; ``on_finished`` will not be called for them. What plays fades out within
        4 ms; what lies in the device by then cannot be called back and is not counted.
        Sounds that were mixed in go on.
        """
        with self._feeding:
            if self._mixer is None:
                return {}
            with self._lock:
                heard = self._mixer.queue.stop(keys)
            for key in heard:
                self._resamplers.pop(key, None)
        return {key: samples * 1000 // WIRE_RATE_HZ for key, samples in heard.items()}

    def duck(self, rank: int) -> None:
        """Play items of this rank softly from now on: 20 dB less, within 20 ms."""
        with self._lock:
            if self._mixer is not None:
                self._mixer.queue.duck(rank)

    def hold(self, rank: int) -> None:
        """Keep items of this rank where they are, silent within 4 ms; more of them may be fed."""
        with self._lock:
            if self._mixer is not None:
                self._mixer.queue.hold(rank)

    def resume(self) -> None:
        """Go on as loud as before; what was held, from where it was ducked."""
        with self._feeding:
            with self._lock:
                if self._mixer is not None:
                    self._mixer.queue.resume()
            self._resting.rouse()

    def heard_samples(self, key: Key) -> int:
        """How much of an item has been heard, in samples at 24 kHz; 0 if not known."""
        with self._lock:
            return self._mixer.queue.heard_source(key) if self._mixer else 0

    def heard_ms(self, key: Key) -> int:
        """How much of an item has been heard, in whole milliseconds."""
        return self.heard_samples(key) * 1000 // WIRE_RATE_HZ

    def received_ms(self, key: Key) -> int:
        """How much of an item was taken by ``feed``, in whole milliseconds."""
        with self._lock:
            received = self._mixer.queue.received_source(key) if self._mixer else 0
        return received * 1000 // WIRE_RATE_HZ

    @property
    def volume_percent(self) -> float:
        """From 0 (silence) to 100 (as it came); changes without a click. See ``gain_of``."""
        return self._volume_percent

    @volume_percent.setter
    def volume_percent(self, percent: float) -> None:
        gain_of(percent)
        self._volume_percent = percent
        with self._lock:
            if self._mixer is not None:
                self._mixer.gain.set(percent)

    def speaker_health(self) -> SpeakerHealth:
        """Say how the speaker is doing."""
        return self._resting.health()

    def health(self) -> PlaybackHealth:
        """Say how well the queue was kept filled."""
        refused_s = self._refused / WIRE_RATE_HZ
        with self._lock:
            if self._mixer is None:
                return PlaybackHealth(0, 0.0, refused_s, self._cushion_s, 0.0)
            queue = self._mixer.queue
            return PlaybackHealth(
                underruns=queue.underruns,
                inserted_silence_s=queue.inserted_frames / queue.rate_hz,
                refused_s=refused_s,
                cushion_s=queue.cushion_frames / queue.rate_hz,
                waiting_s=queue.waiting_frames / queue.rate_hz,
            )

    def _fill(self, frames: int) -> Samples:
        mixer = self._mixer
        if mixer is None:
            raise RuntimeError("the speaker asked for sound before it was opened")
        latency_frames = round(self.speaker.latency_s * mixer.queue.rate_hz)
        with self._lock:
            at_frame = mixer.queue.frames
            samples, changes = mixer.take(frames, latency_frames)
        for change, key in changes:
            tell = self.on_started if change is ItemChange.STARTED else self.on_finished
            tell(key)
        if self.on_played is not None:
            self.on_played(samples, at_frame)
        self._last_out = samples
        return samples

    def last_block(self) -> Samples:
        """What was handed to the speaker last (int16 at its rate): for lights that follow it."""
        return self._last_out


class _Mixer:
    """Everything that is heard: the queue, what is mixed in, and the volume."""

    def __init__(self, rate_hz: int, cushion_s: float, volume_percent: float) -> None:
        self.queue = PlayQueue(rate_hz, WIRE_RATE_HZ, cushion_s)
        self.gain = Gain(rate_hz, volume_percent)
        self.overlays: list[tuple[Key, Samples]] = []

    def take(
        self, frames: int, latency_frames: int
    ) -> tuple[Samples, list[tuple[ItemChange, Key]]]:
        """Return the next frames as they go out."""
        samples, changes = self.queue.take(frames, latency_frames)
        for _, overlay in self.overlays:
            part = overlay[:frames]
            mixed = samples[: len(part)].astype(np.int32) + part
            samples[: len(part)] = np.clip(mixed, -32_768, 32_767)
        self.overlays = [
            (key, overlay[frames:]) for key, overlay in self.overlays if len(overlay) > frames
        ]
        return self.gain.apply(samples), changes

    def fade(self, key: Key) -> None:
        """Leave of the overlays of a name no more than it takes to end without a click."""
        self.overlays = [
            (name, self.queue.faded(overlay) if name == key else overlay)
            for name, overlay in self.overlays
        ]

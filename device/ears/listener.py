"""The whole of the listening without a thread or a clock.

Blocks of sound with their place go in, events (:mod:`device.ears.heard`) come out;
:mod:`device.ears.thread` feeds it from a capture.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from device.audio.echo.guard import EchoGuard, EchoStatus
from device.audio.echo.monitor import Quality
from device.audio.resample import Resampler, resample
from device.audio.ring import OverwrittenError, Ring
from device.ears.heard import (
    EchoChanged,
    ListeningEvent,
    NearlyHeard,
    SpeechEnded,
    SpeechStarted,
    VoiceDoubted,
    VoiceMeasured,
    VoiceSuspected,
    WakeWordEnded,
    WakeWordHeard,
)
from device.nearmisses.spotter import Spotter
from device.vad.endpointing import Doubted, Ended, SpeechRule, Started, Suspected
from device.vad.gate import BLOCK_S, Gate
from device.vad.loudness import Loudness
from device.vad.sentence_end import open_judge
from device.vad.silero import Silero
from device.vad.speech import Decided, SpeechPipeline
from device.wake.engine import RATE_HZ
from device.wake.open import WakeSettings, open_words
from device.wake.pipeline import CALM_SAMPLES, EndKnown, WakeDetected, WakePipeline

log = logging.getLogger(__name__)

SILERO = "silero/silero_vad.onnx"
LEAST_S = BLOCK_S
"""Below this nothing can be decided: the thread is not woken for less."""
CALM_S = CALM_SAMPLES / RATE_HZ
"""What the wake models take at once while no word is in sight."""
BACKLOG_BLOCK_S = 1.0
"""How much of the past is handed to the voice detector at once."""


class KeptBlocks:
    """The last blocks of sound that nobody looked at."""

    def __init__(self, most: int) -> None:
        self.blocks: deque[NDArray[np.int16]] = deque(maxlen=most)
        self.has_lost = False
        """Whether something fell out, so that the blocks continue nothing."""

    def append(self, block: NDArray[np.int16]) -> None:
        """Keep one more block, forget the oldest when there are too many."""
        self.has_lost = self.has_lost or len(self.blocks) == self.blocks.maxlen
        self.blocks.append(block)

    def clear(self) -> None:
        """Forget them: they were heard, or they no longer count."""
        self.blocks.clear()
        self.has_lost = False


def read_past(ring: Ring, from_sample: int, to_sample: int, rate_hz: int) -> NDArray[np.int16]:
    """16 kHz sound from the ring that ends exactly at ``to_sample``."""
    from_sample = max(from_sample, ring.start_sample)
    try:
        # A little more than needed: the filter's edge then lies behind the seam.
        sound = ring.read(from_sample, to_sample + rate_hz // 10)
    except OverwrittenError:
        log.warning("the ring no longer holds sample %d", from_sample)
        return np.zeros(0, dtype=np.int16)
    wanted = max(0, to_sample - from_sample) * RATE_HZ // rate_hz
    return resample(sound, rate_hz, RATE_HZ)[:wanted]


class Listener:
    """Wake words and, when asked for, speech, in what a microphone delivers.

    Native samples go in, in any portions; the gate looks at blocks of 60 ms of them. While
    it is shut and nobody asked for speech, the blocks are only kept: neither the resampler
    nor a model runs. When it opens, what was kept is heard first, so that the models know
    all that they would know without a gate.
    """

    def __init__(
        self,
        rate_hz: int,
        wake: WakePipeline,
        speech: SpeechPipeline,
        gate: Gate | None = None,
        echo: EchoGuard | None = None,
    ) -> None:
        """``rate_hz``: the microphone's native rate; ``gate``: without one nothing rests;
        ``echo``: without one the speaker is heard like anything else."""
        self.rate_hz = rate_hz
        self._wake = wake
        self._speech = speech
        self._gate = gate
        self.spotter: Spotter | None = None
        """Who looks for near misses, where the owner wants them."""
        self._echo = echo
        self._echo_quality = Quality.CONVERGING
        self._is_own_word = False
        self._block_samples = round(rate_hz * BLOCK_S)
        settling = wake.settling_samples * rate_hz // RATE_HZ
        self._kept = KeptBlocks(-(-settling // self._block_samples))
        self._resampler = Resampler(rate_hz, RATE_HZ)
        self._waiting: list[NDArray[np.int16]] = []
        self._waiting_samples = 0
        self._next_block = 0
        self._origin = 0
        self._heard = 0

    @property
    def next_sample(self) -> int:
        """The native position of the next sample to be taken."""
        return self._next_block + self._waiting_samples

    @property
    def may_sleep(self) -> bool:
        """Whether there is a gate: without one everything is listened to."""
        return self._gate is not None

    @property
    def is_asleep(self) -> bool:
        """Whether it only keeps what comes, and need not be woken for a quiet room."""
        return bool(self._kept.blocks) and not self._speech.is_on

    @property
    def wanted_s(self) -> float:
        """How much sound, in seconds, is worth being woken for.

        Little where somebody waits for what it says: a word is in sight, a voice is looked
        for, or an echo is to be taken out of what is sent.
        """
        is_playing = self._echo is not None and self._echo.is_playing
        if self._speech.is_on or self._wake.is_suspicious or is_playing:
            return LEAST_S
        return CALM_S

    @property
    def seconds_scored(self) -> float:
        """How much sound the wake engine looked at so far."""
        return self._wake.seconds_scored

    @property
    def echo_status(self) -> EchoStatus | None:
        """How it stands with the speaker's echo; None where nobody looks after it."""
        return None if self._echo is None else self._echo.status

    def restart(self, at_sample: int) -> None:
        """What comes next does not continue what came before; it begins at ``at_sample``."""
        self._waiting.clear()
        self._waiting_samples = 0
        self._kept.clear()
        self._next_block = at_sample
        if self._gate is not None:
            self._gate.reset()
        self._begin_stream(at_sample)
        if self._speech.is_on:
            self._speech.begin(0)

    def process(self, samples: NDArray[np.int16]) -> list[ListeningEvent]:
        """Hear the next samples, mono at the native rate."""
        self._waiting.append(samples)
        self._waiting_samples += len(samples)
        if self._waiting_samples < self._block_samples:
            return []
        sound = self._waiting[0] if len(self._waiting) == 1 else np.concatenate(self._waiting)
        whole = len(sound) - len(sound) % self._block_samples
        events: list[ListeningEvent] = []
        for start in range(0, whole, self._block_samples):
            events += self._block(sound[start : start + self._block_samples])
        self._waiting = [sound[whole:].copy()]
        self._waiting_samples = len(sound) - whole
        return events

    def listen_for_speech(
        self, from_sample: int, ring: Ring | None = None, *, interrupts: bool = False
    ) -> list[ListeningEvent]:
        """Listen for speech from this native position on; what is past comes from the ring.

        Returns what the past held. Each call begins a new hearing. ``interrupts``: a voice
        ends what is being played, so it must not be the echo of that.
        """
        if self._echo is not None:
            self._echo.guards_voice = interrupts
        events = self._open([]) if self._kept.blocks else []
        here = self._origin + self._heard * self.rate_hz // RATE_HZ
        past = np.zeros(0, dtype=np.int16)
        if ring is not None and from_sample < here:
            past = read_past(ring, from_sample, here, self.rate_hz)
        ahead = max(0, from_sample - here) * RATE_HZ // self.rate_hz
        begin = self._heard - len(past)
        self._speech.begin(begin + ahead, tells_suspicions=interrupts)
        step = round(BACKLOG_BLOCK_S * RATE_HZ)
        for start in range(0, len(past), step):
            events += self._hear_speech(past[start : start + step], begin + start)
        return events

    def ignore_speech(self) -> None:
        """Stop listening for speech."""
        self._speech.end()

    # -- blocks ------------------------------------------------------------------------

    def _block(self, block: NDArray[np.int16]) -> list[ListeningEvent]:
        self._next_block += len(block)
        self._waiting_samples -= len(block)
        is_open = self._gate is None or self._gate.update(block)
        if is_open or self._speech.is_on or self._may_hear_echo(len(block)):
            return self._open([block])
        self._kept.append(block)
        return []

    def _open(self, blocks: list[NDArray[np.int16]]) -> list[ListeningEvent]:
        """Hear what was kept, and these blocks."""
        if self._kept.has_lost:
            unheard = sum(map(len, self._kept.blocks)) + sum(map(len, blocks))
            self._begin_stream(self._next_block - unheard)
        sound = np.concatenate((*self._kept.blocks, *blocks))
        self._kept.clear()
        return self._hear(self._resampler.process(sound))

    def _begin_stream(self, at_sample: int) -> None:
        elapsed = (at_sample - self._origin) * RATE_HZ // self.rate_hz
        self._resampler.reset()
        self._wake.restart(elapsed if elapsed >= self._heard else None)
        if self.spotter is not None:
            self.spotter.restart()
        self._origin = at_sample
        self._heard = 0
        if self._echo is not None:
            self._echo.restart(self._at_16k(0))

    def _hear(self, samples: NDArray[np.int16]) -> list[ListeningEvent]:
        """Hear 16 kHz samples that continue those before, without what was played."""
        voice = samples
        if self._echo is not None:
            samples, voice = self._echo.process(samples)
            self._wake.is_over_playback = self._echo.is_playing
        events = [self._event(found) for found in self._whose(self._wake.process(samples))]
        events += self._hear_speech(voice, self._heard)
        self._heard += len(samples)
        events += self._nearly(events)
        return events + self._echo_events()

    def _whose(self, found: list[WakeDetected | EndKnown]) -> list[WakeDetected | EndKnown]:
        """Leave out the wake words that the appliance said itself."""
        if self._echo is None:
            return found
        kept = []
        for each in found:
            if isinstance(each, WakeDetected):
                self._is_own_word = self._echo.is_own(each.word, self._at_16k(each.at_sample))
                if self._is_own_word:
                    log.info('"%s" was the appliance\'s own voice', each.word)
            if not self._is_own_word:
                kept.append(each)
        return kept

    def _echo_events(self) -> list[ListeningEvent]:
        if self._echo is None or self._echo.quality is self._echo_quality:
            return []
        self._echo_quality = self._echo.quality
        return [EchoChanged(self._echo_quality)]

    def _may_hear_echo(self, count: int) -> bool:
        if self._echo is None:
            return False
        begin = self._next_block - count
        rate_hz = self.rate_hz
        return self._echo.may_hear_echo(
            begin * RATE_HZ // rate_hz, self._next_block * RATE_HZ // rate_hz
        )

    def _at_16k(self, position: int) -> int:
        """A position in the stream, on the capture clock at 16 kHz."""
        return self._origin * RATE_HZ // self.rate_hz + position

    def _nearly(self, heard: list[ListeningEvent]) -> list[ListeningEvent]:
        if self.spotter is None:
            return []
        was_heard = any(isinstance(event, WakeWordHeard) for event in heard)
        missed = self.spotter.look(self._wake, self._heard, was_heard)
        if missed is None:
            return []
        return [NearlyHeard(missed.word, missed.score, self._native(missed.at_sample))]

    def _hear_speech(self, samples: NDArray[np.int16], position: int) -> list[ListeningEvent]:
        if not self._speech.is_on:
            return []
        return [self._of_speech(each) for each in self._speech.process(samples, position)]

    def _of_speech(self, found: Decided) -> ListeningEvent:
        match found:
            case Suspected(at_sample=at_sample):
                return VoiceSuspected(self._native(at_sample))
            case Doubted(at_sample=at_sample):
                return VoiceDoubted(self._native(at_sample))
            case Started(at_sample=at_sample):
                return SpeechStarted(self._native(at_sample))
            case Ended(at_sample=at_sample):
                return SpeechEnded(self._native(at_sample))
            case Loudness(from_sample=from_sample, level_db=level_db):
                return VoiceMeasured(self._native(from_sample), level_db)
        assert_never(found)

    def _event(self, found: WakeDetected | EndKnown) -> ListeningEvent:
        end = self._native(found.end_sample)
        if isinstance(found, EndKnown):
            return WakeWordEnded(found.word, end)
        return WakeWordHeard(found.word, found.score, self._native(found.at_sample), end)

    def _native(self, position: int) -> int:
        return self._origin + position * self.rate_hz // RATE_HZ


@dataclass(frozen=True, slots=True)
class VadSettings:
    """What counts as a voice."""

    gate: bool = True
    """Whether the wake model rests while nothing stands out."""
    speech: SpeechRule = field(default_factory=SpeechRule)
    judges: bool = False
    """Whether it is judged if a sentence is finished, and the silence chosen by that."""


def build_listener(
    rate_hz: int, wake: WakeSettings, vad: VadSettings, echo: EchoGuard | None = None
) -> Listener:
    """Load the models; raises a ``BitternError`` when there is no such word or no model."""
    judge = open_judge(wake.models) if vad.judges else None
    speech = SpeechPipeline(Silero(wake.models.path_of(SILERO)), vad.speech, judge)
    gate = Gate(rate_hz) if vad.gate else None
    engine, rules, second = open_words(wake)
    listener = Listener(rate_hz, WakePipeline(engine, rules, second), speech, gate, echo)
    if wake.near_misses:
        listener.spotter = Spotter({word: rule.threshold for word, rule in rules.items()})
    return listener

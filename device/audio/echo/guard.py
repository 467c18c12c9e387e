"""The echo guard: what stands between the microphone and those who listen."""

from __future__ import annotations

import logging
import math
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from device.audio.echo.distortion import Distortion
from device.audio.echo.monitor import BLOCK_SAMPLES, Monitor, Quality, level_db
from device.audio.echo.own_voice import OwnVoice
from device.audio.echo.reference import Reference
from device.audio.echo.speexdsp import FRAME_SAMPLES, TAIL_SAMPLES, Cancelled
from device.audio.echo.tracker import WINDOW_SAMPLES, Tracker
from device.audio.resample import LISTENING_RATE_HZ
from device.audio.samples import Samples, silence

log = logging.getLogger(__name__)

AUDIBLE_DBFS = -60.0
"""A block of the reference below this makes no echo worth judging."""
DYING_SAMPLES = 1600
"""How long an echo surely goes on when the reference is silent: a tenth of a second."""
DEAD_RMS, DEAD_SHARE = 3.0, 0.1
"""After that: an estimate below this, or this share of what is heard, is no echo any more."""
WAITED_SAMPLES = 1600
"""How long a piece of the reference is waited for: a tenth of a second."""
UNSURE_TAIL_SAMPLES = 24_000
"""Where the echo is not understood, for how long it may go on: 1.5 s."""
QUIET_EVERY = 5
"""With nothing played, every how many portions the level of the room is looked at."""
LOOK_AGAIN_BLOCKS = 5
"""While nothing is removed, how often the echo is looked for everywhere (every half second).
It may be that only somebody speaks; then it is found where it was."""


SURE_DB, SPREAD_DB = 19.0, 3.0
"""So much must be gone for it to be sure that nothing but an echo was heard; and how much less
than usual may go from a stretch as long as a word."""
WORD_SAMPLES = 12_800
"""0.8 s: what is looked at for that, up to the decision."""
POWERS = 64
"""Pieces that are remembered, of 20 to 100 ms."""


class Canceller(Protocol):
    """Takes an echo out of a sound."""

    def process(self, heard: Samples, played: Samples) -> Cancelled:
        """Take whole frames of both; return as much."""

    def reset(self) -> None:
        """Forget the echo path."""


class Cleaned(NamedTuple):
    """What the listeners get: as many samples each."""

    wake: Samples
    voice: Samples


@dataclass(frozen=True, slots=True)
class EchoStatus:
    """How it stands, for whoever asks."""

    quality: Quality
    removed_db: float | None
    """How much softer the echo is in what is listened to; None while not known."""
    delay_ms: float | None
    """From leaving the playback to being heard; None while not known."""
    drift_ppm: float
    """How much slower the speaker's clock runs than the microphone's."""


class Eraser(Protocol):
    """Who else wants to know what was found to be echo."""

    def subtract(self, at: int, echo: Samples) -> None:
        """Take the echo out, from a sample of the capture clock at 16 kHz on."""

    def release(self) -> None:
        """Nothing is being taken out any more."""


class EchoGuard:
    """Cleans a stream of 16 kHz sound while something is played; else hands it through.

    Positions are samples of the capture clock at 16 kHz. What comes out is what went in,
    to the sample, up to 10 ms later while something plays. For one thread.
    """

    def __init__(
        self,
        reference: Reference,
        canceller: Canceller | None,
        own_voice: OwnVoice | None = None,
        eraser: Eraser | None = None,
    ) -> None:
        """Without a ``canceller`` nothing is removed, and the ears are shut for voices
        while something plays (half duplex)."""
        self._tracker = Tracker(reference)
        self._reference = reference
        self._canceller = canceller
        self._own_voice = own_voice
        self._eraser = eraser
        self._monitor = Monitor()
        self._held = silence(0)
        self._next = 0
        self._block: list[tuple[Samples, Samples | None, Samples]] = []
        self._block_filled = 0
        self._bad_blocks = 0
        self._rests = 0
        self._silent_samples = 0
        self._distortion = Distortion()
        self._powers: deque[tuple[int, float, float]] = deque(maxlen=POWERS)
        self._unlearned_samples = 0
        self._restarts = 0
        self._is_displaced = False
        self.is_playing = False
        """Whether what was heard last may hold an echo."""
        self.guards_voice = False
        """Whether a voice would interrupt: then it must be a person's for certain."""
        self.status = self._status()
        """How it stands; replaced whole, so that any thread may look."""

    @property
    def quality(self) -> Quality:
        """How it stands with the echo."""
        return Quality.NOT_WORKING if self._canceller is None else self._monitor.quality

    def may_hear_echo(self, begin: int, end: int) -> bool:
        """Whether something that was played may be heard between two samples."""
        if self._reference.is_silent:
            return False
        tail = TAIL_SAMPLES if self.quality is Quality.GOOD else UNSURE_TAIL_SAMPLES
        span = self._tracker.span_s(begin - tail, end)
        return span is not None and self._reference.has_sound(*span)

    def is_own(self, word: str, at: int) -> bool:
        """Whether a wake word heard at a sample was said by the appliance itself."""
        if self._own_voice is None:
            return False
        is_aligned = self._tracker.alignment.is_known and self.quality is Quality.GOOD
        if is_aligned and self._is_nothing_but_echo(at):
            return True
        return self._own_voice.said(word, at, is_aligned=is_aligned)

    def _is_nothing_but_echo(self, at: int) -> bool:
        """Whether as much as ever was removed while a word was heard: then nobody spoke.

        Somebody who speaks 15 dB below the echo leaves it 15 dB softer, and no more.
        """
        removed_db = self._monitor.removed_db
        if removed_db is None or removed_db < SURE_DB:
            return False
        during = [each for each in self._powers if at - WORD_SAMPLES <= each[0] <= at]
        heard, left = sum(each[1] for each in during), sum(each[2] for each in during)
        if not during or left <= 0.0:
            return False
        return 10.0 * math.log10(heard / left) >= max(SURE_DB, removed_db - SPREAD_DB)

    # -- the stream --------------------------------------------------------------------

    def restart(self, at: int) -> None:
        """What comes next does not continue what came before; it begins at ``at``."""
        self._held = silence(0)
        self._next = at
        self._forget_block()
        self._release()
        self._tracker.restart()

    def process(self, samples: Samples) -> Cleaned:
        """Take the next samples; return what can be listened to."""
        sound = np.concatenate((self._held, samples)) if len(self._held) else samples
        begin = self._next
        if not self.may_hear_echo(begin, begin + len(sound)):
            return self._rest(sound)
        if not self.is_playing:
            self.is_playing = True
            self._tracker.restart()
        if self._reference.restarts != self._restarts:
            self._restarts = self._reference.restarts
            self._displace()
        whole = self._whole(len(sound), begin)
        self._held = sound[whole:].copy()
        self._next = begin + whole
        pieces = [
            self._piece(sound[at : min(at + BLOCK_SAMPLES, whole)], begin + at)
            for at in range(0, whole, BLOCK_SAMPLES)
        ]
        if not pieces:
            return Cleaned(silence(0), silence(0))
        if len(pieces) == 1:
            return pieces[0]
        wake, voice = zip(*pieces, strict=True)
        return Cleaned(np.concatenate(wake), np.concatenate(voice))

    def _whole(self, count: int, begin: int) -> int:
        """How many samples can be cleaned now: whole frames whose reference is there.

        It may be some milliseconds behind where speaker and microphone share a clock and
        have no buffers; a speaker that has stopped is not waited for.
        """
        covered = max(self._tracker.covered(begin), count - WAITED_SAMPLES)
        usable = max(0, min(count, covered))
        return usable - usable % FRAME_SAMPLES

    def _rest(self, sound: Samples) -> Cleaned:
        self._held = silence(0)
        self._next += len(sound)
        if self.is_playing:
            self.is_playing = False
            self._forget_block()
            self._release()
        self._rests += 1
        if self._rests % QUIET_EVERY == 1 and len(sound):
            self._monitor.quiet(sound)
        return Cleaned(sound, sound)

    def _piece(self, heard: Samples, at: int) -> Cleaned:
        if self._tracker.heard(heard, at + len(heard)):
            self._relearn()
        played = self._played(heard, at)
        if self._own_voice is not None:
            # As the room hears it: what a speaker flattens sounds more like a word, or less.
            self._own_voice.process(self._distortion.apply(played), at)
        if self._canceller is None or not self._tracker.alignment.is_known:
            self._judge(heard, None, played)
            return Cleaned(heard, self._heard_voice(heard, heard))
        self._study(len(heard))
        plain, suppressed = self._canceller.process(heard, self._distortion.apply(played))
        plain = self._without_remains(heard, plain, played)
        self._powers.append((at + len(heard), _power(heard), _power(plain)))
        self._judge(heard, plain, played)
        if self.quality is Quality.NOT_WORKING:
            self._release()
            return Cleaned(heard, self._heard_voice(heard, heard))
        if self._eraser is not None:
            echo = np.clip(heard.astype(np.int32) - plain, -32_768, 32_767)
            self._eraser.subtract(at, echo.astype(np.int16))
        return Cleaned(plain, self._heard_voice(plain, suppressed))

    def _played(self, heard: Samples, at: int) -> Samples:
        if self._tracker.alignment.is_known:
            played = self._tracker.read(at, len(heard))
        else:
            span = self._tracker.span_s(at, at)
            played = self._reference.read(span[1] if span else 0.0, 1.0, len(heard))
        return np.asarray(np.rint(np.clip(played, -32_768, 32_767)), dtype=np.int16)

    def _heard_voice(self, plain: Samples, suppressed: Samples) -> Samples:
        """What the voice detector gets: nothing, where only a person may be heard and
        an echo cannot be told from one."""
        if not self.guards_voice:
            return plain
        return suppressed if self.quality is Quality.GOOD else silence(len(plain))

    def _without_remains(self, heard: Samples, plain: Samples, played: Samples) -> Samples:
        """Leave the sound alone once the echo has died away, so that nothing is lost.

        The canceller also takes a little out of the lowest tones, of people too.
        """
        self._silent_samples = 0 if played.any() else self._silent_samples + len(played)
        if self._silent_samples > TAIL_SAMPLES:
            return heard
        if self._silent_samples < DYING_SAMPLES:
            return plain
        sound = heard.astype(np.float32)
        difference = sound - plain
        power = float(difference @ difference)
        is_dead = power < DEAD_RMS**2 * len(heard) or power < DEAD_SHARE * float(sound @ sound)
        return heard if is_dead else plain

    def _study(self, count: int) -> None:
        """Once a second: does the speaker distort, and how?"""
        self._unlearned_samples += count
        if self._unlearned_samples < WINDOW_SAMPLES:
            return
        self._unlearned_samples = 0
        if self._distortion.learn(*self._tracker.recent()):
            log.info("echo: the speaker flattens what is above %.0f", self._distortion.knee)
            self._relearn()

    # -- does it work? -----------------------------------------------------------------

    def _displace(self) -> None:
        """The speaker was opened anew: look for the delay again, and judge again."""
        if self._tracker.alignment.is_known:
            self._is_displaced = True
            self._tracker.lose_place()
            self._monitor.begin_again()

    def _relearn(self) -> None:
        """The delay is a new one: learn the path again, from what was heard just now.

        But for a speaker that was only opened anew: its way through the room is the old one.
        """
        if self._canceller is None:
            return
        if not self._is_displaced:
            self._canceller.reset()
        self._is_displaced = False
        heard, played = self._tracker.recent()
        whole = len(heard) - len(heard) % FRAME_SAMPLES
        if whole:
            given = self._distortion.apply(played[-whole:])
            self._canceller.process(heard[-whole:], given)
        self._monitor.begin_again()
        self._bad_blocks = 0

    def _judge(self, heard: Samples, left: Samples | None, played: Samples) -> None:
        self._block.append((heard, left, played))
        self._block_filled += len(heard)
        if self._block_filled < BLOCK_SAMPLES:
            return
        all_heard = np.concatenate([each[0] for each in self._block])
        all_played = np.concatenate([each[2] for each in self._block])
        remains = [each[1] for each in self._block if each[1] is not None]
        is_done = len(remains) == len(self._block)
        self._forget_block()
        if level_db(all_played) < AUDIBLE_DBFS:
            return
        self._monitor.playing(all_heard, np.concatenate(remains) if is_done else None)
        self._mend()
        self._tell()

    def _status(self) -> EchoStatus:
        alignment, anchor_s = self._tracker.alignment, self._reference.anchor_s
        delay_ms = None
        if alignment.is_known and anchor_s is not None:
            late_s = alignment.delay(self._next) / LISTENING_RATE_HZ - anchor_s
            delay_ms = round(late_s * 1000, 1)
        removed_db = self._monitor.removed_db
        return EchoStatus(
            self.quality,
            None if removed_db is None else round(removed_db, 1),
            delay_ms,
            round(alignment.drift * 1e6, 1),
        )

    def _mend(self) -> None:
        """Look for the echo elsewhere while nothing is removed where it was."""
        if not self._monitor.is_failing:
            self._bad_blocks = 0
            return
        self._bad_blocks += 1
        if self._bad_blocks % LOOK_AGAIN_BLOCKS == 0 and self._tracker.look():
            self._relearn()

    def _tell(self) -> None:
        before, self.status = self.status, self._status()
        if self.status.quality is not before.quality:
            log.info(
                "echo: %s, removed %s dB, delay %s ms, drift %s ppm",
                self.status.quality,
                self.status.removed_db,
                self.status.delay_ms,
                self.status.drift_ppm,
            )

    def _release(self) -> None:
        if self._eraser is not None:
            self._eraser.release()

    def _forget_block(self) -> None:
        self._block.clear()
        self._block_filled = 0


def _power(sound: Samples) -> float:
    return float(np.sum(np.square(sound, dtype=np.float64)))

"""From the probability of a voice, every 32 ms, to the beginning and the end of a turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from device.brain.protocol.configuration import TurnDetection

FRAME_MS = 32
"""One probability of the detector: 512 samples of 16 kHz."""
_START_FRAMES = 2
"""Voiced frames in a row that begin a turn: one alone may be a click or a cough."""
_HYSTERESIS = 0.15
"""Silero's own habit: a voice that has begun goes on until this much below the threshold."""
_PAUSE_MS = 160
"""Silence after which the words so far are worth transcribing: a pause between words is
shorter, and all shorter settings of ``silence_duration_ms`` are rare."""
LONGEST_TURN_MS = 300_000
"""A turn is ended after five minutes, whatever the detector hears: a television never stops."""
LONGEST_WAIT_MS = {"low": 8000, "medium": 4000, "high": 2000}
"""How long semantic detection waits for an unfinished sentence to go on (documented)."""


@dataclass(frozen=True, slots=True)
class TurnChange:
    """Something about the turn has changed.

    ``at_ms`` is, on the session's audio clock: for ``started`` the begin of the first
    voiced frame, for ``stopped`` the end of what belongs to the turn, and for the others
    the end of the frame that showed it.
    """

    change: Literal["started", "paused", "resumed", "stopped"]
    at_ms: int


Changes: TypeAlias = Iterator[TurnChange]


class TurnDetector:
    """A state machine over voice probabilities; knows nothing of sound or sockets."""

    def __init__(self, settings: TurnDetection) -> None:
        self._settings = settings
        self.is_speaking = False
        self._voiced_frames = 0
        self._started_ms = 0
        self._last_voice_ms = 0
        self._heard_ms = 0
        self._is_paused = False
        self._required_silence_ms = 0
        self._reset_requirement()

    def configure(self, settings: TurnDetection) -> None:
        """Go on with other settings, also in the middle of a turn."""
        self._settings = settings
        self._reset_requirement()

    def require_silence(self, milliseconds: int) -> Changes:
        """End the turn after this much silence: the verdict on the words of this pause.

        The verdict may come when that much has been heard already, if the client sends
        faster than real time; the turn then ends where it would have ended.
        """
        if self.is_speaking and self._is_paused:
            self._required_silence_ms = milliseconds
            end_ms = self._last_voice_ms + milliseconds
            if end_ms <= self._heard_ms:
                yield self._stop(end_ms)

    def is_voiced(self, probability: float) -> bool:
        """Whether a frame counts as voice, in the present state."""
        threshold = self._settings.threshold
        return probability >= (threshold - _HYSTERESIS if self.is_speaking else threshold)

    def frame(self, probability: float, end_ms: int) -> Changes:
        """Take the next frame, which ends at this time; yield what it changes."""
        self._heard_ms = end_ms
        voiced = self.is_voiced(probability)
        if not self.is_speaking:
            yield from self._listen(voiced, end_ms)
        elif voiced:
            yield from self._hear_voice(end_ms)
        else:
            yield from self._hear_silence(end_ms)

    def _listen(self, voiced: bool, end_ms: int) -> Changes:
        self._voiced_frames = self._voiced_frames + 1 if voiced else 0
        if self._voiced_frames >= _START_FRAMES:
            self.is_speaking = True
            self._is_paused = False
            self._last_voice_ms = end_ms
            self._started_ms = end_ms - self._voiced_frames * FRAME_MS
            self._reset_requirement()
            yield TurnChange("started", self._started_ms)

    def _hear_voice(self, end_ms: int) -> Changes:
        self._last_voice_ms = end_ms
        if self._is_paused:
            self._is_paused = False
            self._reset_requirement()
            yield TurnChange("resumed", end_ms)
        if end_ms - self._started_ms >= LONGEST_TURN_MS:
            yield self._stop(end_ms)

    def _hear_silence(self, end_ms: int) -> Changes:
        silence_ms = end_ms - self._last_voice_ms
        if not self._is_paused and silence_ms >= _PAUSE_MS:
            self._is_paused = True
            yield TurnChange("paused", end_ms)
        if silence_ms >= self._required_silence_ms:
            yield self._stop(end_ms)

    def _stop(self, end_ms: int) -> TurnChange:
        self.is_speaking = False
        self._voiced_frames = 0
        return TurnChange("stopped", end_ms)

    def _reset_requirement(self) -> None:
        settings = self._settings
        if settings.kind == "server_vad":
            self._required_silence_ms = settings.silence_duration_ms
        else:
            self._required_silence_ms = LONGEST_WAIT_MS[settings.eagerness]

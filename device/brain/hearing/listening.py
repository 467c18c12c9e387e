"""The listening half of a session: appended sound in, turns and transcripts out.

Sound is heard elsewhere (`jobs.Hear`), so what the detector says comes later than the
sound itself; everything here is therefore reckoned on the session's audio clock, never
by the order in which things happen to arrive.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from device.brain.base.abilities import HEARING_RATE_HZ, Samples, Transcript
from device.brain.hearing.input_buffer import InputBuffer
from device.brain.hearing.turn_detection import FRAME_MS, TurnDetector
from device.brain.protocol.codec import WireFormat
from device.brain.protocol.configuration import TurnDetection
from device.brain.work.jobs import (
    BeginTranscription,
    DropTranscription,
    FeedTranscription,
    FinishTranscription,
    Hear,
    Heard,
    Job,
    SettleTranscription,
)

_PER_MS = HEARING_RATE_HZ // 1000
_MARGIN_MS = 400
"""Sound kept beyond the prefix: a turn is noticed two frames and a resampler after it begins."""
_MANUAL_THRESHOLD = 0.5
"""What counts as voice while the client ends the turns (it only says when to settle)."""


class TurnListener(Protocol):
    """What the session does with what is heard."""

    def speech_started(self, item_id: str, audio_start_ms: int) -> None:
        """The user begins to speak."""

    def speech_stopped(self, item_id: str, audio_end_ms: int) -> None:
        """The user has finished."""

    def committed(self, utterance: Utterance, data: bytes, form: WireFormat) -> None:
        """A turn is complete, and becomes an item."""

    def start(self, job: Job) -> None:
        """Have something done."""


@dataclass(slots=True, eq=False)
class Utterance:
    """One turn of the user, from its first sound to its last word."""

    item_id: str
    stream: int
    start_ms: float
    end_ms: float | None = None
    """When it ended; None while it goes on."""
    fed_ms: float = 0.0


@dataclass(slots=True, eq=False)
class _Passage:
    """Sound without a gap, as the ear heard it."""

    number: int
    origin_ms: float
    detector: TurnDetector
    heard_samples: int = 0
    frames: int = 0
    recent: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    utterance: Utterance | None = None

    @property
    def heard_ms(self) -> float:
        return self.origin_ms + self.heard_samples / _PER_MS

    def between(self, from_ms: float, to_ms: float) -> Samples:
        """Return what was heard in a stretch, as far as it is remembered."""
        start_ms = self.heard_ms - len(self.recent) / _PER_MS
        first = max(0, round((from_ms - start_ms) * _PER_MS))
        last = max(0, round((to_ms - start_ms) * _PER_MS))
        return self.recent[first:last]


class TurnFinder:
    """Keeps the input buffer, finds the turns, and has them transcribed while they last."""

    def __init__(
        self,
        listener: TurnListener,
        new_item_id: Callable[[], str],
        settings: TurnDetection | None,
    ) -> None:
        self.buffer = InputBuffer()
        self._listener = listener
        self._new_item_id = new_item_id
        self._settings = settings
        self._language: str | None = None
        self._prompt = ""
        self._numbers = itertools.count(1)
        self._passages: dict[int, _Passage] = {}
        self._passage = self._open_passage()

    # --------------------------------------------------------------- what the client does

    @property
    def is_speaking(self) -> bool:
        """Whether a detected turn goes on."""
        return self._settings is not None and self._passage.utterance is not None

    def configure(
        self,
        settings: TurnDetection | None,
        form: WireFormat,
        language: str | None,
        prompt: str,
    ) -> None:
        """Use other settings from now on."""
        self._language, self._prompt = language, prompt
        kind_changed = (settings and settings.kind) != (self._settings and self._settings.kind)
        self._settings = settings
        if form is not self.buffer.format or kind_changed:
            self.buffer.change_format(form)
            self.clear()
        elif settings is not None:
            self._passage.detector.configure(settings)

    def append(self, data: bytes) -> None:
        """Take sound from the client."""
        self.buffer.append(data)
        if self._settings is None and self._passage.utterance is None:
            self._begin(self._passage, self.buffer.start_ms)
        self._listener.start(Hear(self._passage.number, data, self.buffer.format))

    def commit(self) -> None:
        """End the turn here; the caller has made sure that there is something to commit."""
        utterance = self._passage.utterance
        if utterance is None:
            utterance = self._begin(self._passage, self.buffer.start_ms)
        end_ms = self.buffer.end_ms
        self._listener.start(Hear(self._passage.number, b"", self.buffer.format, is_last=True))
        self._commit(utterance, end_ms)
        self._passage = self._open_passage()

    def clear(self) -> None:
        """Forget what was appended and not committed."""
        utterance = self._passage.utterance
        if utterance is not None and utterance.end_ms is None:
            self._listener.start(DropTranscription(utterance.stream))
            del self._passages[self._passage.number]
        self.buffer.clear()
        self._passage = self._open_passage()

    def new_stream(self) -> int:
        """Return a number for a transcription that comes from elsewhere."""
        return next(self._numbers)

    def take_silence(self, from_ms: float) -> bytes:
        """Return and forget what was appended since then and is no one's turn."""
        return self.buffer.take(from_ms, self.buffer.end_ms)

    # ----------------------------------------------------------------- what the ear says

    def heard(self, result: Heard) -> None:
        """Take what the ear made of the next sound of a passage."""
        passage = self._passages.get(result.passage)
        if passage is None:
            return
        passage.recent = np.concatenate((passage.recent, result.samples))
        passage.heard_samples += len(result.samples)
        voiced = self._detect(passage, result.probabilities)
        if passage.utterance is not None:
            self._feed(passage, passage.utterance, voiced)
        if result.is_last:
            self._end_passage(passage)
        self._forget_old(passage)

    def settled(self, stream: int, transcript: Transcript, wait_ms: int) -> None:
        """Take the verdict on an unfinished utterance: how much silence ends it."""
        utterance = self._passage.utterance
        settings = self._settings
        if utterance is None or utterance.stream != stream or utterance.end_ms is not None:
            return
        if settings is not None and settings.kind == "semantic_vad" and transcript.text:
            passage = self._passage
            for change in passage.detector.require_silence(wait_ms):
                self._obey(passage, change.change, change.at_ms)

    def _detect(self, passage: _Passage, probabilities: list[float]) -> bool:
        """Move the detector on; return whether there was any voice."""
        any_voice = False
        for probability in probabilities:
            passage.frames += 1
            end_ms = round(passage.origin_ms) + passage.frames * FRAME_MS
            any_voice = passage.detector.is_voiced(probability) or any_voice
            for change in passage.detector.frame(probability, end_ms):
                self._obey(passage, change.change, change.at_ms)
        return any_voice

    def _obey(self, passage: _Passage, change: str, at_ms: int) -> None:
        utterance = passage.utterance
        if change == "paused" and utterance is not None:
            self._feed(passage, utterance, True)
            self._listener.start(SettleTranscription(utterance.stream))
        if self._settings is None or passage is not self._passage:
            return
        if change == "started":
            start_ms = max(at_ms - self._settings.prefix_padding_ms, self.buffer.start_ms, 0)
            begun = self._begin(passage, start_ms)
            self._listener.speech_started(begun.item_id, round(start_ms))
        elif change == "stopped" and utterance is not None:
            self._stop(passage, utterance, at_ms)

    def _stop(self, passage: _Passage, utterance: Utterance, at_ms: int) -> None:
        self._listener.speech_stopped(utterance.item_id, at_ms)
        passage.utterance = None
        self._finish(passage, utterance, at_ms)
        self._commit(utterance, at_ms)

    # ------------------------------------------------------------------------- utterances

    def _open_passage(self) -> _Passage:
        settings = self._settings or TurnDetection("server_vad", threshold=_MANUAL_THRESHOLD)
        passage = _Passage(next(self._numbers), self.buffer.end_ms, TurnDetector(settings))
        self._passages = {
            number: old for number, old in self._passages.items() if old.utterance is not None
        }
        self._passages[passage.number] = passage
        return passage

    def _begin(self, passage: _Passage, start_ms: float) -> Utterance:
        utterance = Utterance(self._new_item_id(), next(self._numbers), start_ms, fed_ms=start_ms)
        passage.utterance = utterance
        self._listener.start(BeginTranscription(utterance.stream, self._language, self._prompt))
        return utterance

    def _feed(self, passage: _Passage, utterance: Utterance, voiced: bool) -> None:
        until_ms = passage.heard_ms
        if utterance.end_ms is not None:
            until_ms = min(until_ms, utterance.end_ms)
        samples = passage.between(utterance.fed_ms, until_ms)
        utterance.fed_ms = max(utterance.fed_ms, until_ms)
        if len(samples):
            self._listener.start(FeedTranscription(utterance.stream, samples, voiced))

    def _finish(self, passage: _Passage, utterance: Utterance, end_ms: float) -> None:
        utterance.end_ms = end_ms
        self._feed(passage, utterance, False)
        self._listener.start(FinishTranscription(utterance.stream))

    def _commit(self, utterance: Utterance, end_ms: float) -> None:
        """Hand the turn over; its last sound may still be on its way through the ear."""
        form = self.buffer.format
        data = self.buffer.take(utterance.start_ms, end_ms)
        utterance.end_ms = end_ms
        self._listener.committed(utterance, data, form)

    def _end_passage(self, passage: _Passage) -> None:
        if passage.utterance is not None:
            self._finish(passage, passage.utterance, passage.heard_ms)
        self._passages.pop(passage.number, None)

    def _forget_old(self, passage: _Passage) -> None:
        """Keep what a turn that begins now would need, and nothing older."""
        padding_ms = self._settings.prefix_padding_ms if self._settings else 0
        keep_ms = padding_ms + _MARGIN_MS
        utterance = passage.utterance
        oldest_ms = passage.heard_ms - keep_ms
        if utterance is not None:
            oldest_ms = min(oldest_ms, utterance.fed_ms)
        kept = round((passage.heard_ms - oldest_ms) * _PER_MS)
        if len(passage.recent) > kept:
            passage.recent = passage.recent[len(passage.recent) - kept :].copy()
        if self._settings is not None and utterance is None and passage is self._passage:
            self.buffer.forget_before(passage.heard_ms - keep_ms)

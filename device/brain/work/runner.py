"""Does the jobs of one session on the threads of the brain, and reports the results."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from device.brain.base.abilities import (
    HEARING_RATE_HZ,
    SPEAKING_RATE_HZ,
    Abilities,
    AbilityFailedError,
    Cancellation,
    CancelledWorkError,
    TranscriptionStream,
)
from device.brain.protocol.codec import PCM, WireFormat
from device.brain.work.ear import Ear, resampled, resampler
from device.brain.work.jobs import (
    BeginTranscription,
    DropTranscription,
    FeedTranscription,
    FinishTranscription,
    Hear,
    HearingFailed,
    Job,
    LearnTools,
    Result,
    Settled,
    SettleTranscription,
    Speak,
    SpeakingEnded,
    SpeakingFailed,
    Spoken,
    Stop,
    Think,
    Thought,
    ThoughtEnded,
    ThoughtFailed,
    Transcribed,
    TranscribeRecording,
    TranscriptionFailed,
)
from device.brain.work.pools import Lane, Pools, Work

_log = logging.getLogger(__name__)
_DELTA_MS = 200
"""Longest stretch of sound in one event: small enough to be cut, large enough to be cheap."""


@dataclass(slots=True)
class _Utterance:
    lane: Lane
    cancellation: Cancellation = field(default_factory=Cancellation)
    settling: Cancellation = field(default_factory=Cancellation)
    stream: TranscriptionStream | None = None


class JobRunner:
    """`start` is called on the event loop, ``report`` on any thread."""

    def __init__(
        self, abilities: Abilities, pools: Pools, report: Callable[[Result], None]
    ) -> None:
        self._abilities = abilities
        self._pools = pools
        self._report = report
        self._ear: Ear | None = None
        self._hearing = Lane(pools.hearing, self)
        # At once, so that the first sound need not wait for the detector to be loaded.
        self._hearing.put(self._open_ear)
        self._utterances: dict[int, _Utterance] = {}
        self._jobs: dict[int, Cancellation] = {}
        self._is_closed = False

    def start(self, job: Job) -> None:
        """Begin a job; returns at once."""
        match job:
            case Hear():
                self._hearing.put(lambda: self._hear(job))
            case LearnTools():
                self._pools.thinking.submit(self, lambda: self._learn(job))
            case Think():
                self._begin(job)
                self._pools.thinking.submit(self, lambda: self._think(job))
            case Speak():
                self._begin(job)
                self._pools.speaking.submit(self, lambda: self._speak(job))
            case Stop():
                if cancellation := self._jobs.pop(job.job, None):
                    cancellation.cancel()
            case _:
                self._start_transcription(job)

    def close(self) -> None:
        """Cancel everything; nothing that is still reported matters."""
        self._is_closed = True
        for cancellation in self._jobs.values():
            cancellation.cancel()
        for stream in list(self._utterances):
            self._drop(stream)

    def ended(self, result: Result) -> None:
        """Forget a job whose last result has been reported (on the event loop)."""
        match result:
            case ThoughtEnded() | ThoughtFailed() | SpeakingEnded() | SpeakingFailed():
                self._jobs.pop(result.job, None)
            case Transcribed() | TranscriptionFailed():
                self._utterances.pop(result.stream, None)
            case _:
                pass

    def _begin(self, job: Think | Speak) -> None:
        self._jobs[job.job] = Cancellation()

    # --------------------------------------------------------------------------- hearing

    def _open_ear(self) -> None:
        try:
            self._ear = Ear(self._abilities.new_voice_detector())
        except Exception:
            _log.exception("the voice detector cannot be had")

    def _hear(self, job: Hear) -> None:
        if self._is_closed:
            return
        try:
            if self._ear is None:
                raise RuntimeError("there is no voice detector")
            self._report(self._ear.hear(job))
        except Exception:
            _log.exception("hearing failed")
            self._is_closed = True
            self._report(HearingFailed())

    # --------------------------------------------------------------------- transcription

    def _start_transcription(self, job: Job) -> None:
        match job:
            case BeginTranscription():
                utterance = _Utterance(Lane(self._pools.transcribing, self))
                self._utterances[job.stream] = utterance
                self._put(job.stream, lambda: self._open(utterance, job))
            case FeedTranscription():
                if job.voiced:
                    self._unsettle(job.stream)
                self._put(job.stream, lambda: self._feed(job))
            case SettleTranscription():
                self._settle(job.stream)
            case FinishTranscription():
                self._put(job.stream, lambda: self._finish(job.stream))
            case DropTranscription():
                self._drop(job.stream)
            case TranscribeRecording():
                self._utterances[job.stream] = _Utterance(Lane(self._pools.transcribing, self))
                self._put(job.stream, lambda: self._transcribe(job))
            case _:
                raise TypeError(f"no way to do {job}")

    def _put(self, stream: int, work: Work) -> None:
        if utterance := self._utterances.get(stream):
            utterance.lane.put(lambda: self._guarded(stream, utterance, work))

    def _guarded(self, stream: int, utterance: _Utterance, work: Work) -> None:
        if utterance.cancellation.is_cancelled:
            return
        try:
            work()
        except CancelledWorkError:
            return
        except AbilityFailedError as failure:
            utterance.cancellation.cancel()
            self._report(TranscriptionFailed(stream, failure.code, failure.message))
        except Exception:
            _log.exception("transcription failed")
            utterance.cancellation.cancel()
            message = "The transcriber failed; the brain's log says why."
            self._report(TranscriptionFailed(stream, "server_error", message))

    def _open(self, utterance: _Utterance, job: BeginTranscription) -> None:
        utterance.stream = self._abilities.transcriber.start(job.language, job.prompt)

    def _feed(self, job: FeedTranscription) -> None:
        utterance = self._utterances.get(job.stream)
        if utterance and utterance.stream:
            utterance.stream.feed(job.samples, job.voiced)

    def _settle(self, stream: int) -> None:
        utterance = self._utterances.get(stream)
        if utterance is None:
            return
        cancellation = utterance.settling = Cancellation()

        def work() -> None:
            if utterance.stream and not cancellation.is_cancelled:
                self._report(Settled(stream, utterance.stream.settle(cancellation)))

        self._put(stream, work)

    def _unsettle(self, stream: int) -> None:
        if utterance := self._utterances.get(stream):
            utterance.settling.cancel()

    def _finish(self, stream: int) -> None:
        utterance = self._utterances.get(stream)
        if utterance and utterance.stream:
            self._report(Transcribed(stream, utterance.stream.finish(utterance.cancellation)))

    def _drop(self, stream: int) -> None:
        if utterance := self._utterances.pop(stream, None):
            utterance.cancellation.cancel()
            utterance.settling.cancel()
            if utterance.stream is not None:
                utterance.lane.put(utterance.stream.cancel)

    def _transcribe(self, job: TranscribeRecording) -> None:
        utterance = self._utterances.get(job.stream)
        if utterance is None:
            return
        samples = resampled(job.format.decode(job.data), job.format.rate_hz, HEARING_RATE_HZ)
        transcript = self._abilities.transcriber.transcribe(
            samples, job.language, utterance.cancellation
        )
        self._report(Transcribed(job.stream, transcript))

    # ----------------------------------------------------------------- thinking, speaking

    def _learn(self, job: LearnTools) -> None:
        if not self._is_closed:
            self._abilities.thinker.prepare(job.tools)

    def _think(self, job: Think) -> None:
        cancellation = self._jobs.get(job.job)
        if cancellation is None:
            return

        def work() -> Iterator[Result]:
            for piece in self._abilities.thinker.answer(job.request, cancellation):
                yield Thought(job.job, piece)
            yield ThoughtEnded(job.job)

        self._produce(work(), cancellation, lambda *why: ThoughtFailed(job.job, *why))

    def _speak(self, job: Speak) -> None:
        cancellation = self._jobs.get(job.job)
        if cancellation is None:
            return

        def work() -> Iterator[Result]:
            for data in self._wire_sound(job, cancellation):
                yield Spoken(job.job, data)
            yield SpeakingEnded(job.job)

        self._produce(work(), cancellation, lambda *why: SpeakingFailed(job.job, *why))

    def _produce(
        self,
        results: Iterator[Result],
        cancellation: Cancellation,
        failed: Callable[[str, str], Result],
    ) -> None:
        try:
            for result in results:
                if cancellation.is_cancelled:
                    return
                self._report(result)
        except CancelledWorkError:
            return
        except AbilityFailedError as failure:
            self._report(failed(failure.code, failure.message))
        except Exception:
            _log.exception("an answer failed")
            self._report(failed("server_error", "The model failed; the brain's log says why."))

    def _wire_sound(self, job: Speak, cancellation: Cancellation) -> Iterator[bytes]:
        chunks = self._abilities.voice.speak(job.sentence, job.voice, job.speed, cancellation)
        if job.format is PCM:
            for chunk in chunks:
                yield from _cut(PCM.encode(chunk), PCM)
            return
        stream = resampler(SPEAKING_RATE_HZ, job.format.rate_hz)
        for chunk in chunks:
            yield from _cut(job.format.encode(stream.resample_chunk(chunk)), job.format)
        rest = stream.resample_chunk(PCM.decode(b""), last=True)
        yield from _cut(job.format.encode(rest), job.format)


def _cut(data: bytes, form: WireFormat) -> Iterator[bytes]:
    """Cut sound into pieces of the length of an event."""
    step = _DELTA_MS * form.bytes_per_ms
    for start in range(0, len(data), step):
        yield data[start : start + step]

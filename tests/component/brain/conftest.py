"""A session on a bench: deterministic abilities, and a watch on everything it sends.

`Bench` drives the sans-I/O session and does its jobs in the order in which a test wants
them done; `ProtocolWatch` (one folder up) checks every event of every test.
"""

from __future__ import annotations

import base64
import itertools
import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from device.brain.base.abilities import (
    Abilities,
    AbilityFailedError,
    Cancellation,
    FunctionTool,
    Piece,
    TextPiece,
    ThinkRequest,
    Transcript,
)
from device.brain.hearing.stt import WhisperTranscriber
from device.brain.sessions.session import Session
from device.brain.speaking.tts import HibariVoice
from device.brain.work.ear import Ear, resampled
from device.brain.work.jobs import (
    BeginTranscription,
    Close,
    DropTranscription,
    FeedTranscription,
    FinishTranscription,
    Hear,
    Job,
    LearnTools,
    Result,
    Send,
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
from device.brain.work.runner import _cut
from device.models import MissingModel, path_of

# --------------------------------------------------------------------------- real models


@pytest.fixture(scope="session")
def transcriber() -> WhisperTranscriber:
    """The brain's own ears, or a skip with the command that fetches them."""
    try:
        return WhisperTranscriber(path_of("whisper-tiny.en"))
    except MissingModel as missing:
        pytest.skip(f"{missing.what}: {missing.advice}")


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> HibariVoice:
    """The brain's own voice."""
    return HibariVoice(folder=tmp_path_factory.mktemp("words"))


# ------------------------------------------------------------------ deterministic abilities


class LoudnessDetector:
    """Takes loud for voiced: 1 above a tenth of full scale, else 0."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.int16)

    def process(self, samples: np.ndarray) -> list[float]:
        self._rest = np.concatenate((self._rest, samples))
        frames = len(self._rest) // 512
        chunks = self._rest[: frames * 512].reshape(-1, 512).astype(float)
        self._rest = self._rest[frames * 512 :]
        return [float(np.sqrt((chunk**2).mean()) > 3276) for chunk in chunks]

    def reset(self) -> None:
        self._rest = np.zeros(0, np.int16)


class CountingStream:
    """Hears one word for each started half second of loud sound."""

    def __init__(self, owner: CountingTranscriber) -> None:
        self.owner = owner
        self.fed = np.zeros(0, np.int16)
        self.cancelled = False

    def feed(self, samples: np.ndarray, voiced: bool) -> None:
        self.fed = np.concatenate((self.fed, samples))

    def settle(self, cancellation: Cancellation) -> Transcript:
        return Transcript(self.partial(), len(self.fed) / 16000)

    def partial(self) -> str:
        if self.owner.text is not None:
            return self.owner.text
        blocks = self.fed[: len(self.fed) // 160 * 160].reshape(-1, 160).astype(int)
        loud_s = (np.abs(blocks).max(axis=1) > 3276).sum() * 0.01
        words = math.ceil(loud_s / 0.5)
        return " ".join(["word"] * words) + ("." if words else "")

    def finish(self, cancellation: Cancellation) -> Transcript:
        if self.owner.failure:
            raise self.owner.failure
        return self.settle(cancellation)

    def cancel(self) -> None:
        self.cancelled = True


class CountingTranscriber:
    """Gives `text` where it is set, and counts loud half seconds otherwise."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.failure: AbilityFailedError | None = None
        self.languages: list[str | None] = []
        self.prompts: list[str] = []

    def start(self, language: str | None = None, prompt: str = "") -> CountingStream:
        self.languages.append(language)
        self.prompts.append(prompt)
        return CountingStream(self)

    def transcribe(
        self, samples: np.ndarray, language: str | None, cancellation: Cancellation
    ) -> Transcript:
        stream = self.start(language)
        stream.feed(samples, True)
        return stream.finish(cancellation)


class ScriptedThinker:
    """Gives the next of the answers that the test put there, or says how much it was given."""

    context_tokens = 2000

    def __init__(self) -> None:
        self.answers: deque[list[Piece | AbilityFailedError]] = deque()
        self.requests: list[ThinkRequest] = []
        self.learned: list[list[str]] = []

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        self.learned.append([tool.name for tool in tools])

    def answer(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        self.requests.append(request)
        default: list[Piece] = [TextPiece(f"I was given {len(request.items)} items.")]
        for piece in self.answers.popleft() if self.answers else default:
            if isinstance(piece, AbilityFailedError):
                raise piece
            yield piece

    def count_tokens(self, text: str) -> int:
        return len(text.split())


class ToneVoice:
    """Says each character as 10 ms of tone."""

    def __init__(self) -> None:
        self.sentences: list[tuple[str, str, float]] = []
        self.failure: AbilityFailedError | None = None

    def speak(
        self, sentence: str, voice: str, speed: float, cancellation: Cancellation
    ) -> Iterator[np.ndarray]:
        if self.failure:
            raise self.failure
        self.sentences.append((sentence, voice, speed))
        frames = int(240 * len(sentence) / speed)
        sound = (np.sin(np.arange(frames) * 0.1) * 8000).astype(np.int16)
        yield from np.array_split(sound, max(1, frames // 2400))


# --------------------------------------------------------------------------------- the bench


class Bench:
    """One session and a pair of hands that do its jobs, at once or when told to."""

    def __init__(self, watch: Any, **options: Any) -> None:
        self.transcriber = CountingTranscriber()
        self.thinker = ScriptedThinker()
        self.voice = ToneVoice()
        self.ear = Ear(LoudnessDetector())
        self.watch = watch
        self.events: list[dict[str, Any]] = []
        self.jobs: deque[Job] = deque()
        self.held: set[type] = set()
        """Kinds of jobs that are not done before `release`."""
        self.started: list[Job] = []
        self.stopped: set[int] = set()
        self.closed: Close | None = None
        self.streams: dict[int, CountingStream] = {}
        self.now_s = 1000.0
        self.rate_hz = 24_000
        numbers = itertools.count(1)
        self.session = Session(
            self.thinker,
            self.now_s,
            1_700_000_000.0,
            new_id=lambda prefix: f"{prefix}_{next(numbers)}",
            **options,
        )
        self.work()

    @property
    def abilities(self) -> Abilities:
        return Abilities(self.transcriber, self.thinker, self.voice, LoudnessDetector)

    # ------------------------------------------------------------------------- the client

    def send(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Send a client event; return the events that came of it."""
        return self.send_text(json.dumps({"type": kind, **fields}))

    def send_text(self, text: str | bytes) -> list[dict[str, Any]]:
        before = len(self.events)
        self.session.receive(text, self.now_s)
        self.work()
        return self.events[before:]

    def update(self, **session: Any) -> list[dict[str, Any]]:
        return self.send("session.update", session={"type": "realtime", **session})

    def detect(self, turn_detection: dict[str, Any] | None, **audio_input: Any) -> None:
        """Choose the turn detection."""
        audio = {"input": {"turn_detection": turn_detection, **audio_input}}
        assert self.update(audio=audio)[-1]["type"] == "session.updated"

    def speak(self, ms: int, loud: bool = True, step_ms: int = 40) -> list[dict[str, Any]]:
        """Append so much loud sound, or silence, as a microphone would."""
        before = len(self.events)
        for start in range(0, ms, step_ms):
            self.append(self.tone(min(step_ms, ms - start), loud))
            self.now_s += step_ms / 1000
        return self.events[before:]

    def append(self, samples: np.ndarray) -> None:
        data = samples.astype("<i2").tobytes()
        self.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())

    def tone(self, ms: int, loud: bool = True) -> np.ndarray:
        frames = ms * self.rate_hz // 1000
        swing = np.sin(np.arange(frames) * 2 * math.pi * 500 / self.rate_hz)
        return (swing * (16000 if loud else 0)).astype(np.int16)

    def say_something(self, ms: int = 800) -> list[dict[str, Any]]:
        """Speak a turn that server_vad ends."""
        before = len(self.events)
        self.speak(ms)
        self.speak(700, loud=False)
        return self.events[before:]

    def ask(self, text: str, **response: Any) -> list[dict[str, Any]]:
        """Write something and have it answered."""
        before = len(self.events)
        self.write(text)
        self.send("response.create", **({"response": response} if response else {}))
        return self.events[before:]

    def write(self, text: str, **fields: Any) -> list[dict[str, Any]]:
        item = {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": text}],
            **fields,
        }
        return self.send("conversation.item.create", item=item)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Let time pass."""
        before = len(self.events)
        self.now_s += seconds
        self.session.tick(self.now_s)
        self.work()
        return self.events[before:]

    # --------------------------------------------------------------------------- the jobs

    def work(self) -> None:
        """Do what the session wants until only held jobs are left."""
        while True:
            for effect in self.session.take():
                if isinstance(effect, Send):
                    self.watch.check(effect.event)
                    self.events.append(json.loads(json.dumps(effect.event)))
                elif isinstance(effect, Close):
                    self.closed = effect
                elif isinstance(effect, Stop):
                    self.stopped.add(effect.job)
                else:
                    self.started.append(effect)
                    self.jobs.append(effect)
            job = next((job for job in self.jobs if type(job) not in self.held), None)
            if job is None:
                return
            self.jobs.remove(job)
            for result in self.results(job):
                self.session.deliver(result, self.now_s)

    def hold(self, *kinds: type) -> None:
        self.held |= set(kinds)

    def release(self) -> list[dict[str, Any]]:
        """Do what was held."""
        before = len(self.events)
        self.held.clear()
        self.work()
        return self.events[before:]

    def deliver(self, result: Result) -> list[dict[str, Any]]:
        before = len(self.events)
        self.session.deliver(result, self.now_s)
        self.work()
        return self.events[before:]

    def held_jobs(self, kind: type) -> list[Any]:
        return [job for job in self.jobs if type(job) is kind]

    def results(self, job: Job) -> Iterator[Result]:
        match job:
            case Hear():
                yield self.ear.hear(job)
            case LearnTools():
                self.thinker.prepare(job.tools)
            case Think():
                yield from self._thoughts(job)
            case Speak():
                yield from self._sounds(job)
            case _:
                yield from self._transcription(job)

    def _thoughts(self, job: Think) -> Iterator[Result]:
        try:
            for piece in self.thinker.answer(job.request, Cancellation()):
                if job.job in self.stopped:
                    return
                yield Thought(job.job, piece)
        except AbilityFailedError as failure:
            yield ThoughtFailed(job.job, failure.code, failure.message)
        else:
            yield ThoughtEnded(job.job)

    def _sounds(self, job: Speak) -> Iterator[Result]:
        try:
            for chunk in self.voice.speak(job.sentence, job.voice, job.speed, Cancellation()):
                if job.job in self.stopped:
                    return
                step = 24_000 // job.format.rate_hz
                for data in _cut(job.format.encode(chunk[::step]), job.format):
                    yield Spoken(job.job, data)
        except AbilityFailedError as failure:
            yield SpeakingFailed(job.job, failure.code, failure.message)
        else:
            yield SpeakingEnded(job.job)

    def _transcription(self, job: Job) -> Iterator[Result]:
        cancellation = Cancellation()
        try:
            match job:
                case BeginTranscription():
                    self.streams[job.stream] = self.transcriber.start(job.language, job.prompt)
                case FeedTranscription():
                    self.streams[job.stream].feed(job.samples, job.voiced)
                case SettleTranscription():
                    yield Settled(job.stream, self.streams[job.stream].settle(cancellation))
                case FinishTranscription():
                    yield Transcribed(job.stream, self.streams[job.stream].finish(cancellation))
                case DropTranscription():
                    if job.stream in self.streams:
                        self.streams[job.stream].cancel()
                case TranscribeRecording():
                    samples = resampled(job.format.decode(job.data), job.format.rate_hz, 16_000)
                    yield Transcribed(
                        job.stream,
                        self.transcriber.transcribe(samples, job.language, cancellation),
                    )
                case _:
                    raise TypeError(f"no way to do {job}")
        except AbilityFailedError as failure:
            yield TranscriptionFailed(job.stream, failure.code, failure.message)

    # ---------------------------------------------------------------------------- reading

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return all events of a type so far."""
        return [event for event in self.events if event["type"] == kind]

    def last(self, kind: str) -> dict[str, Any]:
        return self.of(kind)[-1]

    @property
    def session_object(self) -> dict[str, Any]:
        both = [e for e in self.events if e["type"] in ("session.created", "session.updated")]
        session: dict[str, Any] = both[-1]["session"]
        return session


@pytest.fixture
def new_bench(new_watch: Callable[[], Any]) -> Callable[..., Bench]:
    """Make a bench with a session of these options."""
    return lambda **options: Bench(new_watch(), **options)


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def bench(request: pytest.FixtureRequest, new_bench: Callable[..., Bench]) -> Bench:
    """A session with the defaults; every test that takes it runs in both modes."""
    return new_bench(strict=request.param)


@pytest.fixture
def lenient_bench(new_bench: Callable[..., Bench]) -> Bench:
    """A session that ignores what nobody knows."""
    return new_bench()


@pytest.fixture
def strict_bench(new_bench: Callable[..., Bench]) -> Bench:
    """A session that refuses what the cloud refuses."""
    return new_bench(strict=True)


@pytest.fixture
def kinds() -> Callable[[list[dict[str, Any]]], list[str]]:
    """Return the types of events, runs of the same type as one."""

    def of(events: list[dict[str, Any]]) -> list[str]:
        return [kind for kind, _ in itertools.groupby(event["type"] for event in events)]

    return of

"""The real models: what they hear, say and write, offline, cancellable, and without a port."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from device.brain.answering.llm import ChatEnd, ChatModel, ChatText
from device.brain.answering.putting_together import load_thinker
from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import (
    AbilityFailedError,
    Cancellation,
    CancelledWorkError,
    Message,
    Samples,
    TextPart,
    TextPiece,
    ThinkRequest,
)
from device.brain.hearing.stt import WhisperTranscriber
from device.brain.speaking.pronunciation import load_pronunciation, prepare
from device.brain.speaking.tts import HibariVoice
from device.brain.work.ear import resampled
from device.models import MissingModel, path_of
from device.vad.silero import detectors

RATE_HZ = 16_000


def model(name: str) -> Path:
    try:
        return path_of(name)
    except MissingModel as missing:
        pytest.skip(f"{missing.what}: {missing.advice}")


@pytest.fixture(scope="module")
def chat() -> ChatModel:
    return ChatModel(model("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))


def spoken(voice: HibariVoice, text: str, speed: float = 1.0) -> Samples:
    sound = np.concatenate(list(voice.speak(text, "", speed, Cancellation())))
    return soxr.resample(sound.astype(np.float32), 24_000, RATE_HZ).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.int16)


def plain(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))


# ---------------------------------------------------------------------- hearing


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("commands/what_time_is_it.flac", "what time is it"),
        ("commands/set_timer.flac", "set a timer for 10 minutes"),
        ("commands/play_the_beatles.flac", "play the beatles"),
        ("speech/LJ001-0002.flac", "in being comparatively modern"),
    ],
)
def test_hears_people(
    transcriber: WhisperTranscriber, recordings: Path, file: str, words: str
) -> None:
    sound, _ = soundfile.read(recordings / file, dtype="int16")
    assert plain(transcriber.transcribe(sound, "en", Cancellation()).text) == words


def test_hears_nothing_in_silence_and_hum(transcriber: WhisperTranscriber) -> None:
    hum = (np.sin(np.arange(3 * RATE_HZ) * 2 * np.pi * 50 / RATE_HZ) * 300).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 100, 3 * RATE_HZ).astype(np.int16)
    for sound in (silence(2), hum, noise):
        assert transcriber.transcribe(sound, "en", Cancellation()).text == ""


def test_nothing_is_left_to_do_after_a_pause(
    transcriber: WhisperTranscriber, voice: HibariVoice
) -> None:
    stream = transcriber.start("en")
    stream.feed(spoken(voice, "Set a timer for ten minutes."), voiced=True)
    settled = stream.settle(Cancellation())
    stream.feed(silence(0.5), voiced=False)
    began = time.perf_counter()
    finished = stream.finish(Cancellation())
    assert time.perf_counter() - began < 0.005
    assert finished.text == settled.text == stream.partial()
    assert plain(finished.text) == "set a timer for 10 minutes"
    assert finished.seconds == pytest.approx(settled.seconds + 0.5)


def test_words_after_a_pause_count(transcriber: WhisperTranscriber, voice: HibariVoice) -> None:
    stream = transcriber.start("en")
    stream.feed(spoken(voice, "Add milk"), voiced=True)
    stream.settle(Cancellation())
    stream.feed(spoken(voice, "to the shopping list."), voiced=True)
    heard = plain(stream.finish(Cancellation()).text)
    assert heard.endswith("to the shopping list")
    assert "milk" in heard


def test_long_speech_is_cut_at_its_pauses(
    transcriber: WhisperTranscriber, voice: HibariVoice
) -> None:
    stream = transcriber.start("en")
    sentences = [
        "The old house stood at the end of a narrow street, behind two tall trees.",
        "Nobody had lived there for many years, and the garden was full of weeds.",
        "One morning in spring a young woman opened the gate and walked to the door.",
        "She had a heavy key in her hand, and a small brown dog beside her.",
        "The door opened slowly, and the smell of dust and old books met them.",
        "We will paint the walls, she said, and the dog looked up at her.",
    ]
    for sentence in sentences:
        stream.feed(spoken(voice, sentence), voiced=True)
        stream.settle(Cancellation())
    heard = stream.finish(Cancellation())
    assert heard.seconds > 20
    assert 70 <= len(heard.text.split()) <= 95
    for word in ("trees", "weeds", "gate", "brown dog", "old books", "looked up"):
        assert word in heard.text.lower()


def test_speech_without_a_pause_is_not_lost(
    transcriber: WhisperTranscriber, voice: HibariVoice
) -> None:
    fruits = ("apples", "pears", "cherries", "lemons", "melons", "carrots", "onions", "potatoes")
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Easter")
    sentences = [
        f"On {day} we all went to the market together and bought some {fruit}."
        for day, fruit in zip(days, fruits, strict=True)
    ]
    sound = np.concatenate([spoken(voice, sentence) for sentence in sentences])
    stream = transcriber.start("en")
    for start in range(0, len(sound), 1600):
        stream.feed(sound[start : start + 1600], voiced=True)
    heard = stream.finish(Cancellation()).text.lower()
    assert sum(fruit[:5] in heard for fruit in fruits) >= 6


def test_expected_words_are_heard(transcriber: WhisperTranscriber, recordings: Path) -> None:
    expected = "mocha, cappuccino, iced coffee, light roast, dark roast, triple shot, sweetener"
    found = {expected: 0, "": 0}
    files = sorted((recordings / "commands" / "coffee").glob("*.flac"))[:12]
    for words in found:
        for file in files:
            sound, _ = soundfile.read(file, dtype="int16")
            stream = transcriber.start("en", words)
            stream.feed(sound, voiced=True)
            heard = stream.finish(Cancellation()).text.lower()
            found[words] += sum(word in heard for word in ("mocha", "roast", "iced", "shot"))
    assert found[expected] >= found[""]


def test_a_cancelled_transcription_does_not_wait_for_the_others(
    transcriber: WhisperTranscriber, voice: HibariVoice
) -> None:
    cancellation = Cancellation()
    sound = spoken(voice, "What time is it?")
    with transcriber._held(Cancellation()):
        threading.Timer(0.1, cancellation.cancel).start()
        began = time.perf_counter()
        with pytest.raises(CancelledWorkError):
            transcriber.decode(sound, "en", "", cancellation)
        assert time.perf_counter() - began < 0.25


def test_four_speakers_at_once_are_all_heard(
    transcriber: WhisperTranscriber, voice: HibariVoice
) -> None:
    words = ["Turn it up.", "What time is it?", "Cancel the timer.", "Good morning."]
    sounds = [spoken(voice, text) for text in words]
    heard: dict[int, str] = {}

    def listen(number: int) -> None:
        heard[number] = transcriber.transcribe(sounds[number], "en", Cancellation()).text

    threads = [threading.Thread(target=listen, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [plain(heard[number]) for number in range(4)] == [plain(text) for text in words]


def test_a_missing_model_is_a_clear_failure(tmp_path: Path) -> None:
    with pytest.raises(AbilityFailedError, match="speech to text"):
        WhisperTranscriber(tmp_path).load()


# ---------------------------------------------------------------------- speaking


def test_speaks_in_chunks_without_silence_before(voice: HibariVoice) -> None:
    chunks = list(voice.speak("Your pasta timer is done.", "", 1.0, Cancellation()))
    sound = np.concatenate(chunks)
    assert all(chunk.dtype == np.int16 and len(chunk) <= 2400 for chunk in chunks)
    first = np.flatnonzero(np.abs(sound) > 328)[0]
    last = np.flatnonzero(np.abs(sound) > 328)[-1]
    assert first < 0.06 * 24_000
    assert 0.2 * 24_000 < len(sound) - last < 0.5 * 24_000


def test_speed_changes_the_length(voice: HibariVoice) -> None:
    lengths = [len(spoken(voice, "How are you today?", speed)) for speed in (0.25, 1.0, 1.5)]
    assert lengths[0] > 3 * lengths[1]
    assert lengths[2] < 0.8 * lengths[1]


@pytest.mark.parametrize("text", ["", "   ", "😀", "...", "**", "\x00", "你好"])
def test_says_nothing_where_there_are_no_words(voice: HibariVoice, text: str) -> None:
    assert sum(map(len, voice.speak(text, "", 1.0, Cancellation()))) < 2 * 24_000


def test_a_long_sentence_begins_soon_and_can_be_cancelled(voice: HibariVoice) -> None:
    text = "This is a sentence, which goes on and on, without ever coming to an end, " * 12
    voice.load()
    cancellation = Cancellation()
    chunks = voice.speak(text, "", 1.0, cancellation)
    began = time.process_time()
    next(chunks)
    assert time.process_time() - began < 0.8
    cancellation.cancel()
    with pytest.raises(CancelledWorkError):
        next(chunks)


def test_packed_words_are_pronounced_as_by_the_package(tmp_path: Path) -> None:
    from hibari.g2p import G2P

    packed, original = load_pronunciation(tmp_path), G2P()
    for text in (
        "The record was read by Dr. Smith at 7:30 p.m. on 3 March 2026.",
        "Kowalczyk's zyzzyva costs $9.99, i.e. a lot; we live to hear live music.",
    ):
        assert packed(text) == original(text)
    assert prepare(tmp_path).is_dir()


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert load_pronunciation(blocked)("hello")


# ---------------------------------------------------------------------- chatting


def test_chats_and_says_why_it_ended(chat: ChatModel) -> None:
    messages = [{"role": "user", "content": "Say hello."}]
    pieces = list(chat.stream(messages, Cancellation(), most_tokens=12))
    assert "".join(piece.text for piece in pieces if isinstance(piece, ChatText)).strip()
    assert isinstance(pieces[-1], ChatEnd)
    assert pieces[-1].reason in ("stop", "length")


def test_stops_when_cancelled_and_answers_the_next(chat: ChatModel) -> None:
    cancellation = Cancellation()
    pieces = chat.stream(
        [{"role": "user", "content": "Tell a very long story."}], cancellation, most_tokens=400
    )
    next(pieces)
    cancellation.cancel()
    began = time.process_time()
    assert len(list(pieces)) <= 2
    assert time.process_time() - began < 0.5
    again = chat.stream([{"role": "user", "content": "Hi"}], Cancellation(), most_tokens=3)
    assert list(again)


def test_a_prompt_that_is_being_read_can_be_cancelled(chat: ChatModel) -> None:
    chat.load()
    cancellation = Cancellation()
    messages = [{"role": "user", "content": "word salad and some more of it " * 80}]
    threading.Timer(0.2, cancellation.cancel).start()
    began = time.process_time()
    assert list(chat.stream(messages, cancellation, most_tokens=5)) == []
    assert time.process_time() - began < 1.5  # reading it all takes several seconds


def test_opens_no_port(chat: ChatModel) -> None:
    chat.load()
    own = subprocess.run(
        ["ss", "-Hltnup"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    import os

    assert not [line for line in own if f"pid={os.getpid()}," in line]
    listening = Path("/proc/net/unix").read_text(encoding="utf-8").splitlines()
    named = [line.split()[-1] for line in listening if "chat.sock" in line]
    assert not [name for name in named if Path(name).exists()]


def test_a_file_that_is_no_model_is_a_clear_failure(tmp_path: Path) -> None:
    wrong = tmp_path / "model.gguf"
    wrong.write_bytes(b"GGUF" + bytes(64))
    for file in (wrong, tmp_path / "absent.gguf"):
        with pytest.raises(AbilityFailedError):
            ChatModel(file).load()


@pytest.fixture(scope="module")
def thinker() -> LayeredThinker:
    return load_thinker(model("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))


def test_tells_a_story_in_sentences_without_figures(thinker: LayeredThinker) -> None:
    said = Message("user", (TextPart("Tell me a story about a cat."),))
    pieces = list(thinker.answer(ThinkRequest([said], ""), Cancellation()))
    texts = [piece.text for piece in pieces if isinstance(piece, TextPiece)]
    assert texts
    assert not re.search(r"\d|https?:", "".join(texts))


# ---------------------------------------------------------------------- offline

_OFFLINE = """
import socket, sys

def refuse(*args, **kwargs):
    raise AssertionError(f"tried the network: {args}")

class Refused(socket.socket):
    def connect(self, address):
        if self.family != socket.AF_UNIX:
            refuse(address)
        return super().connect(address)
    connect_ex = sendto = refuse

socket.socket = Refused
socket.create_connection = socket.getaddrinfo = refuse
from device.brain.loading import load_abilities
from device.brain.base.abilities import Cancellation, Message, TextPart, ThinkRequest
abilities = load_abilities()
sound = list(abilities.voice.speak("What time is it, Kowalczyk?", "", 1.0, Cancellation()))
assert sound
import numpy as np
abilities.transcriber.transcribe(np.concatenate(sound)[::2], "en", Cancellation())
said = Message("user", (TextPart("Tell me a story."),))
assert list(abilities.thinker.answer(ThinkRequest([said], ""), Cancellation()))
assert not [name for name in sys.modules if name.startswith(("huggingface_hub", "requests"))]
"""


def test_nothing_tries_the_network() -> None:
    model("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    model("whisper-tiny.en")
    ended = subprocess.run(
        [sys.executable, "-c", _OFFLINE], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_sockets_are_what_the_offline_test_blocks() -> None:
    """The test above would be worth nothing if its refusal did not refuse."""
    code = _OFFLINE.split("from device", 1)[0] + "socket.create_connection(('127.0.0.1', 9))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "tried the network" in ended.stderr
    assert socket.AF_INET


@pytest.fixture(autouse=True)
def no_stray_threads() -> Iterator[None]:
    yield
    names = [thread.name for thread in threading.enumerate() if thread.name == "chat-model"]
    assert not names


# ------------------------------------------------------------------ what sessions share


def test_detectors_share_the_model_and_nothing_else(models, say):
    make = detectors(path_of("silero/silero_vad.onnx"))
    sound = resampled(say("What is seven times eight?"), 24_000, 16_000)
    noise = np.random.default_rng(1).integers(-300, 300, len(sound)).astype(np.int16)
    alone = make().process(sound), make().process(noise)
    first, second = make(), make()
    with ThreadPoolExecutor(2) as pool:
        together = tuple(
            pool.map(lambda pair: pair[0].process(pair[1]), [(first, sound), (second, noise)])
        )
    assert together == alone
    assert max(alone[0]) > 0.9
    assert max(alone[1]) < 0.5


def test_what_stops_work_is_called_once_and_only_while_it_matters():
    cancellation = Cancellation()
    stops: list[str] = []
    with cancellation.stopping(lambda: stops.append("over")):
        pass
    with cancellation.stopping(lambda: stops.append("now")):
        cancellation.cancel()
    with cancellation.stopping(lambda: stops.append("late")):
        pass
    assert stops == ["now", "late"]


def test_as_shipped_there_is_no_chat_model_even_where_one_lies_in_the_store() -> None:
    model("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    for words in ("Nobody at school likes me.", "I love pizza."):
        said = Message("user", (TextPart(words),))
        pieces = list(load_thinker().answer(ThinkRequest([said], ""), Cancellation()))
        text = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
        assert text.startswith("Sorry, I didn't")

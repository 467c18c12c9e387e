"""``bittern bench endpointing``: who is cut off, and who is kept waiting.

Sentences of people and of the synthesizer are stopped between two words, where something is
surely missing, and it is measured how long each rule waits there: a pause longer than that
cuts the speaker off. After whole sentences the same wait is the delay of every answer. The
sentences measured here were not learned from. Beside Bittern's own judgement: a fixed
silence, and the brain's ``semantic_vad``, which reads the words.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.models import path_of, store
from device.vad.endpointing import PAUSE_MS, Ended, Endpointer, SpeechRule
from device.vad.sentence_end import open_judge
from device.vad.silero import HOP_SAMPLES, RATE_HZ, Silero
from device.vad.speech import Judge, SpeechPipeline
from device.workshop.training.turns.examples import (
    NEVER_LAST,
    Floats,
    LabelledRecording,
    Sound,
    as_int16,
    is_held_out,
    mixed_at,
    paused,
    plain,
    room_tone,
    speech_end,
    sure_cuts,
)

PAUSES_MS = (300, 500, 800, 1200)
"""Lengths of the inserted pauses."""
SILENCE_S = 2.6
"""Silence behind everything: longer than any rule waits."""
NOISE_DB = 10.0
MOST_CUTS = 3
_SECOND_HALF = 0.5
"""The first half of the noise was used for learning."""
SENTENCES = (
    "Set a timer for ten minutes.",
    "Set an alarm for six thirty in the morning.",
    "Turn off the lights in the living room.",
    "What's the weather like in London tomorrow?",
    "Play the new album by the Beatles.",
    "Add two cartons of eggs and a loaf of bread to the list.",
    "Remind me to water the plants when I get home.",
    "How far is it from here to the nearest station?",
    "Tell me a joke about a talking dog.",
    "Could you please close the curtains in the guest room?",
    "What is the square root of one hundred and forty four?",
    "Call my mother on her mobile phone.",
    "I need a taxi to the airport at a quarter to five.",
    "Who wrote the play about the prince of Denmark?",
    "Make the bathroom a little warmer for the next hour.",
    "When is the next bus to the city centre?",
    "Put my meeting with the dentist into the calendar.",
    "Is there any milk left in the fridge?",
    "Can you read me the headlines of this morning?",
    "Lower the volume of the speaker in the study.",
)
"""Other sentences than those of :mod:`device.workshop.training.turns.sentences`."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench endpointing``."""
    parser = benches.add_parser(
        "endpointing", help="when a question is taken to be over: cut-offs and delay"
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="recordings of people; a quarter of them, which nobody learned from, is measured",
    )
    parser.add_argument("--all", action="store_true", help="measure with all the recordings")
    parser.add_argument("--most", type=int, default=80, metavar="N", help="recordings (80)")
    parser.add_argument(
        "--no-words", action="store_true", help="leave out semantic_vad, which takes longest"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench endpointing``."""
    silero = Silero(path_of("silero/silero_vad.onnx"))
    groups = {"synthesized": list(_synthesized(silero))}
    noise = _pink()
    if chosen.recordings is not None:
        groups["people"] = list(_people(chosen.recordings, silero, chosen.all, chosen.most))
        noise = _kitchen(chosen.recordings, noise)
    contestants = _contestants(silero, with_words=not chosen.no_words)
    figures: dict[str, Any] = {}
    for group, sources in groups.items():
        for condition, noise_db in (("quiet", None), (f"{NOISE_DB:g} dB", NOISE_DB)):
            trials = _trials(sources, noise, noise_db)
            figures[f"{group}, {condition}"] = {
                "sentences": len(sources),
                "cuts": sum(not trial.is_finished for trial in trials),
                "surely_open_cuts": sum(trial.is_surely_open for trial in trials),
                "rules": {name: _figures(waits, trials) for name, waits in contestants.items()},
            }
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- what is measured with -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PauseTrial:
    """A sound that stops, and whether the sentence was over."""

    sound: Sound
    end: int
    """The last sample of speech."""
    is_finished: bool
    is_surely_open: bool = False
    """The last word cannot end a sentence ("for", "the", "and")."""


def _people(folder: Path, silero: Silero, every: bool, most: int) -> Iterator[LabelledRecording]:
    from device.wake.scoring import load
    from device.workshop.training.turns.words import Aligner

    aligner = Aligner(path_of("whisper-tiny.en/model.bin").parent)
    paths = sorted((folder / "commands").rglob("*.flac")) or sorted(folder.rglob("*.flac"))
    for path in [path for path in paths if every or is_held_out(path.name)][:most]:
        sound = load(path)
        end = speech_end(silero, sound)
        words = aligner.words(sound[:end]) if end is not None else []
        if end is not None and len(words) > 1:
            yield LabelledRecording(
                path.name, sound, words, "people", end, sure_cuts(sound[:end], words)
            )


def _synthesized(silero: Silero) -> Iterator[LabelledRecording]:
    from device.brain.speaking.tts import HibariVoice
    from device.workshop.training.turns.collect import spoken
    from device.workshop.training.turns.words import Aligner

    aligner = Aligner(path_of("whisper-tiny.en/model.bin").parent)
    voice = HibariVoice()
    for number, text in enumerate(SENTENCES):
        sound = spoken(voice, text, 0.85 + 0.05 * (number % 7))
        end = speech_end(silero, sound)
        words = aligner.words(sound)
        if end is not None and len(words) > 1:
            cuts = sure_cuts(sound[:end], words)
            yield LabelledRecording(f"sentence-{number}", sound, words, "synthesized", end, cuts)


def _kitchen(folder: Path, otherwise: Sound) -> Sound:
    from device.wake.scoring import load

    path = folder / "noise" / "kitchen.flac"
    if not path.exists():
        return otherwise
    noise = load(path)
    return noise[round(len(noise) * _SECOND_HALF) :]


def _pink() -> Sound:
    count = 20 * RATE_HZ
    spectrum = np.fft.rfft(np.random.default_rng(9).normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0))
    noise = np.fft.irfft(spectrum, count)
    return as_int16((noise / np.std(noise) * 1000.0).astype(np.float32))


def _trials(
    sources: list[LabelledRecording], noise: Sound, noise_db: float | None
) -> list[PauseTrial]:
    chance = np.random.default_rng(11)
    trials = []
    for source in sources:
        cuts = chance.permutation(np.array(source.cuts, dtype=int))[:MOST_CUTS]
        for cut in sorted(map(int, cuts)):
            sound = paused(source, cut, chance, SILENCE_S)
            end = len(sound) - round(SILENCE_S * RATE_HZ)
            is_open = _last_word(source, cut) in NEVER_LAST
            trials.append(PauseTrial(_noisy(sound, noise, noise_db, chance), end, False, is_open))
        whole = source.sound[max(0, source.speech_end - 4 * RATE_HZ) :].astype(np.float32)
        end = min(source.speech_end, 4 * RATE_HZ)
        # What the microphone heard itself, as far as it goes, then more of the same room.
        tone = room_tone(source.sound, round(SILENCE_S * RATE_HZ), chance)
        sound = np.concatenate((whole, tone))
        trials.append(PauseTrial(_noisy(sound, noise, noise_db, chance), end, True))
    return trials


def _last_word(source: LabelledRecording, cut: int) -> str:
    before = [word for word in source.words if word.end_s <= cut / RATE_HZ + 0.1]
    return plain(before[-1]) if before else ""


def _noisy(
    sound: Floats, noise: Sound, noise_db: float | None, chance: np.random.Generator
) -> Sound:
    if noise_db is not None:
        sound = mixed_at(sound, noise, noise_db, chance)
    return as_int16(sound)


# -- who decides -----------------------------------------------------------------------

Waits = Callable[[PauseTrial], float | None]
"""Milliseconds from the end of speech to the decision; None: never decided."""


def _contestants(silero: Silero, with_words: bool) -> dict[str, Waits]:
    contestants: dict[str, Waits] = {
        f"fixed {ms} ms": _by_pipeline(silero, SpeechRule(end_silence_ms=ms), None)
        for ms in (300, 500, 800)
    }
    judge = open_judge(store())
    if judge is not None:
        contestants["bittern"] = _by_pipeline(silero, SpeechRule(), judge)
    if with_words:
        contestants["semantic_vad (brain)"] = _by_words(silero)
    return contestants


def _by_pipeline(silero: Silero, rule: SpeechRule, judge: Judge | None) -> Waits:
    pipeline = SpeechPipeline(silero, rule, judge)

    def waits(trial: PauseTrial) -> float | None:
        pipeline.begin(0)
        for at in range(0, len(trial.sound), HOP_SAMPLES):
            ended = [
                each
                for each in pipeline.process(trial.sound[at : at + HOP_SAMPLES], at)
                if isinstance(each, Ended)
            ]
            now = at + HOP_SAMPLES
            if ended and now > trial.end:
                return (now - trial.end) * 1000 / RATE_HZ
        return None

    return waits


def _by_words(silero: Silero) -> Waits:
    """The brain's way: transcribe in the pause, judge the words, wait accordingly.

    The time that the transcription takes on this machine counts.
    """
    from device.brain.base.abilities import Cancellation
    from device.brain.hearing.semantics import wait_ms
    from device.brain.hearing.stt import WhisperTranscriber

    transcriber = WhisperTranscriber(path_of("whisper-tiny.en/model.bin").parent)

    def waits(trial: PauseTrial) -> float | None:
        pause = _pause_at(silero, trial)
        if pause is None:
            return None
        found, voiced_end = pause
        began_s = time.perf_counter()
        text = transcriber.transcribe(trial.sound[:found], "en", Cancellation()).text
        took_ms = (time.perf_counter() - began_s) * 1000
        wanted = wait_ms(text, "medium") if text else 4000
        decided_ms = max(float(wanted), (found - voiced_end) * 1000 / RATE_HZ + took_ms)
        return decided_ms + (voiced_end - trial.end) * 1000 / RATE_HZ

    return waits


def _pause_at(silero: Silero, trial: PauseTrial) -> tuple[int, int] | None:
    """Where the last pause was found, and where the voice before it ended."""
    silero.reset()
    endpointer = Endpointer(SpeechRule(end_silence_ms=PAUSE_MS))
    for number, probability in enumerate(silero.process(trial.sound), start=1):
        ended = endpointer.update(probability)
        if isinstance(ended, Ended) and number * HOP_SAMPLES > trial.end:
            return number * HOP_SAMPLES, ended.at_sample
    return None


# -- figures ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Waits:
    unfinished: list[float] = field(default_factory=list)
    surely_open: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    undecided: int = 0


def _figures(waits: Waits, trials: list[PauseTrial]) -> dict[str, Any]:
    found = _Waits()
    for trial in trials:
        wait_ms = waits(trial)
        if trial.is_finished:
            if wait_ms is None:
                found.undecided += 1
            else:
                found.finished.append(wait_ms)
            continue
        lasting = float("inf") if wait_ms is None else wait_ms
        found.unfinished.append(lasting)
        if trial.is_surely_open:
            found.surely_open.append(lasting)
    return {
        "cut_off_share": {str(ms): _share_below(found.unfinished, ms) for ms in PAUSES_MS},
        "cut_off_share_surely_open": {
            str(ms): _share_below(found.surely_open, ms) for ms in PAUSES_MS
        },
        "delay_ms": {
            "median": round(float(np.percentile(found.finished, 50))),
            "mean": round(float(np.mean(found.finished))),
            "p90": round(float(np.percentile(found.finished, 90))),
        },
        "never_decided": found.undecided,
    }


def _share_below(waits_ms: list[float], pause_ms: int) -> float:
    return round(float(np.mean([wait < pause_ms for wait in waits_ms])), 3) if waits_ms else 0.0


def _table(figures: dict[str, Any]) -> str:
    lines = []
    for name, group in figures.items():
        lines.append(f"{name}: {group['sentences']} sentences, {group['cuts']} cuts")
        pauses = "".join(f"{ms:>7}" for ms in PAUSES_MS)
        lines.append(f"  {'cut off, % at a pause of (ms)':34}{pauses}   delay: median, mean, p90")
        for rule, each in group["rules"].items():
            shares = "".join(f"{100 * s:7.1f}" for s in each["cut_off_share"].values())
            delay = each["delay_ms"]
            ms = f"{delay['median']:8}{delay['mean']:8}{delay['p90']:8}"
            lines.append(f"  {rule:34}{shares}   {ms}")
            open_ = "".join(f"{100 * s:7.1f}" for s in each["cut_off_share_surely_open"].values())
            lines.append(f"  {'  after for, the, and …':34}{open_}")
    return "\n".join(lines)

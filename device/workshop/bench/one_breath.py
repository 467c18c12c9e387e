"""``bittern bench one-breath``: a wake word and a question right behind it, from recordings.

Takes of a word by people, each followed after a gap by an order that people spoke, in quiet and
in kitchen noise. What hears them is what listens in the appliance, without its thread. For each
pair that is heard: how much of the question is not sent, how much of the word is, and how long
after the word's end it was known where it ends.

Where a take ends, and where an order begins, is where its level passes a threshold between its
own quiet and its own peak: that is good to 20 ms or so on recordings of this kind.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from device.audio.files import read_sound
from device.audio.resample import resample
from device.audio.samples import Floats, Samples, to_float
from device.ears.heard import WakeWordEnded, WakeWordHeard
from device.ears.listener import VadSettings, build_listener
from device.wake.open import WakeSettings

RATE_HZ = 16_000
GAPS_MS = (0, 50, 100, 200)
NOISES_DB: tuple[float | None, ...] = (None, 10.0)
"""Signal to noise; None: a quiet room."""
SPEECH_DBFS, ROOM_DBFS = -26.0, -68.0
LEAD_S, REST_S = 2.0, 1.0
PAIRS = 400
CUT_MS = 20.0
_FRAME = RATE_HZ // 100
_BELOW_PEAK_DB = 26.0
_PAUSE_FRAMES = 20
_ABOVE_QUIET_DB = 10.0
WORDS = {"alexa": "alexa", "computer": "computer", "jarvis": "jarvis", "hey jarvis": "jarvis"}
"""Each word, and whose takes speak it; before "jarvis" goes a "hey" of the same folder's kind."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench one-breath``."""
    parser = benches.add_parser("one-breath", help="a question right behind the wake word")
    parser.add_argument(
        "--recordings", type=Path, required=True, metavar="DIR", help="recordings of people"
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, metavar="N", help="in all (400)")
    parser.add_argument(
        "--words", nargs="+", default=list(WORDS)[:3], metavar="WORD", help="of these words"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="tell the N worst pairs")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Pair:
    """A word and a question behind it, and where each is."""

    word: str
    take: str
    order: str
    gap_ms: int
    noise_db: float | None
    sound: Samples
    word_ends: int
    question_begins: int


@dataclass(frozen=True, slots=True)
class BreathOutcome:
    """What came of a pair that was heard."""

    pair: Pair
    cut_ms: float
    """Of the question, not sent."""
    along_ms: float
    """Of the word, sent."""
    before_decision_ms: float
    """How far before the decision sending begins."""
    known_ms: float
    """After the word's end."""


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench one-breath``."""
    outcomes: list[BreathOutcome] = []
    missed = 0
    for pair in pairs(chosen.recordings, chosen.words, chosen.pairs, chosen.seed):
        outcome = listen_to(pair)
        if outcome is None:
            missed += 1
        else:
            outcomes.append(outcome)
    figures = _figures(outcomes, missed)
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    for each in sorted(outcomes, key=lambda it: -it.cut_ms)[: chosen.worst]:
        print(f"cut {each.cut_ms:.0f} ms: {each.pair.take} + {each.pair.gap_ms} ms + "
              f"{each.pair.order}, noise {each.pair.noise_db}")  # fmt: skip
    return 0


# -- sounds ----------------------------------------------------------------------------


def pairs(folder: Path, words: list[str], count: int, seed: int) -> Iterator[Pair]:
    """As many pairs of each word, gap and noise."""
    random = np.random.default_rng(seed)
    kinds = [(word, gap, noise) for word in words for gap in GAPS_MS for noise in NOISES_DB]
    orders = sorted((folder / "commands" / "coffee").glob("*.flac"))
    kitchen = _floats(folder / "noise" / "kitchen.flac")
    heys = sorted((folder / "hey_people" / "hey_computer").rglob("*.flac"))
    takes = {word: sorted((folder / "wake" / WORDS[word]).glob("*.flac")) for word in words}
    for number in range(count):
        word, gap_ms, noise_db = kinds[number % len(kinds)]
        take = takes[word][random.integers(len(takes[word]))]
        order = orders[random.integers(len(orders))]
        spoken = _spoken(take)
        if word.startswith("hey "):
            spoken = np.concatenate((_first_word(heys[random.integers(len(heys))]), spoken))
        empty = np.zeros(0, np.int16)
        kind = Pair(word, take.name, order.name, gap_ms, noise_db, empty, 0, 0)
        yield _joined(kind, spoken, _spoken(order), kitchen, random)


def _joined(
    kind: Pair, word: Floats, question: Floats, kitchen: Floats, random: np.random.Generator
) -> Pair:
    gap = np.zeros(kind.gap_ms * RATE_HZ // 1000, np.float32)
    lead, rest = (np.zeros(round(s * RATE_HZ), np.float32) for s in (LEAD_S, REST_S))
    sound = np.concatenate((lead, word, gap, question, rest))
    sound += random.normal(size=len(sound)).astype(np.float32) * 10 ** (ROOM_DBFS / 20)
    if kind.noise_db is not None:
        at = int(random.integers(len(kitchen) - len(sound)))
        noise = kitchen[at : at + len(sound)]
        sound += noise * 10 ** ((SPEECH_DBFS - kind.noise_db) / 20) / _rms(noise)
    word_ends = len(lead) + len(word)
    return Pair(
        kind.word, kind.take, kind.order, kind.gap_ms, kind.noise_db,
        np.clip(sound * 32768, -32768, 32767).astype(np.int16),
        word_ends, word_ends + len(gap),
    )  # fmt: skip


def _floats(path: Path) -> Floats:
    sound, rate_hz = read_sound(path)
    return to_float(resample(sound, rate_hz, RATE_HZ))


def _rms(sound: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) + 1e-9


def _spoken(path: Path) -> Floats:
    """A recording from where it is spoken to where it is not any more, at the level of speech."""
    sound = _floats(path)
    begin, end = _bounds(sound)
    cut = sound[begin:end]
    return np.asarray(cut * (10 ** (SPEECH_DBFS / 20) / _rms(cut)), np.float32)


def _bounds(sound: Floats) -> tuple[int, int]:
    """Of the stretch around the loudest moment that no pause divides: not a click behind it."""
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.convolve(np.mean(np.square(frames), axis=1), np.ones(3) / 3, "same")
    level_db = 10 * np.log10(power + 1e-10)
    quiet_db = float(np.percentile(level_db, 10))
    limit_db = max(level_db.max() - _BELOW_PEAK_DB, quiet_db + _ABOVE_QUIET_DB)
    loud = np.flatnonzero(level_db > limit_db)
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > _PAUSE_FRAMES) + 1)
    peak = int(level_db.argmax())
    part = next(it for it in parts if len(it) and it[0] <= peak <= it[-1])
    return int(part[0]) * _FRAME, (int(part[-1]) + 1) * _FRAME


def _first_word(path: Path) -> Floats:
    """The "hey" that a phrase begins with: up to its first dip after 120 ms."""
    spoken = _spoken(path)
    frames = spoken[: len(spoken) // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.mean(np.square(frames), axis=1)[12:35]
    if not len(power):
        return spoken
    return spoken[: (12 + int(np.argmin(power))) * _FRAME]


# -- listening ---------------------------------------------------------------------------


def listen_to(pair: Pair) -> BreathOutcome | None:
    """Have it heard; None where the word was missed."""
    listener = build_listener(RATE_HZ, WakeSettings(words=(pair.word,)), VadSettings(gate=False))
    heard: WakeWordHeard | None = None
    step = RATE_HZ // 50
    for at in range(0, len(pair.sound), step):
        for event in listener.process(pair.sound[at : at + step]):
            match event:
                case WakeWordHeard() if heard is None:
                    heard = event
                case WakeWordEnded() if heard is not None:
                    return _outcome(pair, heard, event.end_sample, at + step)
                case _:
                    pass
    return None if heard is None else _outcome(pair, heard, heard.end_sample, len(pair.sound))


def _outcome(pair: Pair, heard: WakeWordHeard, begins: int, known_at: int) -> BreathOutcome:
    per_ms = RATE_HZ / 1000
    return BreathOutcome(
        pair,
        cut_ms=max(0, begins - pair.question_begins) / per_ms,
        along_ms=max(0, pair.word_ends - begins) / per_ms,
        before_decision_ms=(heard.at_sample - begins) / per_ms,
        known_ms=(known_at - pair.word_ends) / per_ms,
    )


# -- figures -------------------------------------------------------------------------------


def _figures(outcomes: list[BreathOutcome], missed: int) -> dict[str, Any]:
    rows = []
    for word in dict.fromkeys(it.pair.word for it in outcomes):
        for noise in NOISES_DB:
            of = [it for it in outcomes if (it.pair.word, it.pair.noise_db) == (word, noise)]
            if of:
                rows.append({"word": word, "noise_db": noise, **_row(of)})
    return {"pairs": len(outcomes) + missed, "missed": missed, "rows": rows, "all": _row(outcomes)}


def _row(of: list[BreathOutcome]) -> dict[str, Any]:
    cut = np.array([it.cut_ms for it in of])
    along = np.array([it.along_ms for it in of])
    known = np.array([it.known_ms for it in of])
    before = np.array([it.before_decision_ms for it in of])
    return {
        "heard": len(of),
        f"cut_by_more_than_{CUT_MS:g}_ms": int((cut > CUT_MS).sum()),
        "worst_cut_ms": round(float(cut.max()), 1),
        "word_sent_p50_ms": round(float(np.median(along)), 1),
        "word_sent_p99_ms": round(float(np.percentile(along, 99)), 1),
        "word_sent_worst_ms": round(float(along.max()), 1),
        "before_decision_worst_ms": round(float(before.max()), 1),
        "known_p50_ms": round(float(np.median(known)), 1),
        "known_p99_ms": round(float(np.percentile(known, 99)), 1),
    }


def _table(figures: dict[str, Any]) -> str:
    lines = [
        f"{figures['pairs']} pairs, {figures['missed']} words missed",
        f"{'word':12} {'noise':>6} {'heard':>6} {'cut > 20 ms':>12} {'worst cut':>10} "
        f"{'word sent p50':>14} {'p99':>6} {'worst':>6} {'known p50':>10} {'p99':>6}",
    ]
    for row in (*figures["rows"], {"word": "all", "noise_db": None, **figures["all"]}):
        noise = "quiet" if row["noise_db"] is None else f"{row['noise_db']:g} dB"
        noise = "" if row["word"] == "all" else noise
        lines.append(
            f"{row['word']:12} {noise:>6} {row['heard']:6} {row['cut_by_more_than_20_ms']:12} "
            f"{row['worst_cut_ms']:7.0f} ms {row['word_sent_p50_ms']:11.0f} ms "
            f"{row['word_sent_p99_ms']:6.0f} {row['word_sent_worst_ms']:6.0f} "
            f"{row['known_p50_ms']:7.0f} ms {row['known_p99_ms']:6.0f}"
        )
    return "\n".join(lines)

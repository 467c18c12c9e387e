"""``bittern bench echo``: what is heard while the speaker plays, in the virtual room.

Scenes differ in the room, the delay, the drift of the clocks and the level of the person
beside the echo. Each is heard by the whole of the listening (gate, echo guard, wake word,
voice detector), and by the same listening with no canceller, with Speex alone and with
WebRTC's AEC3 alone, which get the same reference on the clocks as the blocks tell them.
Everything counts from the first second on: the canceller learns while it is judged.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.workshop.bench import echo_sounds
from device.workshop.bench.echo_contestants import (
    CONTESTANTS,
    EchoContestant,
    EchoOutcome,
    listen,
    missing,
)
from device.workshop.bench.echo_sounds import RATE_HZ, ROOMS, SPEAKER_HZ, WORD, EchoMaterial, Sound

SETTLED_S = 5.0
"""From here on what is left of the echo counts; the first seconds are told separately."""
LATE_S = 0.6
"""How long after its end a word or a voice may be noticed."""


@dataclass(frozen=True, slots=True)
class EchoScene:
    """Where it happens."""

    room: str = "living room"
    delay_ms: int = 100
    drift_ppm: float = 0.0
    near_db: float = -5.0
    """The person's level beside the echo's."""
    drive: float = 0.0
    """How hard the speaker is driven: 4 flattens its loudest sample by 12 dB, with ``tanh``."""


BASE = EchoScene()
SCENES = (
    BASE,
    EchoScene(room="bathroom"),
    EchoScene(room="bookshelf"),
    EchoScene(delay_ms=0),
    EchoScene(delay_ms=200),
    EchoScene(delay_ms=400),
    EchoScene(drift_ppm=50.0),
    EchoScene(drift_ppm=-100.0),
    EchoScene(drift_ppm=200.0),
    EchoScene(near_db=0.0),
    EchoScene(near_db=-10.0),
    EchoScene("bathroom", 400, 200.0, -10.0),
    EchoScene("bookshelf", 0, -200.0, -10.0),
)
DISTORTING = tuple(
    EchoScene(drift_ppm=100.0, near_db=near_db, drive=4.0) for near_db in (-5.0, -10.0, -15.0)
)
"""A small speaker at its limit, in the living room."""
QUICK_SCENES = (EchoScene("living room", 200, 100.0, -5.0),)


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench echo``."""
    parser = benches.add_parser("echo", help="what is heard while the speaker plays")
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="recordings of people; without them a synthesized voice speaks",
    )
    parser.add_argument("--word", default=WORD, metavar="WORD", help=f"the wake word ({WORD})")
    parser.add_argument("--quick", action="store_true", help="one scene, ours beside none")
    parser.add_argument("--distorting", action="store_true", help="only the speaker that distorts")
    parser.add_argument(
        "--calls", type=int, metavar="N", help="how many people call in a scene (12; quick: 5)"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench echo``."""
    sounds = echo_sounds.material(
        chosen.recordings, chosen.calls or (5 if chosen.quick else 12), chosen.word
    )
    scenes = QUICK_SCENES if chosen.quick else (*SCENES, *DISTORTING)
    if chosen.distorting:
        scenes = DISTORTING
    names = ("none", "bittern") if chosen.quick else tuple(CONTESTANTS)
    words = None if chosen.quick else _Words.if_installed()
    skipped = {name: why for name in names if (why := missing(name))}
    results = []
    for scene in scenes:
        for name in (each for each in names if each not in skipped):
            results.append(_measure(scene, EchoContestant(name, chosen.word), sounds, words))
            print(_line(results[-1]), file=sys.stderr, flush=True)
    figures = {
        "people": "recorded" if chosen.recordings else "synthesized",
        "word": chosen.word,
        "skipped": skipped,
        "scenes": results,
        "total": _totals(results),
    }
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- measuring -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Take:
    """What the microphone gets in one scene, and what it is made of."""

    played: Sound
    heard: Sound
    person: NDArray[np.float64]
    spans: list[tuple[int, int]]

    @property
    def seconds(self) -> float:
        return len(self.heard) / RATE_HZ


def _take(
    scene: EchoScene, played: Sound, person: NDArray[np.float64], spans: list[tuple[int, int]]
) -> _Take:
    from device.audio.resample import resample
    from device.workshop.simulation.acoustics import AcousticEcho

    way = AcousticEcho(
        scene.delay_ms / 1000,
        echo_sounds.ECHO_DB,
        shoebox=ROOMS[scene.room],
        drift_ppm=scene.drift_ppm,
        drive=scene.drive,
    )
    echo = way.of(resample(played, SPEAKER_HZ, RATE_HZ), RATE_HZ)[: len(person)]
    loud = echo[np.abs(echo) > 1]
    level = np.sqrt(np.mean(loud**2)) * 10 ** (scene.near_db / 20)
    noise = np.random.default_rng(0).normal(0, echo_sounds.ROOM_NOISE, len(person))
    echo = np.concatenate((echo, np.zeros(len(person) - len(echo))))
    heard = np.clip(np.rint(echo + person * level + noise), -32_768, 32_767)
    return _Take(played, heard.astype(np.int16), person * level, spans)


def _measure(
    scene: EchoScene, who: EchoContestant, sounds: EchoMaterial, words: _Words | None
) -> dict[str, Any]:
    answer_s = len(sounds.answer) / SPEAKER_HZ
    call = _take(scene, sounds.answer, *echo_sounds.track(sounds.calls, 2.5, answer_s))
    own_s = len(sounds.own_words) / SPEAKER_HZ + 1.0
    own = _take(scene, sounds.own_words, np.zeros(round(own_s * RATE_HZ)), [])
    ask = _take(scene, sounds.answer, *echo_sounds.track(sounds.questions, 2.0, answer_s))
    called, said, asked = (
        listen(who, each.played, each.heard, scene.drift_ppm) for each in (call, own, ask)
    )
    hours = (call.seconds + own.seconds + ask.seconds) / 3600
    self_triggers = _others(called.wakes, call.spans) + len(said.wakes) + len(asked.wakes)
    interruptions = _others(called.voices, call.spans) + len(said.voices)
    interruptions += _others(asked.voices, ask.spans)
    figures = {
        **{
            key: getattr(scene, key)
            for key in ("room", "delay_ms", "drift_ppm", "near_db", "drive")
        },
        "canceller": who.name,
        "removed_db": _removed_db(called, call),
        "wake_words": len(call.spans),
        "wake_words_heard": _found(called.wakes, call.spans),
        "own_wake_words": sounds.own_count - 1,
        "self_triggers": self_triggers,
        "self_triggers_per_hour": round(self_triggers / hours, 1),
        "questions": len(ask.spans),
        "voices_noticed": _found(asked.voices, ask.spans),
        "self_interruptions": interruptions,
        "self_interruptions_per_hour": round(interruptions / hours, 1),
        "speech_kept": _speech_kept(asked, ask),
        "hours": round(hours, 4),
        "cpu_s_per_audio_s": round((called.cpu_s + asked.cpu_s) / (call.seconds + ask.seconds), 4),
    }
    if words is not None and (who.name == "bittern" or scene == BASE):
        figures |= words.count(asked, ask, sounds)
    if called.status is not None and who.name == "bittern":
        figures["delay_found_ms"] = called.status.delay_ms
        figures["drift_found_ppm"] = -called.status.drift_ppm
    return figures


def _found(at: list[int], spans: list[tuple[int, int]]) -> int:
    late = round(LATE_S * RATE_HZ)
    return sum(any(begin - 1600 <= each < end + late for each in at) for begin, end in spans)


def _others(at: list[int], spans: list[tuple[int, int]]) -> int:
    """How many belong to nobody."""
    late = round(LATE_S * RATE_HZ)
    return sum(not any(b - 3200 <= each < e + late for b, e in spans) for each in at)


def _removed_db(outcome: EchoOutcome, take: _Take) -> float:
    """How much softer it is where only the speaker plays, once it has settled."""
    count = min(len(outcome.clean), len(take.heard), len(take.played) * RATE_HZ // SPEAKER_HZ)
    alone = np.ones(count, dtype=bool)
    alone[: round(SETTLED_S * RATE_HZ)] = False
    for begin, end in take.spans:
        alone[max(0, begin - 1600) : end + 4800] = False
    before = float(np.mean(take.heard[:count][alone].astype(np.float64) ** 2))
    after = float(np.mean(outcome.clean[:count][alone].astype(np.float64) ** 2))
    return round(10 * math.log10(before / max(after, 1e-3)), 1)


def _speech_kept(outcome: EchoOutcome, take: _Take) -> float:
    """Of the frames that are a voice to Silero with nothing played, the share that still is."""
    from device.models import path_of
    from device.vad.silero import HOP_SAMPLES, Silero

    silero = Silero(path_of("silero/silero_vad.onnx"))
    alone = np.asarray(silero.process(np.rint(take.person).astype(np.int16)))
    silero.reset()
    over = np.asarray(silero.process(outcome.voice))
    count = min(len(alone), len(over))
    is_inside = np.zeros(count, dtype=bool)
    for begin, end in take.spans:
        is_inside[begin // HOP_SAMPLES : end // HOP_SAMPLES] = True
    is_voice = (alone[:count] > 0.5) & is_inside
    return round(float(np.mean(over[:count][is_voice] > 0.5)), 3)


class _Words:
    """Counts wrong words by the local brain's ears."""

    def __init__(self, transcriber: Any) -> None:
        self._transcriber = transcriber

    @classmethod
    def if_installed(cls) -> _Words | None:
        """None where the brain's ears are not there."""
        from device.errors import BitternError
        from device.models import path_of

        try:
            from device.brain.hearing.stt import WhisperTranscriber

            return cls(WhisperTranscriber(path_of("whisper-tiny.en/model.bin").parent))
        except (ImportError, BitternError):
            return None

    def count(self, outcome: EchoOutcome, take: _Take, sounds: EchoMaterial) -> dict[str, float]:
        """The share of wrong words in the questions, over the echo and without any."""
        wrong, alone, total = 0, 0, 0
        person = np.rint(take.person).astype(np.int16)
        for (begin, end), asked in zip(take.spans, sounds.questions, strict=False):
            right = _plain(asked.text)
            cut = slice(max(0, begin - 3200), end + 6400)
            wrong += _mistakes(right, _plain(self._hear(outcome.clean[cut])))
            alone += _mistakes(right, _plain(self._hear(person[cut])))
            total += len(right)
        return {
            "word_errors": round(wrong / total, 3),
            "word_errors_with_nothing_played": round(alone / total, 3),
        }

    def _hear(self, sound: Sound) -> str:
        from device.brain.base.abilities import Cancellation

        # As loud as a recognizer expects; what it hears is not about loudness.
        level = max(1.0, float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))))
        louder = np.clip(sound * (2000 / level), -32_768, 32_767).astype(np.int16)
        transcript = self._transcriber.transcribe(louder, "en", Cancellation())
        return str(transcript.text)


def _plain(text: str) -> list[str]:
    letters = "".join(each if each.isalnum() or each == " " else " " for each in text.lower())
    return letters.split()


def _mistakes(right: list[str], heard: list[str]) -> int:
    """Words wrong, missing or too many (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(right, start=1):
        before, row = row, [count]
        for at, other in enumerate(heard, start=1):
            row.append(min(before[at] + 1, row[-1] + 1, before[at - 1] + (word != other)))
    return row[-1]


# -- showing ---------------------------------------------------------------------------


def _totals(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Each contestant over all scenes."""
    totals = {}
    for name in CONTESTANTS:
        own = [each for each in results if each["canceller"] == name]
        if not own:
            continue
        hours = sum(each["hours"] for each in own)
        totals[name] = {
            "removed_db": round(float(np.mean([each["removed_db"] for each in own])), 1),
            **{key: sum(each[key] for each in own) for key in _COUNTED},
            **{f"{key}_per_hour": round(sum(e[key] for e in own) / hours, 1) for key in _RATES},
            "speech_kept": round(float(np.mean([each["speech_kept"] for each in own])), 3),
            "cpu_s_per_audio_s": round(
                float(np.mean([each["cpu_s_per_audio_s"] for each in own])), 4
            ),
        }
    return totals


_RATES = ("self_triggers", "self_interruptions")
_COUNTED = ("wake_words", "wake_words_heard", "questions", "voices_noticed", *_RATES)


def _table(figures: dict[str, Any]) -> str:
    head = (
        "room         delay  drift  near  canceller  removed  wake word  own/h  voice  "
        "self/h  kept  words wrong"
    )
    lines = [f'People: {figures["people"]}; wake word "{figures["word"]}"', head]
    lines += [_line(each) for each in figures["scenes"]]
    for name, each in figures["total"].items():
        lines.append(
            f"{'all':12}{'':20} {name:10} {each['removed_db']:6.1f}dB  "
            f"{each['wake_words_heard']:4}/{each['wake_words']:<4} "
            f"{each['self_triggers_per_hour']:6.1f}  {each['voices_noticed']:2}/"
            f"{each['questions']:<3}{each['self_interruptions_per_hour']:6.1f}  "
            f"{each['speech_kept']:4.2f}   {each['cpu_s_per_audio_s'] * 1000:.0f} ms CPU a second"
        )
    lines += [f"{name}: skipped, {why}" for name, why in figures["skipped"].items()]
    return "\n".join(lines)


def _line(each: dict[str, Any]) -> str:
    wrong = f"{each['word_errors']:.2f}" if "word_errors" in each else ""
    return (
        f"{each['room']:12} {each['delay_ms']:3} ms {each['drift_ppm']:4.0f}ppm "
        f"{each['near_db']:3.0f}dB  {each['canceller']:10} {each['removed_db']:6.1f}dB  "
        f"{each['wake_words_heard']:4}/{each['wake_words']:<4} "
        f"{each['self_triggers_per_hour']:6.1f}  {each['voices_noticed']:2}/"
        f"{each['questions']:<3}{each['self_interruptions_per_hour']:6.1f}  "
        f"{each['speech_kept']:4.2f}  {wrong}"
    )

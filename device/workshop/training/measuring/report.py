"""The report by which wake words are judged: all words, all systems, quiet and in noise."""

from __future__ import annotations

import json
import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import BitternError
from device.wake.card import SHIPPED
from device.workshop.training.measuring.curves import (
    SystemScores,
    curve,
    point,
    scores_of,
    threshold_missing,
)
from device.workshop.training.measuring.run import TrialOutcome, now_and_then, run
from device.workshop.training.measuring.systems import Choice, System
from device.workshop.training.measuring.trials import (
    CONDITIONS,
    PIECE_S,
    Backdrop,
    label_of,
    plain,
    plan,
)
from device.workshop.training.wake.corpus import Recording, find

Say = Callable[[str], None]
MANY = 2500
"""With more recordings than this, those of no word are heard in one noisy condition only."""
NOISE_KINDS = ("recorded", "babble", "music")


class NothingToJudgeError(BitternError):
    """No recording of a word that anybody listens for."""


@dataclass(frozen=True)
class Request:
    """What is to be judged."""

    places: tuple[Path, ...]
    out: Path
    words: tuple[str, ...] = ()
    """Only these; without any, all that have a model."""
    folders: tuple[Path, ...] = (SHIPPED,)
    peers: bool = True
    is_quick: bool = False
    """Recordings of no word are heard quiet and in one other condition, however few they are."""
    processes: int = 2


def make_report(request: Request, say: Say) -> dict[str, Any]:
    """Run all trials and write ``report.json``, ``report.md`` and curves as PNG.

    Returns what stands in the JSON file. Raises a ``BitternError`` where there is nothing
    to judge or a model is missing.
    """
    began_s, began_cpu_s = time.monotonic(), _cpu_s()
    choice = Choice(request.folders, request.words, request.peers)
    systems = choice.open()
    words = sorted({word for system in systems for word in system.thresholds})
    if request.words:
        words = [word for word in words if word in request.words]
    recordings, backdrop = _sorted_out(find(request.places), words)
    labels = {label_of(each, words) for each in recordings}
    if not labels & set(words):
        raise NothingToJudgeError(
            "no recording is of a word that anybody here listens for",
            "name folders after the words, for example wake/hey_jarvis; known: " + ", ".join(words),
        )
    is_sparing = request.is_quick or len(recordings) > MANY
    trials = plan(recordings, words, kinds=NOISE_KINDS, is_sparing=is_sparing)
    say(f"{len(recordings)} recordings, {len(trials)} trials, {len(systems)} systems")

    def say_with_time(line: str) -> None:
        say(f"{line}, {time.monotonic() - began_s:.0f} s")

    tell = now_and_then(say_with_time, "listened to")
    outcomes = run(trials, backdrop, choice, request.processes, tell)
    report = {
        "recordings": len(recordings),
        "is_sparing": is_sparing,
        "labels": _counts(recordings, words),
        "seconds": round(time.monotonic() - began_s, 1),
        "cpu_seconds": round(_cpu_s() - began_cpu_s, 1),
        "words": {word: _word(outcomes, systems, word) for word in words},
        "beside": {word: _beside(outcomes, systems, word) for word in words},
    }
    _write(report, request.out, say)
    return report


def _cpu_s() -> float:
    """What this process and those it has waited for have worked so far."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    usages = [resource.getrusage(kind) for kind in kinds]
    return sum(each.ru_utime + each.ru_stime for each in usages)


def _sorted_out(
    recordings: Sequence[Recording], words: Sequence[str]
) -> tuple[list[Recording], Backdrop]:
    """What is listened to, and what only serves as noise."""
    noise = [r for r in recordings if "noise" in plain(r.path.parent.name)]
    music = [r for r in recordings if "music" in plain(r.path.stem)]
    heard = [r for r in recordings if r not in noise and r not in music]
    voices = [r.path for r in heard if label_of(r, words) not in words]
    backdrop = Backdrop(
        tuple(r.path for r in noise), tuple(voices[:400]), tuple(r.path for r in music)
    )
    # Noise alone must not wake anybody either: it is listened to as well.
    return list(recordings), backdrop


def _counts(recordings: Sequence[Recording], words: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for recording in recordings:
        label = label_of(recording, words)
        counts[label] = counts.get(label, 0) + 1
    return dict(sorted(counts.items()))


def _word(outcomes: Sequence[TrialOutcome], systems: Sequence[System], word: str) -> dict[str, Any]:
    return {
        system.name: _system(outcomes, system, word)
        for system in systems
        if word in system.thresholds
    }


def _system(outcomes: Sequence[TrialOutcome], system: System, word: str) -> dict[str, Any]:
    conditions = {}
    for name in CONDITIONS:
        scores = scores_of(outcomes, system.name, word, name)
        conditions[name] = {
            "at": {
                step: point(scores.figure(name, threshold))
                for step, threshold in system.thresholds[word].items()
            },
            "curve": curve(scores),
        }
        if CONDITIONS[name] is not None:
            conditions[name]["by_noise"] = _by_noise(outcomes, system, word, name)
    return {"thresholds": system.thresholds[word], "conditions": conditions}


def _by_noise(
    outcomes: Sequence[TrialOutcome], system: System, word: str, condition: str
) -> dict[str, dict[str, dict[str, float]]]:
    return {
        step: {
            kind: point(
                scores_of(outcomes, system.name, word, condition, kind).figure(condition, threshold)
            )
            for kind in NOISE_KINDS
        }
        for step, threshold in system.thresholds[word].items()
    }


def _beside(
    outcomes: Sequence[TrialOutcome], systems: Sequence[System], word: str
) -> dict[str, Any]:
    """Each peer at its usual threshold, and ours where it misses no more than the peer does."""
    rows: dict[str, Any] = {}
    ours, *peers = systems
    if word not in ours.thresholds:
        return rows
    for peer in peers:
        if word in peer.thresholds:
            rows[peer.name] = {
                name: _pair(
                    scores_of(outcomes, peer.name, word, name),
                    peer.thresholds[word]["usual"],
                    scores_of(outcomes, ours.name, word, name),
                )
                for name in CONDITIONS
            }
    return rows


def _pair(theirs: SystemScores, usual: float, ours: SystemScores) -> dict[str, dict[str, float]]:
    peer = theirs.figure("", usual)
    share = peer.missed / peer.spoken if peer.spoken else 0.0
    mine = ours.figure("", threshold_missing(ours, share))
    return {"peer": point(peer), "bittern": point(mine)}


# -- writing ---------------------------------------------------------------------------


def _write(report: dict[str, Any], out: Path, say: Say) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json.dumps(_finite(report), indent=1) + "\n")
    images = _images(report, out, say)
    (out / "report.md").write_text(page(report, images))
    say(f"written: {out / 'report.md'}")


def _finite(value: Any) -> Any:
    """JSON knows no infinity and no "not a number": null stands for both."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _images(report: dict[str, Any], out: Path, say: Say) -> dict[str, str]:
    try:
        from device.workshop.training.measuring.plots import draw_word
    except ImportError:
        say("no curves are drawn: pip install bittern[train]")
        return {}
    images = {}
    for word, systems in report["words"].items():
        if _spoken(systems):
            images[word] = f"{word.replace(' ', '_')}.png"
            draw_word(word, systems, out / images[word])
    return images


def _spoken(systems: dict[str, Any]) -> int:
    counts = [
        point["spoken"]
        for each in systems.values()
        for point in each["conditions"]["quiet"]["at"].values()
    ]
    return int(max(counts, default=0))


def page(report: dict[str, Any], images: dict[str, str]) -> str:
    """The report as Markdown: one table and one picture for each word."""
    lines = [
        "# Wake words",
        "",
        f"{report['recordings']} recordings, each quiet and with noise 10, 5 and 0 dB below the "
        "voice; the kinds of noise take turns. *Missed* is the share of spoken words that went "
        "unheard; *false* is how many times an hour other recordings (mostly people speaking "
        "without a pause) woke it. Brackets: 95 % confidence. Long recordings count once for "
        f"each {PIECE_S:.0f} s. "
        + (
            "Recordings that hold none of the words were heard quiet and in one of the other "
            "conditions, in turns."
            if report["is_sparing"]
            else "Every recording was heard in every condition."
        ),
        "",
    ]
    for word, systems in report["words"].items():
        lines += [f"## {word}", ""]
        spoken = _spoken(systems)
        lines += [f"{spoken} recordings of the word." if spoken else "Nobody says it.", ""]
        lines += _table(systems)
        if spoken:
            lines += _beside_table(report["beside"][word])
        if word in images:
            lines += [f"![curves]({images[word]})", ""]
    return "\n".join(lines)


def _table(systems: dict[str, Any]) -> list[str]:
    lines = [
        "| system | step | threshold | " + " | ".join(f"{c}: missed, false" for c in CONDITIONS),
        "|---|---|---|" + "---|" * len(CONDITIONS),
    ]
    for name, each in systems.items():
        for step, threshold in each["thresholds"].items():
            cells = [_cell(each["conditions"][c]["at"][step]) for c in CONDITIONS]
            lines.append(f"| {name} | {step} | {threshold} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _beside_table(peers: dict[str, Any]) -> list[str]:
    """False accepts where both miss equally many words."""
    if not peers:
        return []
    lines = [
        "False accepts per hour at an equal miss rate: each peer at its usual threshold, Bittern "
        "at the highest that misses no more words in that noise.",
        "",
        "| beside | condition | the peer: missed, false | Bittern: threshold, missed, false |",
        "|---|---|---|---|",
    ]
    for name, conditions in peers.items():
        for condition, pair in conditions.items():
            mine = pair["bittern"]
            lines.append(
                f"| {name} | {condition} | {_cell(pair['peer'])} | "
                f"{mine['threshold']:.3f}: {_cell(mine)} |"
            )
    return [*lines, ""]


def _cell(at: dict[str, float]) -> str:
    false = (
        f"{at['false_accepts']} = {at['false_per_hour']:.1f}/h "
        f"({at['false_low']:.1f}–{at['false_high']:.1f})"
    )
    if not at["spoken"]:
        return f"–, {false}"
    return f"{at['miss_rate']:.1%} ({at['miss_low']:.0%}–{at['miss_high']:.0%}), {false}"

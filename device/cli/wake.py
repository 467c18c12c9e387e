"""``bittern wake``: score recordings against the wake words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.nearmisses.review import add_verb as add_review

if TYPE_CHECKING:
    from device.cli import Commands
    from device.wake.open import WakeSettings
    from device.wake.scoring import FileScores


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``wake`` and what it can do."""
    family = commands.add_parser("wake", help="score, measure and make wake words")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)
    about = "print for each recording the peak score and where a wake word was heard"
    score = verbs.add_parser("score", help=about, description=about)
    _add_choice(score)
    score.add_argument("--json", action="store_true", help="print one JSON object a file")
    score.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a sound file")
    score.set_defaults(run=_score)
    add_review(verbs)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--word",
        action="append",
        metavar="WORD",
        help="a wake word; may be given several times (default: those of the settings)",
    )
    parser.add_argument(
        "--engine", choices=("microwakeword", "openwakeword"), help="family of the wake models"
    )
    parser.add_argument(
        "--sensitivity", choices=("low", "normal", "high"), help="which threshold counts"
    )


def _chosen(arguments: argparse.Namespace) -> WakeSettings:
    """The settings, as far as the command line does not say otherwise."""
    from device.settings import load_settings
    from device.wake.open import WakeSettings

    wake = load_settings().settings.wake
    return WakeSettings(
        words=tuple(arguments.word or wake.words),
        engine=arguments.engine or wake.engine,
        sensitivity=arguments.sensitivity or wake.sensitivity,
        threshold=0.0 if arguments.sensitivity else wake.threshold,
        refractory_s=wake.refractory_s,
    )


def _score(arguments: argparse.Namespace) -> int:
    from device.wake.open import open_words
    from device.wake.scoring import load, score_sound

    engine, rules, second = open_words(_chosen(arguments))
    for path in arguments.files:
        scores = score_sound(engine, rules, load(path), second)
        print(_json_line(path, scores) if arguments.json else _line(path, scores), flush=True)
    return 0


def _json_line(path: Path, scores: FileScores) -> str:
    hits = [
        {
            "word": hit.word,
            "score": round(hit.score, 4),
            "at_s": round(hit.at_s, 3),
            "end_s": round(hit.end_s, 3),
        }
        for hit in scores.hits
    ]
    peaks = {word: round(peak, 4) for word, peak in scores.peaks.items()}
    peak = max(peaks.values())
    return json.dumps({"file": str(path), "peak": peak, "peaks": peaks, "detections": hits})


def _line(path: Path, scores: FileScores) -> str:
    peaks = "  ".join(f'"{word}" {peak:.3f}' for word, peak in scores.peaks.items())
    hits = ", ".join(f'"{hit.word}" at {hit.at_s:.2f} s' for hit in scores.hits)
    return f"{path}: {peaks}  {hits or 'nothing heard'}"

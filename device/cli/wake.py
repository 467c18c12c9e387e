"""``bittern wake``: score recordings against the wake words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli import wake_making
from device.cli.wake_common import add_places, folders, one_thread_each, sounds, tell
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
    _add_list(verbs)
    wake_making.add_verbs(verbs)
    _add_report(verbs)
    _add_enroll(verbs)


def _add_list(verbs: Commands[Any]) -> None:
    about = "show the wake words there are, a line each: the words missed and the false accepts"
    parser = verbs.add_parser("list", help=about, description=about)
    parser.add_argument(
        "--word",
        action="append",
        default=[],
        metavar="WORD",
        help="everything about this one: each sensitivity, whose voices, the licence",
    )
    parser.add_argument("--json", action="store_true", help="print the cards as JSON")
    parser.set_defaults(run=_list)


def _add_report(verbs: Commands[Any]) -> None:
    about = "measure all wake words on recordings, quiet and in noise, beside other projects"
    parser = verbs.add_parser("report", help=about, description=about)
    parser.add_argument("places", nargs="+", type=Path, metavar="DIR", help="recordings")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where it goes")
    parser.add_argument("--word", action="append", default=[], metavar="WORD", help="only this one")
    parser.add_argument("--cards", type=Path, metavar="DIR", help="these models instead of ours")
    parser.add_argument("--no-peers", action="store_true", help="measure only Bittern")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="hear recordings of none of the words quiet and in one noise only: half the time",
    )
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="(2)")
    parser.set_defaults(run=_report)


def _add_enroll(verbs: Commands[Any]) -> None:
    about = "make a wake word of your own from three to five recordings of your voice"
    parser = verbs.add_parser("enroll", help=about, description=about)
    parser.add_argument("word", metavar="WORD", help="the word or phrase")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="for a word that there is already: only your voice shall wake it",
    )
    parser.add_argument(
        "--takes", type=int, default=5, metavar="N", help="how often to record you (5)"
    )
    add_places(parser, "--files", "recordings of you, instead of the microphone")
    add_places(parser, "--negatives", "recordings of other speech, best of your household")
    add_places(parser, "--noise", "recordings of your room's noise")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="(2)")
    parser.set_defaults(run=_enroll)


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
    from device.models import store_of
    from device.settings.store import load_to_serve
    from device.wake.open import WakeSettings

    settings = load_to_serve().settings
    wake = settings.wake
    return WakeSettings(
        words=tuple(arguments.word or settings.wake_words()),
        engine=arguments.engine or wake.engine,
        sensitivity=arguments.sensitivity or wake.sensitivity,
        threshold=0.0 if arguments.sensitivity else wake.threshold,
        refractory_s=wake.refractory_s,
        folders=folders(),
        models=store_of(settings.paths.models),
    )


def _score(arguments: argparse.Namespace) -> int:
    from device.wake.open import open_words
    from device.wake.scoring import load, score_sound

    engine, rules, second = open_words(_chosen(arguments))
    for path in arguments.files:
        scores = score_sound(engine, rules, load(path), second)
        print(_json_line(path, scores) if arguments.json else _line(path, scores), flush=True)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    import msgspec

    from device.wake.card import UnknownWordError, cards
    from device.wake.table import lines_of, short_lines

    known = [card for _, card in cards(folders())]
    if arguments.word:
        wanted = {word.strip().lower().replace("_", " ") for word in arguments.word}
        known = [card for card in known if card.word in wanted]
        if missing := sorted(wanted - {card.word for card in known}):
            raise UnknownWordError(
                f'there is no wake word "{missing[0]}"', "see: bittern wake list"
            )
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(known), indent=2).decode())
        return 0
    if arguments.word:
        print("\n".join(line for card in known for line in lines_of(card)))
        return 0
    print(
        "words missed at normal, quiet, in a room that rings, and in noise so far below the voice"
    )
    print("\n".join(short_lines(known)))
    print('more about one of them: bittern wake list --word "hey jarvis"')
    return 0


def _report(arguments: argparse.Namespace) -> int:
    one_thread_each()
    from device.workshop.training.measuring.report import Request, make_report
    from device.workshop.training.measuring.trials import plain

    request = Request(
        places=tuple(arguments.places),
        out=arguments.out,
        words=tuple(plain(word) for word in arguments.word),
        folders=(arguments.cards,) if arguments.cards else folders(),
        peers=not arguments.no_peers,
        is_quick=arguments.quick,
        processes=arguments.processes,
    )
    make_report(request, tell)
    print((arguments.out / "report.md").read_text())
    return 0


def _enroll(arguments: argparse.Namespace) -> int:
    one_thread_each()
    import tempfile

    from device.settings import load_settings
    from device.settings.places import state_folder
    from device.workshop.training.enrolment import Enrolment, accuracy_of, enroll

    settings = load_settings().settings
    with tempfile.TemporaryDirectory(prefix="bittern-enroll-") as folder:
        files = sounds(arguments.files)
        if not files:
            files = _takes(arguments.word, arguments.takes, Path(folder))
        wanted = Enrolment(
            word=arguments.word,
            recordings=tuple(files),
            state=state_folder(settings.paths),
            negatives=tuple(arguments.negatives),
            noise=tuple(sounds(arguments.noise)),
            verify=arguments.verify,
            processes=arguments.processes,
        )
        result = enroll(wanted, folders(), tell)
    print("\n".join(accuracy_of(result.card)))
    print(f"{result.card_path}: made in {result.seconds / 60:.1f} minutes")
    print(f'to use it: wake.words = ["{result.card.word}"] in the settings')
    return 0


def _takes(word: str, count: int, folder: Path) -> list[Path]:
    """Record the owner, one utterance a file."""
    import sys

    from device.audio.files import write_sound
    from device.doctor.recording import record
    from device.room.cards import microphone_from
    from device.settings import load_settings

    microphone = microphone_from(load_settings().settings.microphone)
    paths = []
    for take in range(1, count + 1):
        print(f'{take} of {count}: press Enter, then say "{word}"', file=sys.stderr, flush=True)
        sys.stdin.readline()
        path = folder / f"take{take}.wav"
        write_sound(path, record(microphone, 2.5), microphone.rate_hz)
        paths.append(path)
    return paths


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

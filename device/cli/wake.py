"""``bittern wake``: score recordings against the wake words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import BitternError
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
    _add_train(verbs)
    _add_measure(verbs)
    _add_say(verbs)
    _add_join(verbs)
    _add_report(verbs)
    _add_enroll(verbs)


def _add_list(verbs: Commands[Any]) -> None:
    about = "show the wake words there are, and what each sensitivity was measured to do"
    parser = verbs.add_parser("list", help=about, description=about)
    parser.add_argument("--json", action="store_true", help="print the cards as JSON")
    parser.set_defaults(run=_list)


def _add_train(verbs: Commands[Any]) -> None:
    about = "train a wake word from recordings; minutes on two cores"
    parser = verbs.add_parser("train", help=about, description=about)
    parser.add_argument("--word", required=True, help="the word as people say it")
    _add_material(parser, positives="recordings of the word, one utterance a file")
    _add_places(parser, "--related", "recordings of a part of the word: learned from, not judged")
    _add_places(
        parser,
        "--endings",
        "folders named after the end of the word (jarvis for hey jarvis): "
        "the rest is synthesized before each recording",
    )
    parser.add_argument(
        "--confusable",
        action="append",
        default=[],
        metavar="TEXT",
        help="what the synthesizer says as a counterexample; may be given several times",
    )
    _add_way_of_learning(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL", help="WORD.onnx")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="where curves and figures go (beside the model)"
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keep prepared recordings here for the next word"
    )
    parser.add_argument("--licence", default="yours", help="what the card says (yours)")
    parser.set_defaults(run=_train)


def _add_way_of_learning(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--first",
        default="",
        metavar="MODEL",
        help="keep this first model (microwakeword/alexa.onnx) and train only a verifier for it",
    )
    parser.add_argument(
        "--add-first",
        action="store_true",
        help="with --first: train a first model, too, that listens beside that one",
    )
    parser.add_argument(
        "--interest",
        type=float,
        default=0.05,
        metavar="MEAN",
        help="with --first: its mean score from which the verifier looks (0.05)",
    )
    parser.add_argument(
        "--copies", type=int, default=10, metavar="N", help="versions of each recording (10)"
    )
    parser.add_argument(
        "--false-per-hour",
        nargs=3,
        type=float,
        default=(0.2, 1.0, 4.0),
        metavar="RATE",
        help="what low, normal and high allow, while others speak all the time (0.2 1 4)",
    )


def _add_material(parser: argparse.ArgumentParser, *, positives: str) -> None:
    """What is learned from or judged on, and how it is worked through."""
    _add_places(parser, "--positives", positives)
    _add_places(parser, "--negatives", "recordings of anything else")
    _add_places(parser, "--noise", "recorded noise to mix in")
    _add_places(parser, "--music", "recorded music to try it in")
    parser.add_argument(
        "--synthetic", type=int, default=0, metavar="N", help="synthesized utterances to add (0)"
    )
    _add_voices(parser)
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="(2)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(0)")


def _add_measure(verbs: Commands[Any]) -> None:
    about = "measure what words that there are do, and write the figures into their cards"
    parser = verbs.add_parser("measure", help=about, description=about)
    parser.add_argument("--word", action="append", required=True, metavar="WORD", help="the word")
    _add_material(parser, positives="recordings of the words, named after them")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for the cards")
    parser.set_defaults(run=_measure)


def _add_say(verbs: Commands[Any]) -> None:
    about = (
        "have every voice of the synthesizer say a word: recordings to train and to measure with"
    )
    parser = verbs.add_parser("say", help=about, description=about)
    parser.add_argument("word", nargs="+", metavar="WORD", help="the word, or several in quotes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")
    parser.add_argument(
        "--count", type=int, default=100, metavar="N", help="utterances of each word (100)"
    )
    _add_voices(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(0)")
    parser.set_defaults(run=_say_words)


def _add_voices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--voices",
        type=Path,
        metavar="DIR",
        help="further voices for the synthesizer (see docs/listening.md)",
    )


def _add_join(verbs: Commands[Any]) -> None:
    about = "put a synthesized beginning before recordings of the end of a word"
    parser = verbs.add_parser("join", help=about, description=about)
    parser.add_argument("--word", required=True, help="the whole word")
    parser.add_argument(
        "--endings",
        nargs="+",
        type=Path,
        required=True,
        metavar="DIR",
        help="folders named after its end (jarvis for hey jarvis)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")
    _add_voices(parser)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(0)")
    parser.set_defaults(run=_join)


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
    _add_places(parser, "--files", "recordings of you, instead of the microphone")
    _add_places(parser, "--negatives", "recordings of other speech, best of your household")
    _add_places(parser, "--noise", "recordings of your room's noise")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="(2)")
    parser.set_defaults(run=_enroll)


def _add_places(parser: argparse.ArgumentParser, name: str, about: str) -> None:
    parser.add_argument(name, nargs="+", type=Path, default=[], metavar="PATH", help=about)


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
    from device.cli.store import load_to_serve
    from device.models import store_of
    from device.wake.open import WakeSettings

    settings = load_to_serve().settings
    wake = settings.wake
    return WakeSettings(
        words=tuple(arguments.word or settings.wake_words()),
        engine=arguments.engine or wake.engine,
        sensitivity=arguments.sensitivity or wake.sensitivity,
        threshold=0.0 if arguments.sensitivity else wake.threshold,
        refractory_s=wake.refractory_s,
        folders=_folders(),
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


def _say(text: str) -> None:
    import sys

    print(text, file=sys.stderr, flush=True)


def _folders() -> tuple[Path, ...]:
    """Where cards are: the owner's own first."""
    from device.settings import load_settings
    from device.settings.places import state_folder
    from device.wake.open import card_folders

    return card_folders(state_folder(load_settings().settings.paths))


def _list(arguments: argparse.Namespace) -> int:
    import msgspec

    from device.wake.card import cards
    from device.wake.table import lines_of

    known = [card for _, card in cards(_folders())]
    if arguments.json:
        print(msgspec.json.format(msgspec.json.encode(known), indent=2).decode())
        return 0
    for card in known:
        print("\n".join(lines_of(card)))
    return 0


def _train(arguments: argparse.Namespace) -> int:
    _one_thread_each()
    from device.wake.table import lines_of
    from device.workshop.training.wake.outcome import comparison, write_outcome
    from device.workshop.training.wake.recipe import Task, make_word

    if arguments.add_first and not arguments.first:
        raise BitternError("--add-first: beside which model?", "name it with --first, or leave it")
    task = Task(
        word=arguments.word.strip().lower(),
        positives=tuple(arguments.positives),
        negatives=tuple(arguments.negatives),
        out=arguments.out.with_suffix(".onnx"),
        related=tuple(arguments.related),
        endings=tuple(arguments.endings),
        noise=tuple(_sounds(arguments.noise)),
        music=tuple(_sounds(arguments.music)),
        synthetic=arguments.synthetic,
        voices=arguments.voices,
        confusable=tuple(arguments.confusable),
        first=arguments.first,
        adds_first=arguments.add_first,
        interest=arguments.interest,
        false_per_hour=tuple(arguments.false_per_hour),
        copies=arguments.copies,
        seed=arguments.seed,
        processes=arguments.processes,
        folder=arguments.work,
        licence=arguments.licence,
    )
    result = make_word(task, _say)
    folder = arguments.report or task.out.with_suffix(".report")
    write_outcome(result, folder, _say)
    print("\n".join([*lines_of(result.card), *comparison(result)]))
    print(f"{result.card_path}: {result.seconds / 60:.1f} minutes; curves in {folder}")
    return 0


def _measure(arguments: argparse.Namespace) -> int:
    _one_thread_each()
    from device.wake.table import lines_of
    from device.workshop.training.measuring.trials import plain
    from device.workshop.training.wake.measure import Measurement, measure

    wanted = Measurement(
        words=tuple(plain(word) for word in arguments.word),
        out=arguments.out,
        positives=tuple(arguments.positives),
        negatives=tuple(arguments.negatives),
        noise=tuple(_sounds(arguments.noise)),
        music=tuple(_sounds(arguments.music)),
        synthetic=arguments.synthetic,
        voices=arguments.voices,
        folders=_folders(),
        seed=arguments.seed,
        processes=arguments.processes,
    )
    for card in measure(wanted, _say):
        print("\n".join(lines_of(card)))
    return 0


def _say_words(arguments: argparse.Namespace) -> int:
    from device.workshop.training.measuring.trials import plain
    from device.workshop.training.wake.synthesis import Voices, record

    if arguments.count < 1 or not all(map(plain, arguments.word)):
        raise BitternError("there is nothing to say", "name a word, and a --count of 1 or more")
    voices = Voices(arguments.seed, arguments.voices)
    for word in map(plain, arguments.word):
        folder = arguments.out / word.replace(" ", "_")
        _say(f'"{word}" by {min(arguments.count, len(voices.names))} voices')
        made = record(voices, word, arguments.count, folder)
        print(f'{folder}: {made} recordings of "{word}"')
    return 0


def _join(arguments: argparse.Namespace) -> int:
    from device.workshop.training.measuring.trials import plain
    from device.workshop.training.wake.corpus import NoRecordingsError, find
    from device.workshop.training.wake.joining import Beginnings, beginning_of, joined

    word = plain(arguments.word)
    endings = find(arguments.endings)
    if not endings:
        raise NoRecordingsError("there is nothing to join", "name folders with recordings")
    folder = arguments.out / word.replace(" ", "_")
    beginnings = Beginnings(beginning_of(word, endings[0]), arguments.seed, arguments.voices)
    made = joined(endings, beginnings, folder, arguments.seed, "joined")
    print(f'{folder}: {len(made)} recordings of "{word}"')
    return 0


def _one_thread_each() -> None:
    """Let the processes share the cores, not each of them fight for all; before numpy comes."""
    import os

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _sounds(places: list[Path]) -> list[Path]:
    from device.workshop.training.wake.corpus import find

    return [recording.path for recording in find(places)]


def _report(arguments: argparse.Namespace) -> int:
    _one_thread_each()
    from device.workshop.training.measuring.report import Request, make_report
    from device.workshop.training.measuring.trials import plain

    request = Request(
        places=tuple(arguments.places),
        out=arguments.out,
        words=tuple(plain(word) for word in arguments.word),
        folders=(arguments.cards,) if arguments.cards else _folders(),
        peers=not arguments.no_peers,
        is_quick=arguments.quick,
        processes=arguments.processes,
    )
    make_report(request, _say)
    print((arguments.out / "report.md").read_text())
    return 0


def _enroll(arguments: argparse.Namespace) -> int:
    _one_thread_each()
    import tempfile

    from device.settings import load_settings
    from device.settings.places import state_folder
    from device.workshop.training.enrolment import Enrolment, accuracy_of, enroll

    settings = load_settings().settings
    with tempfile.TemporaryDirectory(prefix="bittern-enroll-") as folder:
        files = _sounds(arguments.files)
        if not files:
            files = _takes(arguments.word, arguments.takes, Path(folder))
        wanted = Enrolment(
            word=arguments.word,
            recordings=tuple(files),
            state=state_folder(settings.paths),
            negatives=tuple(arguments.negatives),
            noise=tuple(_sounds(arguments.noise)),
            verify=arguments.verify,
            processes=arguments.processes,
        )
        result = enroll(wanted, _folders(), _say)
    print("\n".join(accuracy_of(result.card)))
    print(f"{result.card_path}: made in {result.seconds / 60:.1f} minutes")
    print(f'to use it: wake.words = ["{result.card.word}"] in the settings')
    return 0


def _takes(word: str, count: int, folder: Path) -> list[Path]:
    """Record the owner, one utterance a file."""
    import sys

    from device.audio.files import write_sound
    from device.daemon.service import microphone_from
    from device.doctor.recording import record
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

"""``bittern wake train``, ``measure``, ``say`` and ``join``: words are made and judged."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.wake_common import add_places, folders, one_thread_each, sounds, tell
from device.errors import BitternError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device.cli import Commands
    from device.wake.card import WordCard
    from device.workshop.training.wake.task import Task


def add_verbs(verbs: Commands[Any]) -> None:
    """Declare them."""
    _add_train(verbs)
    _add_measure(verbs)
    _add_say(verbs)
    _add_join(verbs)


def _add_train(verbs: Commands[Any]) -> None:
    about = "train a wake word from recordings; minutes on two cores"
    parser = verbs.add_parser("train", help=about, description=about)
    parser.add_argument("--word", required=True, help="the word as people say it")
    _add_material(parser, positives="recordings of the word, one utterance a file")
    _add_way_of_learning(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL", help="WORD.onnx")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="where curves and figures go (beside the model)"
    )
    parser.set_defaults(run=_train)


def _add_way_of_learning(parser: argparse.ArgumentParser) -> None:
    """What ``train`` and ``measure`` have to do in the same way."""
    _add_parts_of_words(parser)
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
        "--copies",
        type=int,
        default=10,
        metavar="N",
        help="versions of each recording; of a synthesized one half as many (10)",
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keep prepared recordings here for the next word"
    )
    parser.add_argument("--licence", default="yours", help="what the card says (yours)")
    parser.add_argument(
        "--false-per-hour",
        nargs=3,
        type=float,
        default=(0.2, 1.0, 4.0),
        metavar="RATE",
        help="what low, normal and high allow, while others speak all the time (0.2 1 4)",
    )


def _add_parts_of_words(parser: argparse.ArgumentParser) -> None:
    add_places(parser, "--related", "recordings of a part of the word: learned from, not judged")
    add_places(
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
    add_places(
        parser,
        "--beginnings",
        "with --endings: people's phrases that begin as the word does, whose first syllable is "
        "laid before the endings, too",
    )
    parser.add_argument(
        "--joints", type=int, default=1, metavar="N", help="beginnings for each ending (1)"
    )


def _add_material(parser: argparse.ArgumentParser, *, positives: str) -> None:
    """What is learned from or judged on, and how it is worked through."""
    add_places(parser, "--positives", positives)
    add_places(parser, "--negatives", "recordings of anything else")
    add_places(parser, "--noise", "recorded noise to mix in")
    add_places(parser, "--music", "recorded music to try it in")
    parser.add_argument(
        "--synthetic", type=int, default=0, metavar="N", help="synthesized utterances to add (0)"
    )
    _add_voices(parser)
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="(2)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(0)")


def _add_measure(verbs: Commands[Any]) -> None:
    about = (
        "measure what words do to voices, recorders and synthesizers that had no part in them: "
        "they are left out whole, the word is learned from the rest, as train does"
    )
    parser = verbs.add_parser("measure", help=about, description=about)
    parser.add_argument("--word", action="append", required=True, metavar="WORD", help="the word")
    _add_material(parser, positives="recordings of the words, named after them")
    _add_way_of_learning(parser)
    parser.add_argument(
        "--as-they-are",
        action="store_true",
        help="judge the models that there are, at once: honest only of recordings and "
        "synthesizers that they have not learned from",
    )
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
    parser.add_argument(
        "--synthesizer",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be given several times (all that are installed)",
    )
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


def _train(arguments: argparse.Namespace) -> int:
    one_thread_each()
    from device.wake.table import lines_of
    from device.workshop.training.wake.outcome import comparison, write_outcome
    from device.workshop.training.wake.recipe import make_word

    task = _task(arguments, arguments.word, arguments.out.with_suffix(".onnx"))
    result = make_word(task, tell)
    folder = arguments.report or task.out.with_suffix(".report")
    write_outcome(result, folder, tell)
    print("\n".join([*lines_of(result.card), *comparison(result)]))
    print(f"{result.card_path}: {result.seconds / 60:.1f} minutes; curves in {folder}")
    return 0


def _task(arguments: argparse.Namespace, word: str, out: Path) -> Task:
    from device.workshop.training.wake.task import Task

    if arguments.add_first and not arguments.first:
        raise BitternError("--add-first: beside which model?", "name it with --first, or leave it")
    return Task(
        word=word.strip().lower().replace("_", " "),
        positives=tuple(arguments.positives),
        negatives=tuple(arguments.negatives),
        out=out,
        related=tuple(arguments.related),
        endings=tuple(arguments.endings),
        beginners=tuple(arguments.beginnings),
        joints=arguments.joints,
        noise=tuple(sounds(arguments.noise)),
        music=tuple(sounds(arguments.music)),
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


def _measure(arguments: argparse.Namespace) -> int:
    one_thread_each()
    from device.wake.table import lines_of

    cards = _measured_as_they_are if arguments.as_they_are else _measured_without
    for card in cards(arguments):
        print("\n".join(lines_of(card)))
    return 0


def _measured_without(arguments: argparse.Namespace) -> Iterator[WordCard]:
    """Each word by networks that had no part of who is judged."""
    from device.wake.card import find
    from device.workshop.training.wake.recipe import measure_word

    known = {find(word, "microwakeword", folders())[1].word for word in arguments.word}
    for word in sorted(known):
        out = arguments.out / f"{word.replace(' ', '_')}.microwakeword.onnx"
        yield measure_word(_task(arguments, word, out), tell).card


def _measured_as_they_are(arguments: argparse.Namespace) -> list[WordCard]:
    from device.workshop.training.measuring.trials import plain
    from device.workshop.training.wake.measure import Measurement, measure

    wanted = Measurement(
        words=tuple(plain(word) for word in arguments.word),
        out=arguments.out,
        positives=tuple(arguments.positives),
        negatives=tuple(arguments.negatives),
        noise=tuple(sounds(arguments.noise)),
        music=tuple(sounds(arguments.music)),
        synthetic=arguments.synthetic,
        voices=arguments.voices,
        folders=folders(),
        seed=arguments.seed,
        processes=arguments.processes,
    )
    return measure(wanted, tell)


def _say_words(arguments: argparse.Namespace) -> int:
    from device.workshop.training.measuring.trials import plain
    from device.workshop.training.wake.synthesis import Voices, record

    if arguments.count < 1 or not all(map(plain, arguments.word)):
        raise BitternError("there is nothing to say", "name a word, and a --count of 1 or more")
    voices = Voices(arguments.seed, arguments.voices, only=arguments.synthesizer)
    for word in map(plain, arguments.word):
        folder = arguments.out / word.replace(" ", "_")
        tell(f'"{word}" by {min(arguments.count, len(voices.names))} voices')
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

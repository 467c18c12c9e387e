"""``bittern wake review``: list, play, label, export and delete what was kept."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from device.errors import BitternError

if TYPE_CHECKING:
    from device.nearmisses.folder import KeptRecording, Label, RecordingFolder

_APPLIANCE = Path("/var/lib/bittern")
_KINDS = {"trigger": "woke", "near_miss": "near miss"}
_LABELS = {"mine": "the word", "not": "not the word", "": ""}


def add_verb(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``wake review``."""
    about = "look through the triggers and near misses that were kept (with [wake] keep_recordings)"
    parser = verbs.add_parser("review", help=about, description=about)
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--play", metavar="NAME", nargs="+", help="play recordings")
    does.add_argument(
        "--label", nargs="+", metavar="NAME", help="write down what recordings were: see --as"
    )
    does.add_argument("--ask", action="store_true", help="play each new one and ask what it was")
    does.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="copy what is labelled to DIR/positives and DIR/negatives, for train and enroll",
    )
    does.add_argument("--delete", nargs="+", metavar="NAME", help="delete recordings")
    does.add_argument("--delete-all", action="store_true", help="delete every recording")
    parser.add_argument(
        "--as",
        dest="label_as",
        choices=("mine", "not"),
        default="mine",
        help="mine: it was the word; not: it was something else (mine)",
    )
    parser.add_argument("--word", help="only recordings of this word")
    parser.add_argument("--device", default="default", help="the speaker, as in `bittern devices`")
    parser.add_argument("--folder", type=Path, help="where they are, if not in the usual place")
    parser.add_argument("--json", action="store_true", help="print one JSON object a recording")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``wake review``."""
    from device.nearmisses.folder import RecordingFolder

    folder = RecordingFolder(chosen.folder or _usual_folder())
    if chosen.play:
        for name in chosen.play:
            _play(folder.path_of(name), chosen.device)
    elif chosen.label:
        for name in chosen.label:
            folder.label(name, chosen.label_as)
    elif chosen.ask:
        _ask(folder, chosen)
    elif chosen.export is not None:
        counts = folder.export(chosen.export, chosen.word)
        print(f"{counts['positives']} positives, {counts['negatives']} negatives: {chosen.export}")
    elif chosen.delete:
        folder.delete(*chosen.delete)
    elif chosen.delete_all:
        print(f"{folder.delete_all()} recordings deleted")
    else:
        _list(_wanted(folder, chosen), chosen.json, folder)
    return 0


def _usual_folder() -> Path:
    from device.nearmisses.folder import FOLDER
    from device.settings import load_settings
    from device.settings.places import state_folder

    usual = state_folder(load_settings().settings.paths) / FOLDER
    appliance = _APPLIANCE / FOLDER
    return appliance if appliance.is_dir() and not usual.is_dir() else usual


def _wanted(folder: RecordingFolder, chosen: argparse.Namespace) -> list[KeptRecording]:
    return [kept for kept in folder.all() if chosen.word in (None, kept.word)]


def _list(kept: list[KeptRecording], as_json: bool, folder: RecordingFolder) -> None:
    for each in kept:
        if as_json:
            print(json.dumps({**asdict(each), "file": str(folder.path_of(each.name))}))
        else:
            print(
                f'{each.name:44} {_KINDS[each.kind]:9}  "{each.word}" {each.score:.2f}'
                f"  {_LABELS[each.label]}"
            )
    if not kept and not as_json:
        print(
            f"nothing is kept in {folder.folder}. "
            "Whoever agrees to it sets keep_recordings in [wake]."
        )


def _ask(folder: RecordingFolder, chosen: argparse.Namespace) -> None:
    if not sys.stdin.isatty():
        raise BitternError("--ask wants a terminal", "Use --play and --label instead.")
    for kept in _wanted(folder, chosen):
        if kept.label:
            continue
        print(f'{kept.at}  {_KINDS[kept.kind]}  "{kept.word}" {kept.score:.2f}')
        label = _answer(folder, kept, chosen.device)
        if label is None:
            return
        if label:
            folder.label(kept.name, label)


def _answer(folder: RecordingFolder, kept: KeptRecording, device: str) -> Label | None:
    """What the owner says it was; empty to go on, None to stop."""
    _play(folder.path_of(kept.name), device)
    answers: dict[str, Label | None] = {"m": "mine", "n": "not", "s": "", "q": None}
    while True:
        said = input("[m]ine, [n]ot, [r]epeat, [s]kip, [d]elete, [q]uit? ").strip().lower()[:1]
        if said == "r":
            _play(folder.path_of(kept.name), device)
        elif said == "d":
            folder.delete(kept.name)
            return ""
        elif said in answers:
            return answers[said]


def _play(path: Path, device: str) -> None:
    import threading

    from device.audio.files import read_sound
    from device.audio.playback import Playback
    from device.audio.portaudio import PortAudioSpeaker
    from device.audio.resample import resample

    sound, rate_hz = read_sound(path)
    finished = threading.Event()
    playback = Playback(PortAudioSpeaker(device))
    playback.on_finished = lambda _: finished.set()
    playback.open()
    try:
        playback.play(path.name, resample(sound, rate_hz, 24_000))
        if not finished.wait(len(sound) / rate_hz + 5.0):
            raise BitternError(f"{playback.speaker.name} does not play", "try `bittern devices`")
    finally:
        playback.close()

"""``bittern models``: fetch, verify, convert and list what the appliance hears and thinks with."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands
    from device.models.manifest import ModelSet
    from device.models.model_store import Condition, ModelStore
    from device.models.progress import FetchProgress


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``models`` and what it can do."""
    family = commands.add_parser("models", help="fetch, verify and list the models")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)
    fetch = _verb(verbs, "fetch", _fetch, "bring models into the store (default: the usual ones)")
    fetch.add_argument(
        "--accept-licence",
        action="store_true",
        help="agree to the terms of models that limit their use",
    )
    fetch.add_argument(
        "--through",
        type=Path,
        metavar="SOCKET",
        help="by who listens there and has a network (an update does so)",
    )
    about = "take models over from a folder (a stick, another appliance), each by its hash"
    adopt = verbs.add_parser("import", help=about, description=about)
    adopt.add_argument("folder", type=Path, metavar="FOLDER", help="searched through and through")
    _finish(adopt, _import)
    _verb(verbs, "verify", _verify, "hash every file of the models that are in the store")
    _verb(verbs, "list", _list, "show the models, their licences and their condition")
    _verb(verbs, "convert", _convert, "write the wake models in the form the runtime needs")


def _verb(verbs: Commands[Any], name: str, run: Any, about: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    _finish(verb, run)
    return verb


def _finish(verb: argparse.ArgumentParser, run: Any) -> None:
    verb.add_argument("names", nargs="*", metavar="NAME", help="a model of `bittern models list`")
    verb.add_argument("--json", action="store_true", help="print one JSON object")
    verb.set_defaults(run=run)


def _fetch(arguments: argparse.Namespace) -> int:
    from device.models.fetch import fetch
    from device.models.progress import FetchProgress
    from device.settings.store import store_to_care_for

    here = store_to_care_for()
    progress = FetchProgress(sys.stderr)
    wanted = here.manifest.select(arguments.names)
    _take_over(here, progress)
    fetched = fetch(
        here,
        arguments.names,
        progress,
        accept_licence=arguments.accept_licence,
        through=arguments.through,
    )
    if not arguments.names:
        _speak_notices(here, progress)
        _pack_dictionaries(here, progress)
    document = {
        "store": str(here.folder),
        "fetched": [chosen.name for chosen in fetched],
        "present": [chosen.name for chosen in wanted if chosen not in fetched],
    }
    text = f"models: {len(wanted)} ready in {here.folder} ({len(fetched)} fetched now)"
    _print(arguments, document, [text])
    return 0


def _take_over(here: ModelStore, progress: FetchProgress) -> None:
    """Have what an old release keeps elsewhere, each file by its hash, when it gives way to us."""
    from device.models.adopt import adopt
    from device.models.location import old_store

    old = old_store(os.environ)
    if old is not None and old.is_dir():
        adopt(here, old, [], progress)


def _import(arguments: argparse.Namespace) -> int:
    from device.errors import BitternError
    from device.models.adopt import adopt
    from device.models.progress import FetchProgress
    from device.settings.store import store_to_care_for

    if not arguments.folder.is_dir():
        raise BitternError(f"{arguments.folder} is no folder", "Name one that holds models.")
    here = store_to_care_for()
    taken = adopt(here, arguments.folder, arguments.names, FetchProgress(sys.stderr))
    text = f"models: {len(taken)} files taken from {arguments.folder} into {here.folder}"
    _print(arguments, {"store": str(here.folder), "taken": taken}, [text])
    return 0


def _speak_notices(here: ModelStore, progress: FetchProgress) -> None:
    """Have the brain's voice say what the appliance says by itself, once.

    They belong to a complete store, but not to a sound one: without them it chimes.
    """
    from device.audio.sounds import Sounds, brain_voice
    from device.errors import BitternError

    sounds = Sounds.of_store(here.folder)
    if not sounds.missing:
        return
    try:
        made = sounds.make(brain_voice())
    except BitternError as failure:
        progress.say(f"notices will be chimes: {failure}")
    else:
        progress.say(f"notices  {made} sentences spoken into {sounds.folder}")


def _pack_dictionaries(here: ModelStore, progress: FetchProgress) -> None:
    """Pack the voice's dictionaries into the store, which a service may not write into.

    Without them the brain speaks all the same, from 100 MB more of memory.
    """
    try:
        from device.brain.speaking.pronunciation import prepare

        prepare(here.folder)
    except (ImportError, OSError) as failure:
        progress.say(f"the voice's dictionaries are not packed: {failure}")


def _verify(arguments: argparse.Namespace) -> int:
    from device.models.fetch import keep_records
    from device.models.model_store import Condition
    from device.models.progress import FetchProgress
    from device.settings.store import store_to_care_for

    here = store_to_care_for()
    present = _present(here)
    chosen_sets = here.manifest.select(arguments.names) if arguments.names else present
    lines: list[str] = []
    files: list[dict[str, str]] = []
    for chosen in chosen_sets:
        for entry in chosen.entries:
            condition = here.full_condition(entry)
            files.append({"set": chosen.name, "file": entry.path, "condition": condition})
            lines.append(f"{condition:10}  {entry.path}")
    # So that a fetch knows of damage that size and date do not show.
    keep_records(here, FetchProgress(sys.stderr))
    bad = [file for file in files if file["condition"] != Condition.SOUND]
    lines.append(_verdict(len(files), bad))
    _print(arguments, {"store": str(here.folder), "files": files, "sound": not bad}, lines)
    return 1 if bad else 0


def _verdict(count: int, bad: list[dict[str, str]]) -> str:
    if not count:
        return "no models are in the store: run `bittern models fetch`"
    if not bad:
        return f"all {count} files are sound"
    names = " ".join(sorted({file["set"] for file in bad}))
    return f"{len(bad)} of {count} files are not: run `bittern models fetch {names}`"


def _list(arguments: argparse.Namespace) -> int:
    from device.settings.store import store_to_care_for

    here = store_to_care_for()
    sets = here.manifest.select(arguments.names) if arguments.names else _all(here)
    entries = [(chosen, here.condition_of_set(chosen)) for chosen in sets]
    document = {
        "store": str(here.folder),
        "models": [_described(chosen, condition) for chosen, condition in entries],
    }
    lines = [f"store: {here.folder}"]
    for chosen, condition in entries:
        mark = " (default)" if chosen.default else ""
        lines.append(
            f"{condition:10}  {chosen.name:20}  {chosen.size_bytes / 1e6:6.1f} MB  "
            f"{chosen.licence}{mark}"
        )
        lines.append(f"{'':12}{chosen.about}")
    _print(arguments, document, lines)
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from device.models.fetch import convert
    from device.models.progress import FetchProgress
    from device.settings.store import store_to_care_for

    here = store_to_care_for()
    written = convert(here, arguments.names, FetchProgress(sys.stderr))
    text = f"{len(written)} files converted" if written else "nothing to convert"
    _print(arguments, {"store": str(here.folder), "converted": written}, [text])
    return 0


def _described(chosen: ModelSet, condition: Condition) -> dict[str, object]:
    return {
        "name": chosen.name,
        "about": chosen.about,
        "licence": chosen.licence,
        "terms": chosen.terms,
        "default": chosen.default,
        "accept_licence": chosen.ask_first,
        "condition": condition,
        "size_bytes": chosen.size_bytes,
        "download_bytes": chosen.download_bytes,
        "files": [entry.path for entry in chosen.entries],
    }


def _all(here: ModelStore) -> list[ModelSet]:
    return list(here.manifest.sets.values())


def _present(here: ModelStore) -> list[ModelSet]:
    from device.models.model_store import Condition

    return [each for each in _all(here) if here.condition_of_set(each) is not Condition.ABSENT]


def _print(arguments: argparse.Namespace, document: object, lines: list[str]) -> None:
    print(json.dumps(document) if arguments.json else "\n".join(lines))

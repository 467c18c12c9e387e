"""Filling the store: every wanted set sound, whatever state it was in before."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from device.models import converted as conversion
from device.models import index, pip_settings
from device.models.download import Download
from device.models.errors import FetchFailed, LicenceNotAccepted, NoSpace, WrongHash
from device.models.files import explained, put_in_place, sha256_of, size_of
from device.models.http import Opener
from device.models.manifest import Conversion, ModelArchive, ModelFile, ModelSet
from device.models.model_store import Condition, ModelStore
from device.models.pip_settings import PipSettings
from device.models.progress import FetchProgress, megabytes
from device.models.through import ThroughFetcher
from device.models.unpack import unpack

_SPARE_BYTES = 4 << 20
"""Left free beyond the files themselves, for folders, records and the neighbours."""


def fetch(
    store: ModelStore,
    names: Iterable[str],
    progress: FetchProgress,
    *,
    accept_licence: bool = False,
    through: Path | None = None,
) -> list[ModelSet]:
    """Make the named sets (none named: the default ones) sound; return those that were not.

    ``through``: the socket of a process that has the network, where this one has none.

    Touches neither the network nor the disk when there is nothing to do. Raises
    LicenceNotAccepted, FetchFailed, WrongHash, NoSpace or ConversionFailed; the sets that
    were finished before stay.
    """
    wanted = store.manifest.select(names)
    lacking = _lacking(store, wanted)
    if not lacking:
        keep_records(store, progress)
        return []
    _must_be_accepted(lacking, accept_licence)
    with _alone(store, progress):
        lacking = _lacking(store, wanted)
        if any(_lacks_files(store, chosen) for chosen in lacking):
            settings = pip_settings.read()
        else:
            settings = PipSettings(indexes=())
        opener = Opener(settings) if through is None else ThroughFetcher(through, settings)
        for chosen in lacking:
            _fetch_set(store, chosen, _Road(settings, opener), progress)
    return lacking


@dataclass(frozen=True, slots=True)
class _Road:
    """Where files come from, and how."""

    settings: PipSettings
    opener: Opener


def convert(store: ModelStore, names: Iterable[str], progress: FetchProgress) -> list[str]:
    """Write the converted files of the named sets that are absent, outdated or damaged.

    Returns the paths written. Raises MissingModel when a source is not in the store.
    """
    wanted = [chosen for chosen in store.manifest.select(names) if chosen.converted]
    with _alone(store, progress):
        return [path for chosen in wanted for path in _convert_set(store, chosen, progress)]


def _alone(store: ModelStore, progress: FetchProgress) -> AbstractContextManager[None]:
    return store.locked(lambda who: progress.say(f"waiting for {who}, which is at the models"))


def keep_records(store: ModelStore, progress: FetchProgress) -> None:
    """Save what was learned by hashing: of files that were copied here, touched or harmed."""
    if not store.records.changed:
        return
    learned = store.records
    # A store that only others may write to is as good without.
    with suppress(FetchFailed), _alone(store, progress), explained(store.folder):
        store.records.adopt(learned)
        store.records.save()


def _lacking(store: ModelStore, wanted: list[ModelSet]) -> list[ModelSet]:
    return [each for each in wanted if store.condition_of_set(each) is not Condition.SOUND]


def _lacks_files(store: ModelStore, chosen: ModelSet) -> bool:
    return any(store.quick_condition(file) is not Condition.SOUND for file in chosen.files)


def _must_be_accepted(lacking: list[ModelSet], accepted: bool) -> None:
    for chosen in lacking:
        if chosen.ask_first and not accepted:
            raise LicenceNotAccepted(
                f"{chosen.name} comes under: {chosen.licence}; {chosen.terms}",
                f"if you agree, say so: `bittern models fetch {chosen.name} --accept-licence`",
            )


def _fetch_set(store: ModelStore, chosen: ModelSet, road: _Road, progress: FetchProgress) -> None:
    if _lacks_files(store, chosen):
        progress.say(
            f"{chosen.name}  {megabytes(chosen.size_bytes)}  {chosen.licence}  ({chosen.about})"
        )
        _fetch_files(store, chosen, road, progress)
    _convert_set(store, chosen, progress)
    with explained(store.folder):
        store.records.save()


def _fetch_files(store: ModelStore, chosen: ModelSet, road: _Road, progress: FetchProgress) -> None:
    """Bring the files of a set from the first of its places that has them."""
    *others, last = chosen.sources
    for source in others:
        try:
            _fetch_from(store, source, road, progress)
        except (FetchFailed, WrongHash) as failure:
            progress.say(f"  {failure.what}; the same files are looked for elsewhere")
        else:
            return
    _fetch_from(store, last, road, progress)


def _fetch_from(store: ModelStore, source: ModelSet, road: _Road, progress: FetchProgress) -> None:
    parts = _parts_of(store, source)
    _must_have_room(store, source, parts)
    for archive, part in parts:
        _bring(archive, part, road, progress)
    _unpack(store, source, [part for _, part in parts])


def _parts_of(store: ModelStore, chosen: ModelSet) -> list[tuple[ModelArchive, Path]]:
    folder = store.folder / ".downloads"
    with explained(store.folder):
        folder.mkdir(exist_ok=True)
    # The hash in the name: a beginning of last year's archive is never continued.
    return [(each, folder / f"{each.sha256[:12]}-{each.file}.part") for each in chosen.archives]


def _bring(archive: ModelArchive, part: Path, road: _Road, progress: FetchProgress) -> None:
    if size_of(part) == archive.size_bytes and sha256_of(part) == archive.sha256:
        return
    addresses = index.find(archive, road.settings, road.opener)
    if size_of(part) >= archive.size_bytes:
        part.unlink()
    progress.begin(f"  {archive.file}", size_of(part), archive.size_bytes)
    Download(archive, part, road.opener, progress).run(addresses)
    progress.end()


def _unpack(store: ModelStore, chosen: ModelSet, parts: list[Path]) -> None:
    workplace = store.folder / ".incoming"
    # What an interrupted run left there is worth nothing.
    shutil.rmtree(workplace, ignore_errors=True)
    with explained(store.folder):
        workplace.mkdir()
    try:
        unpack(chosen, parts, workplace, store)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    for part in parts:
        part.unlink()


def _must_have_room(
    store: ModelStore, chosen: ModelSet, parts: list[tuple[ModelArchive, Path]]
) -> None:
    here = sum(size_of(part) for _, part in parts)
    needed = chosen.download_bytes - here + chosen.size_bytes + _SPARE_BYTES
    free = shutil.disk_usage(store.folder).free
    if free < needed:
        raise NoSpace(
            f"{chosen.name} needs {megabytes(needed)} for a moment, and {store.folder} "
            f"has {megabytes(free)} free",
            "make room, or set BITTERN_MODELS to a folder on another disk",
        )


def _convert_set(store: ModelStore, chosen: ModelSet, progress: FetchProgress) -> list[str]:
    lacking = [
        entry for entry in chosen.converted if store.quick_condition(entry) is not Condition.SOUND
    ]
    for entry in lacking:
        _convert_one(store, entry)
        progress.say(f"  {entry.path}: written from {entry.source}")
    if lacking:
        with explained(store.folder):
            store.records.save()
    return [entry.path for entry in lacking]


def _convert_one(store: ModelStore, entry: Conversion) -> None:
    original = store.path_of(entry.source)
    final = store.folder / entry.path
    new = final.with_name(f".{final.name}.new")
    with explained(store.folder):
        conversion.convert(original, new, final.name)
        new.chmod(0o644)
        sha256 = sha256_of(new)
        put_in_place(new, final)
    source = store.manifest.by_path[entry.source][1]
    assert isinstance(source, ModelFile)
    store.remember(entry.path, sha256, conversion.recipe(source))

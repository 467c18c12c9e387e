"""The folder of models: what is in it, whether it is sound, and where a model lies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from device.models import converted as conversion
from device.models.errors import MissingModel, UnknownModel
from device.models.files import explained, sha256_of, unreadable
from device.models.manifest import Conversion, Manifest, ModelFile, ModelSet
from device.models.records import Record, Records


class Condition(StrEnum):
    """How a file, or a whole set, is."""

    SOUND = "sound"
    ABSENT = "absent"
    CUT_SHORT = "cut short"
    DAMAGED = "damaged"
    """The right size, or too long, but not what was pinned."""
    OUTDATED = "outdated"
    """Converted from another source, or by another converter, than today's."""
    INCOMPLETE = "incomplete"
    """Of a set: some of its files are there."""


class Store:
    """One folder of models, described by one manifest."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.records = Records(folder)

    def path_of(self, name: str) -> Path:
        """Return where a model lies: ``"silero/silero_vad.onnx"``, or a set: ``"whisper-tiny.en"``.

        For a set it is the folder with its files. Only sizes are looked at, so the call
        costs no hashing. Raises MissingModel, with the command that mends it, when
        anything is absent or has another size than it must; UnknownModel when the
        manifest has no such name.
        """
        if name in self.manifest.sets:
            chosen = self.manifest.sets[name]
            for file in chosen.entries:
                self._must_be_there(chosen, file)
            return self.folder / chosen.folder
        if name not in self.manifest.by_path:
            raise UnknownModel(f"there is no model {name!r}", "`bittern models list` shows all")
        return self._must_be_there(*self.manifest.by_path[name])

    def quick_condition(self, entry: ModelFile | Conversion) -> Condition:
        """Judge a file by its size and by what was recorded when it was last hashed.

        A fetched file that was touched since is hashed again.
        """
        found = self._stat(entry.path)
        if found is None:
            return Condition.ABSENT
        if isinstance(entry, Conversion):
            return self._condition_of_converted(entry, found)
        if found.st_size != entry.size_bytes:
            return _wrong_size(found.st_size, entry.size_bytes)
        record = self.records.get(entry.path)
        if record is None or not record.fits(found):
            return self.full_condition(entry)
        return Condition.SOUND if record.sha256 == entry.sha256 else Condition.DAMAGED

    def full_condition(self, entry: ModelFile | Conversion) -> Condition:
        """Judge a file by hashing it."""
        found = self._stat(entry.path)
        if found is None:
            return Condition.ABSENT
        if isinstance(entry, Conversion):
            return self._condition_of_converted(entry, found, hashing=True)
        if found.st_size != entry.size_bytes:
            return _wrong_size(found.st_size, entry.size_bytes)
        sha256 = sha256_of(self.folder / entry.path)
        self.records.put(entry.path, Record(found.st_size, found.st_mtime_ns, sha256))
        return Condition.SOUND if sha256 == entry.sha256 else Condition.DAMAGED

    def condition_of_set(
        self,
        chosen: ModelSet,
        judge: Callable[[ModelFile | Conversion], Condition] | None = None,
    ) -> Condition:
        """Judge a set: sound or absent as a whole, else the worst of its files."""
        judge = judge or self.quick_condition
        conditions = [judge(entry) for entry in chosen.entries]
        if len(set(conditions)) == 1:
            return conditions[0]
        for bad in (Condition.DAMAGED, Condition.CUT_SHORT, Condition.ABSENT):
            if bad in conditions:
                return Condition.INCOMPLETE if bad is Condition.ABSENT else bad
        return Condition.OUTDATED

    def remember(self, path: str, sha256: str, made_from: str = "") -> None:
        """Record a file that was just written and hashed."""
        found = (self.folder / path).stat()
        record = Record(found.st_size, found.st_mtime_ns, sha256, made_from)
        self.records.put(path, record)

    @contextmanager
    def locked(self, on_waiting: Callable[[], None]) -> Iterator[None]:
        """Be the only process that writes to the store; wait for another one to finish.

        The kernel gives the lock back when its holder dies, however it dies.
        """
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_waiting()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            # What the other process did while we waited counts.
            self.records = Records(self.folder)
            yield
        finally:
            os.close(descriptor)

    def _must_be_there(self, chosen: ModelSet, entry: ModelFile | Conversion) -> Path:
        path = self.folder / entry.path
        found = self._stat(entry.path)
        remedy = f"run `bittern models {_verb(chosen)}`"
        if found is None:
            raise MissingModel(f"the model {entry.path} is not in {self.folder}", remedy)
        record = self.records.get(entry.path)
        known = record.size_bytes if record else found.st_size
        wanted = entry.size_bytes if isinstance(entry, ModelFile) else known
        if found.st_size != wanted:
            raise MissingModel(
                f"the model {path} is {_wrong_size(found.st_size, wanted)}: "
                f"{found.st_size} bytes where {wanted} belong",
                remedy,
            )
        return path

    def _condition_of_converted(
        self, entry: Conversion, found: os.stat_result, *, hashing: bool = False
    ) -> Condition:
        record = self.records.get(entry.path)
        source = self.manifest.by_path[entry.source][1]
        assert isinstance(source, ModelFile)
        if record is None or record.made_from != conversion.recipe(source):
            return Condition.OUTDATED
        if found.st_size != record.size_bytes:
            return _wrong_size(found.st_size, record.size_bytes)
        is_suspect = hashing or not record.fits(found)
        if is_suspect and sha256_of(self.folder / entry.path) != record.sha256:
            self.records.forget(entry.path)
            return Condition.DAMAGED
        return Condition.SOUND

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return (self.folder / path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unreadable(self.folder / path, error) from error


def _verb(chosen: ModelSet) -> str:
    if chosen.ask_first:
        return f"fetch {chosen.name} --accept-licence"
    return "fetch" if chosen.default else f"fetch {chosen.name}"


def _wrong_size(found_bytes: int, wanted_bytes: int) -> Condition:
    return Condition.CUT_SHORT if found_bytes < wanted_bytes else Condition.DAMAGED

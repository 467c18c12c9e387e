"""The folder of models: what is in it, whether it is sound, and where a model lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path

from device.locks import locked
from device.models import converted as conversion
from device.models.errors import MissingModel, UnknownModel
from device.models.files import explained, sha256_of, unreadable
from device.models.manifest import Conversion, ModelFile, ModelManifest, ModelSet
from device.models.records import HashRecord, Records
from device.ownership import must_be_ours_alone

OF_ROOT = "root writes models to its own place (/var/lib/bittern-models), or to a folder of its own"


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


class ModelStore:
    """One folder of models, described by one manifest."""

    def __init__(self, folder: Path, manifest: ModelManifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.records = Records(folder)

    def path_of(self, name: str) -> Path:
        """Return where a model lies: ``"silero/silero_vad.onnx"``, or a set: ``"whisper-tiny.en"``.

        For a set it is the folder with its files. Each is what was pinned: hashed now, unless
        root (or who asks) hashed it before and it was not touched since. Raises
        MissingModel, with the command that mends it, when anything is absent or is another
        file; UnknownModel when the manifest has no such name.
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
        self.records.put(entry.path, HashRecord.of(found, sha256))
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
        self.records.put(path, HashRecord.of(found, sha256, made_from))

    @contextmanager
    def locked(self, on_waiting: Callable[[str], None]) -> Iterator[None]:
        """Be the only process that writes to the store; wait for another one to finish.

        ``on_waiting`` is told who that is. Raises ``NotOursAloneError`` where root would write
        to what somebody else may change.
        """
        must_be_ours_alone(self.folder, OF_ROOT)
        with ExitStack() as stack:
            with explained(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked(self.folder / ".lock", on_waiting))
            # What the other process did while we waited counts.
            self.records = Records(self.folder)
            yield

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
        self._must_be_pinned(entry, found, remedy)
        return path

    def _must_be_pinned(
        self, entry: ModelFile | Conversion, found: os.stat_result, remedy: str
    ) -> None:
        record = self.records.get(entry.path)
        pinned = entry.sha256 if isinstance(entry, ModelFile) else record and record.sha256
        if pinned and record is not None and record.sha256 == pinned and record.fits(found):
            return
        path = self.folder / entry.path
        if not pinned:
            raise MissingModel(f"nobody knows what the model {path} was made from", remedy)
        if sha256_of(path) != pinned:
            raise MissingModel(f"the model {path} is damaged: it is not the pinned one", remedy)
        # Remembered by this process; who may write to the store makes it last.
        self.records.put(
            entry.path, HashRecord.of(found, pinned, record.made_from if record else "")
        )

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

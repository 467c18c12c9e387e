"""What is known of the files in the store, so that 200 MB are not hashed at every start."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from device.models.files import put_in_place

FILE_NAME = "records.json"
OLDER_NAME = "state.json"
"""As it was before records knew of inodes; releases that are gone back to still read it."""


@dataclass(frozen=True, slots=True)
class HashRecord:
    """A file as it was when it was last hashed."""

    size_bytes: int
    modified_ns: int
    sha256: str
    made_from: str = ""
    """For a converted file: what it was made from and by (see ``conversion.recipe``)."""
    inode: int = 0
    changed_ns: int = 0
    """The kernel's own date of a change, which nobody can set back."""

    @classmethod
    def of(cls, found: os.stat_result, sha256: str, made_from: str = "") -> HashRecord:
        """Return the record of a file that was just hashed."""
        return cls(
            found.st_size, found.st_mtime_ns, sha256, made_from, found.st_ino, found.st_ctime_ns
        )

    def fits(self, found: os.stat_result) -> bool:
        """Tell whether a file has not been touched since."""
        return self == HashRecord.of(found, self.sha256, self.made_from)


class Records:
    """The store's memory: one record a path, kept in ``records.json``.

    Losing it costs one more hashing of each file and one more conversion, nothing else; so
    a file that cannot be read or understood counts as an empty one, and so does one that
    somebody else than root or we has written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._records = _load(self._file) or _load(folder / OLDER_NAME)
        self.changed = False
        """Something was learned that is not saved yet."""

    def get(self, path: str) -> HashRecord | None:
        """Return what is known of a file."""
        return self._records.get(path)

    def put(self, path: str, record: HashRecord) -> None:
        """Remember a file; ``save`` makes it last."""
        self._records[path] = record
        self.changed = True

    def forget(self, path: str) -> None:
        """Know nothing more of a file: it counts as never seen."""
        self._records.pop(path, None)
        self.changed = True

    def adopt(self, other: Records) -> None:
        """Take over everything that another reading of the same store has learned."""
        self._records = dict(other._records)
        self.changed = True

    def save(self) -> None:
        """Write all records, atomically."""
        new = self._file.with_suffix(".new")
        text = json.dumps({path: asdict(record) for path, record in self._records.items()})
        new.write_text(text, encoding="utf-8")
        new.chmod(0o644)
        put_in_place(new, self._file)
        self.changed = False


def _load(file: Path) -> dict[str, HashRecord]:
    try:
        with file.open(encoding="utf-8") as content:
            if os.fstat(content.fileno()).st_uid not in (0, os.geteuid()):
                return {}
            document = json.load(content)
        return {path: HashRecord(**entry) for path, entry in document.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}

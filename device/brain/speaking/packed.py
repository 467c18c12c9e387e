"""A large table of words in a file, looked up without loading it.

The voice's lexicon and tagger are 400,000 entries. As Python dictionaries they take
100 MB and half a second to load; here they take what is looked up.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_MAGIC = b"bittern-table-1\n"
_HEAD = struct.Struct("<QQQ")


class PackedTable(Mapping[str, Any]):
    """Words to JSON values, sorted, in one read-only piece of memory."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        """``data`` is what `pack` made; raises ``ValueError`` for anything else."""
        if data[: len(_MAGIC)] != _MAGIC or len(data) < len(_MAGIC) + _HEAD.size:
            raise ValueError("not a packed table")
        head = len(_MAGIC)
        self._count, key_bytes, value_bytes = _HEAD.unpack(data[head : head + _HEAD.size])
        at = head + _HEAD.size
        width = 4 * (self._count + 1)
        if len(data) != at + 2 * width + key_bytes + value_bytes:
            raise ValueError("a packed table of the wrong length")
        self._view = memoryview(data)
        self._key_ends: NDArray[np.uint32] = np.frombuffer(data, "<u4", self._count + 1, at)
        self._value_ends: NDArray[np.uint32] = np.frombuffer(
            data, "<u4", self._count + 1, at + width
        )
        self._keys_at = at + 2 * width
        self._values_at = self._keys_at + key_bytes

    def __getitem__(self, key: str) -> Any:
        at = self._find(key)
        if at is None:
            raise KeyError(key)
        start, end = self._values_at + self._value_ends[at : at + 2].astype(np.int64)
        return msgspec.json.decode(self._view[start:end])

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._find(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (self._key(at).decode() for at in range(self._count))

    def __len__(self) -> int:
        return int(self._count)

    def _find(self, key: str) -> int | None:
        wanted = key.encode()
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._key(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < self._count and self._key(low) == wanted else None

    def _key(self, at: int) -> bytes:
        ends = self._key_ends
        return bytes(self._view[self._keys_at + int(ends[at]) : self._keys_at + int(ends[at + 1])])


def pack(table: Mapping[str, Any]) -> bytes:
    """Bring a table in the form that `PackedTable` reads."""
    entries = sorted((key.encode(), msgspec.json.encode(value)) for key, value in table.items())
    keys = b"".join(key for key, _ in entries)
    values = b"".join(value for _, value in entries)
    key_ends = np.cumsum([0, *(len(key) for key, _ in entries)], dtype="<u4")
    value_ends = np.cumsum([0, *(len(value) for _, value in entries)], dtype="<u4")
    head = _HEAD.pack(len(entries), len(keys), len(values))
    return b"".join((_MAGIC, head, key_ends.tobytes(), value_ends.tobytes(), keys, values))


def open_packed(path: Path) -> PackedTable:
    """Map a file; raises ``OSError`` where there is none, ``ValueError`` where it is no table."""
    with path.open("rb") as file:
        return PackedTable(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def write_packed(path: Path, data: bytes) -> None:
    """Write a packed table, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

"""Locks between processes: files that nobody else may open, and who has one.

Whoever may open a file, be it only for reading, may lock it (flock(2)): a lock of root's that
others can read lets any of them keep root waiting for ever.
"""

from __future__ import annotations

import fcntl
import os
import pwd
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LOCKS = Path("/proc/locks")


@contextmanager
def locked(path: Path, on_held: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a file; the kernel gives it back when its holder dies, however it dies.

    While somebody else has it, ``on_held`` is told who, and then it is waited for, unless
    ``on_held`` raises. Raises OSError where the file cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o600)  # an older one may be open to all
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_held(holder_of(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def holder_of(descriptor: int, locks: Path = _LOCKS) -> str:
    """Say who holds the lock of an open file: "bittern update apply (process 123 of root)"."""
    found = os.fstat(descriptor)
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    with suppress(OSError):
        for line in locks.read_text().splitlines():
            fields = line.split()
            if "FLOCK" in fields and "->" not in fields and fields[-3] == place:
                return _described(int(fields[-4]))
    return "another process"


def _described(process: int) -> str:
    folder = Path(f"/proc/{process}")
    try:
        words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        owner = pwd.getpwuid(folder.stat().st_uid).pw_name
    except (OSError, KeyError):
        return f"process {process}"
    command = " ".join(Path(word).name if "/" in word else word for word in words if word)
    return f"{command} (process {process} of {owner})"

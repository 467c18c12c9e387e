"""Who may change what lies at a path: what root must know before it reads or writes there.

A folder that another user may write to holds what that user likes, links included, and may be
another one at the next moment. So root writes by path only where nobody else may change any
part of the path, and elsewhere by the descriptor of a folder to which no link has led.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.errors import BitternError

_MOST_LINKS = 40
"""As the kernel (path_resolution(7))."""


class NotOursAloneError(BitternError):
    """Somebody else may change what lies at a path."""


def must_be_ours_alone(path: Path, remedy: str) -> None:
    """As root, raise ``NotOursAloneError`` where anybody else may change a part of a path.

    What another user writes there is that user's, and no more than the user could do anyway.
    """
    found = changeable_by_others(path) if os.geteuid() == 0 else ""
    if found:
        raise NotOursAloneError(f"{path} is not safe to write to: {found}", remedy)


def changeable_by_others(path: Path) -> str:
    """Return which part of a path somebody but root and us may change, and why; "" if none.

    Looks at every folder on the way, at links and at what they lead to; what does not exist
    yet is as safe as the folder that it would be made in.
    """
    for part in _parts(path):
        try:
            found = part.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if found.st_uid not in (0, os.geteuid()):
            return f"{part} belongs to {_name(found.st_uid)}"
        # In a sticky folder nobody may rename or remove what belongs to others.
        may_all_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if may_all_write and not stat.S_ISLNK(found.st_mode) and not found.st_mode & stat.S_ISVTX:
            return f"others may write to {part}"
    return ""


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """Give the descriptor of a folder to which no link of another user's has led.

    Raises OSError where there is none, or where a link stands in the way (ELOOP, ENOTDIR).
    """
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # What root itself has linked (/var on another disk) may be followed.
        for name in _trusted_spelling(path.absolute()).parts[1:]:
            flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            next_one = os.open(name, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = next_one
        # Of an O_PATH descriptor nothing can be listed or synchronized.
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    finally:
        os.close(descriptor)
    try:
        yield readable
    finally:
        os.close(readable)


def _trusted_spelling(path: Path) -> Path:
    """The path with those links followed that root or we have put where nobody else may."""
    here, names, links = Path("/"), list(path.parts[1:]), 0
    while names:
        name = names.pop(0)
        step = here.parent if name == ".." else here / name
        is_link = step.is_symlink() and step.lstat().st_uid in (0, os.geteuid())
        if is_link and links < _MOST_LINKS and not changeable_by_others(here):
            links += 1
            target = Path(os.readlink(step))
            names = [*(target.parts[1:] if target.is_absolute() else target.parts), *names]
            here = Path("/") if target.is_absolute() else here
        else:
            here = step
    return here


def _parts(path: Path) -> Iterator[Path]:
    """Every folder and link from the root to the end of a path, links followed."""
    here, names, links = Path("/"), list(path.absolute().parts[1:]), 0
    yield here
    while names:
        name = names.pop(0)
        here = here.parent if name == ".." else here / name
        yield here
        if here.is_symlink():
            links += 1
            if links > _MOST_LINKS:
                return
            target = Path(os.readlink(here))
            names = [*(target.parts[1:] if target.is_absolute() else target.parts), *names]
            here = Path("/") if target.is_absolute() else here.parent


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"

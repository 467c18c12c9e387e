"""Writing so that a power cut leaves the old or the new, and never something in between."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from device.models.files import sync_folder


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Give a file its content: on the disk before it has its name."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    os.replace(new, path)
    sync_folder(path.parent)


def point(link: Path, target: Path) -> None:
    """Have a symbolic link say something else, in one step."""
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, link)
    sync_folder(link.parent)


def forget(path: Path) -> None:
    """Have no such file, and stay so."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; nothing to do where there is none."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)


def link_tree(source: Path, target: Path) -> None:
    """Make a folder with the same files (hard links), leaving out what begins with a dot.

    Files that are replaced in one of them later stay as they are in the other. Across file
    systems the files are copied.
    """
    for file in visible_files(source):
        place = target / file
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(source / file, place)


def visible_files(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, relative to it, without those in or of a dot name."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(root) / name
            if not name.startswith(".") and file.is_file() and not file.is_symlink():
                yield file.relative_to(folder)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name in place of whatever has that name."""
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    try:
        os.link(source, new)
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, new)
    os.replace(new, target)

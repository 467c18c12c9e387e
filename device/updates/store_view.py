"""Model stores side by side: what each release wants, without keeping anything twice.

A release may pin another file under the name of an older one, and the brain opens models
while the old release still serves. So the new release completes a copy of the store made
of hard links, tries itself on it, and the files change their names only at the switch.
The store as the old release knew it is kept, again as hard links, for the way back.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from device.models.files import sync_folder
from device.ownership import opened_folder
from device.updates.durable import link_or_copy, link_tree, remove_tree, visible_files


def stage(store: Path, staged: Path, kept: Path) -> None:
    """Begin a store for a release: as it last left it, or as it is now."""
    remove_tree(staged)
    staged.mkdir(parents=True, mode=0o755)
    link_tree(store, staged)
    if kept.is_dir():
        link_tree(kept, staged)


def keep(store: Path, kept: Path) -> None:
    """Keep the store as it is under another name."""
    remove_tree(kept)
    kept.mkdir(parents=True, mode=0o755)
    link_tree(store, kept)


def serve_older(release: Path, state: Path, store: Path) -> None:
    """Have an older release find the store where it looks for one: in the folder of its state.

    Nothing is written through that link, and whatever is there already stays.
    """
    unit = release / "systemd" / "bittern.service"
    older = state / "models"
    if unit.is_file() and f"{older}\n" in unit.read_text(encoding="utf-8"):
        with opened_folder(state) as here, suppress(FileExistsError):
            os.symlink(store, older.name, dir_fd=here)


def place(source: Path, store: Path) -> None:
    """Put what differs into the store, each file in one step; the rest stays.

    Files that only the store has are left: they do no harm, and the other release may
    want them.
    """
    if not source.is_dir():
        return
    touched: set[Path] = set()
    for file in visible_files(source):
        there = store / file
        if there.is_file() and there.samefile(source / file):
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(source / file, there)
        touched.add(there.parent)
    for folder in touched:
        sync_folder(folder)

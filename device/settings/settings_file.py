"""The owner's settings file: read, changed, judged, and replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from device.panel.boards import load_board
from device.schema.document import parse_document, read_document
from device.settings.edit import KeyChange, edited
from device.settings.load import SHIPPED, SYSTEM, LoadedSettings, assemble, load_settings
from device.settings.setup_errors import SetupError

BACKUP_SUFFIX = ".before-setup"


def load_for_setup(config: Path | None) -> tuple[LoadedSettings, Path]:
    """Return the settings in force and the file to change, which need not exist yet."""
    if config is not None and not config.exists():
        return assemble(read_document(SHIPPED), None), config
    loaded = load_settings(config)
    return loaded, loaded.user_file or usual_place()


def usual_place() -> Path:
    """Where the settings of whoever asks are, or will be."""
    if os.geteuid() == 0 and SYSTEM.parent.is_dir():
        return SYSTEM
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "bittern" / "bittern.toml"


def must_be_writable(path: Path) -> None:
    """Raise ``SetupError`` now rather than after ten minutes of set-up."""
    there = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(there, os.W_OK) or not os.access(
        path.parent if path.exists() else there, os.W_OK
    ):
        raise SetupError(f"{path} cannot be written by you", "Try: sudo bittern setup")


def preview(path: Path, changes: Sequence[KeyChange]) -> bytes:
    """Return what the file would hold; raises ``MistakesError`` for settings that are wrong."""
    content = path.read_bytes() if path.exists() else b""
    text = edited(parse_document(content, str(path)).text, changes, str(path))
    new = text.replace("\n", "\r\n").encode() if b"\r\n" in content else text.encode()
    loaded = assemble(read_document(SHIPPED), parse_document(new, str(path)), path)
    load_board(loaded.settings.panel.board)
    return new


def write(path: Path, changes: Sequence[KeyChange]) -> Path | None:
    """Make the changes; return the backup of the file as it was, None if there was none.

    Raises ``MistakesError`` or ``SetupError``, and the file is as it was then.
    """
    path = path.resolve()
    new = preview(path, changes)
    backup = path.with_name(path.name + BACKUP_SUFFIX) if path.exists() else None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if backup is not None:
            shutil.copy2(path, backup)
        replace_whole(path, new)
    except OSError as failure:
        raise SetupError(
            f"{path} cannot be written: {failure.strerror}", "Nothing was changed."
        ) from None
    return backup


def replace_whole(path: Path, content: bytes) -> None:
    """Have the file hold this, or what it held; never a part. Raises ``OSError``."""
    before = path.stat() if path.exists() else None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".bittern-")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, before.st_mode & 0o777 if before else 0o644)
        if before and os.geteuid() == 0:
            os.chown(name, before.st_uid, before.st_gid)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise

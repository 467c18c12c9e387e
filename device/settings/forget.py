"""Back to how it was when it was new: settings, keys, timers, lists, recordings, learned words.

What stays: the program, its models, and those settings that say which hardware is there,
without which the appliance could not even be told to begin anew by its button.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from device.errors import BitternError
from device.ownership import opened_folder
from device.settings.edit import KeyChange, edited
from device.settings.load import load_settings
from device.settings.settings_file import replace_whole
from device.settings.setup_errors import SetupError
from device.settings.tree import Settings

REQUEST = "factory-reset"
"""A file of this name in the state folder asks systemd (``bittern-reset.path``) for it."""
HARDWARE = {
    "panel": ("board",),
    "microphone": ("device", "rate_hz", "channel", "gain_db"),
    "speaker": ("device", "rate_hz"),
    "paths": ("models", "state", "runtime"),
}


KEPT_IN_STATE = ("models",)
"""Where the models of an owner may lie, and those of releases up to 0.1."""


def request(state: Path) -> None:
    """Ask whoever may (root) to forget everything. Raises ``SetupError``."""
    try:
        (state / REQUEST).touch()
    except OSError as failure:
        raise SetupError(f"nothing was forgotten: {failure}") from None


def forget(settings_file: Path, state: Path, keys: Path, copies: Sequence[Path] = ()) -> None:
    """Do it. Everything that can be forgotten is, before anything is complained about.

    ``copies`` are folders with what was saved of all this. Raises ``SetupError`` with what is
    still there.
    """
    left: list[str] = []
    elsewhere = _state_of(settings_file)
    _forget_settings(settings_file, left)
    for folder in (keys, *copies):
        _forget_in(folder, (), left)
    for folder in {state, elsewhere or state}:
        _forget_in(folder, KEPT_IN_STATE, left)
    if left:
        raise SetupError(f"these are still there: {', '.join(left)}", "Remove them by hand.")


def hardware_of(settings: Settings) -> list[KeyChange]:
    """Those settings that stay, as far as they differ from the shipped ones."""
    shipped = Settings()
    return [
        KeyChange((table, key), getattr(getattr(settings, table), key))
        for table, names in HARDWARE.items()
        for key in names
        if getattr(getattr(settings, table), key) != getattr(getattr(shipped, table), key)
    ]


def _state_of(file: Path) -> Path | None:
    """Where these settings have the state kept, if they say so."""
    try:
        chosen = load_settings(file).settings.paths.state if file.exists() else ""
    except BitternError:
        chosen = ""
    return Path(chosen).expanduser() if chosen else None


def _forget_settings(file: Path, left: list[str]) -> None:
    try:
        hardware = hardware_of(load_settings(file).settings) if file.exists() else []
    except BitternError:
        # What cannot be read says nothing about the hardware either.
        hardware = []
    try:
        # What set-up and installer have put beside it, half-written ones included.
        for pattern in (f"{file.name}.*", f".{file.name}.*", ".bittern.??????"):
            for copy in file.parent.glob(pattern):
                copy.unlink(missing_ok=True)
        if file.exists():
            kept = edited("", hardware) if hardware else ""
            kept = f"# Kept by the factory reset: the hardware.\n{kept}"
            replace_whole(file, kept.encode())
    except OSError as failure:
        left.append(f"{file} ({failure.strerror})")


def _forget_in(folder: Path, kept: tuple[str, ...], left: list[str]) -> None:
    if not folder.is_dir():
        return
    try:
        with opened_folder(folder) as here:
            _empty(here, folder, kept, left)
    except OSError as failure:
        left.append(f"{folder} ({failure.strerror})")


def _empty(here: int, folder: Path, kept: tuple[str, ...], left: list[str]) -> None:
    """Links are removed, not followed: the folder may be another user's."""
    with os.scandir(here) as entries:
        found = [
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in entries
            if entry.name not in kept
        ]
    for name, is_folder in found:
        try:
            if is_folder:
                shutil.rmtree(name, dir_fd=here)
            else:
                os.unlink(name, dir_fd=here)
        except OSError as failure:
            left.append(f"{folder / name} ({failure.strerror})")


@dataclasses.dataclass(frozen=True)
class PersonalPlaces:
    """Where the things are that are forgotten."""

    settings_file: Path
    state: Path
    keys: Path
    copies: tuple[Path, ...] = ()

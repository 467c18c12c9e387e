"""What the families of ``bittern wake`` have in common."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_places(parser: argparse.ArgumentParser, name: str, about: str) -> None:
    """An option that takes files and folders."""
    parser.add_argument(name, nargs="+", type=Path, default=[], metavar="PATH", help=about)


def tell(text: str) -> None:
    """Say how far the work is, where it is not in the way of the result."""
    import sys

    print(text, file=sys.stderr, flush=True)


def folders() -> tuple[Path, ...]:
    """Where cards are: the owner's own first."""
    from device.settings import load_settings
    from device.settings.places import state_folder
    from device.wake.open import card_folders

    return card_folders(state_folder(load_settings().settings.paths))


def one_thread_each() -> None:
    """Let the processes share the cores, not each of them fight for all; before numpy comes."""
    import os

    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def sounds(places: list[Path]) -> list[Path]:
    """All recordings in these places."""
    from device.workshop.training.wake.corpus import find

    return [recording.path for recording in find(places)]

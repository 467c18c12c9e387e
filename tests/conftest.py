"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with recordings of real people; skips where there is none."""
    folder = Path(os.environ.get("BITTERN_RECORDINGS", REPOSITORY.parent / "shared" / "audio"))
    if not folder.is_dir():
        pytest.skip(f"no recordings of people at {folder} (set BITTERN_RECORDINGS)")
    return folder

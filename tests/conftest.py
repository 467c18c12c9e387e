"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# A machine that is busy with other things makes no property false.
settings.register_profile("bittern", deadline=None)
settings.load_profile("bittern")


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder with recordings of real people; skips where there is none."""
    folder = Path(os.environ.get("BITTERN_RECORDINGS", REPOSITORY.parent / "shared" / "audio"))
    if not folder.is_dir():
        pytest.skip(f"no recordings of people at {folder} (set BITTERN_RECORDINGS)")
    return folder

"""A word whose own models are shipped, in a store that lacks what all words share."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.models import MissingModel, store_at
from device.wake.open import WakeSettings, open_words


@pytest.mark.parametrize("word", ["jarvis", "computer", "hey jarvis"])
def test_what_is_missing_is_named(word: str, tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=str(tmp_path)):
        open_words(WakeSettings(words=(word,), models=store_at(tmp_path)))

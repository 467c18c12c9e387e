"""Sound of the wake word is kept only where the owner agreed to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.nearmisses.folder import FOLDER, RecordingFolder
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

ANSWERS = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}
AGREED = "[wake]\nkeep_recordings = 5\n"


@pytest.mark.parametrize("more", ["", AGREED], ids=["by default", "agreed"])
async def test_nothing_is_kept_unless_it_was_agreed_to(
    more: str, studio: Any, settings: Any, appliance_of: Any, tmp_path: Path
) -> None:
    async with Cloud(script_from(ANSWERS)) as cloud:
        loaded = settings.load(settings.endpoint("cloud", cloud.url), more=more)
        appliance = await appliance_of(loaded, studio.question())
        await appliance.until_told("turn")
        folder = RecordingFolder(tmp_path / FOLDER)
        if not more:
            assert not folder.folder.exists()
            return
        await appliance.until(lambda _: folder.all())
    (kept,) = folder.all()
    assert (kept.kind, kept.word) == ("trigger", "hey jarvis")
    assert folder.path_of(kept.name).stat().st_size > 40_000

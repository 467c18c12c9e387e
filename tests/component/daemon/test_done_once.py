"""Over real sockets: what was done is not done again, and what is written is not lost."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

SET_TIMER = {"items": [{"call": "set_timer", "arguments": {"minutes": 5}}], "heard": "five minutes"}
FAILS = {"status": "failed", "error_code": "server_error"}
SAYS = {"items": [{"say": "Five minutes it is.", "audio_ms": 400}]}
WRITES = {"items": [{"say": "Noon, in writing."}], "in_writing": True}


@pytest.fixture
async def asked(studio, settings, appliance_of):
    """Ask one question of clouds with these answers; return the appliance and the clouds."""
    async with AsyncExitStack() as stack:

        async def ask(*scripts: list[dict[str, Any]], until: str = "turn") -> Any:
            clouds = [
                await stack.enter_async_context(Cloud(script_from({"answers": answers})))
                for answers in scripts
            ]
            endpoints = [
                settings.endpoint(f"cloud{number}", cloud.url, transcription_model="whisper-1")
                for number, cloud in enumerate(clouds)
            ]
            appliance = await appliance_of(settings.load(*endpoints), studio.question())
            await appliance.until_told(until, within_s=30.0)
            return appliance, clouds

        yield ask


async def test_a_timer_is_set_once_and_the_next_endpoint_says_so(asked, tmp_path: Path) -> None:
    appliance, (_, second) = await asked([SET_TIMER, FAILS], [SAYS])
    assert len(appliance.of("tool")) == 1
    assert [it.fields["endpoint"] for it in appliance.of("said")] == ["cloud1"]
    (visit,) = second.visits
    assert not visit.audio, "the question is not replayed"
    items = [raw["item"] for raw in visit.of_type("conversation.item.create")]
    assert [item["type"] for item in items] == ["message", "function_call", "function_call_output"]
    assert items[0]["content"][0]["text"] == "five minutes"


async def test_an_answer_in_writing_is_spoken_by_the_voice_of_the_house(
    asked, sounds, tmp_path: Path
) -> None:
    appliance, _ = await asked([WRITES])
    assert [it.fields["text"] for it in appliance.of("said")] == ["Noon, in writing."]
    assert not appliance.of("notice")
    await appliance.stop()
    played = np.abs(sounds.played(tmp_path / "answer.wav").astype(np.int32))
    assert played.max() > 1000, "it is heard, and not only noted"

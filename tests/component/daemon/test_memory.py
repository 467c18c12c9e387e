"""The ears' own memory: a day in which everything is used stays far from the unit's limit."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

HELPER = Path(__file__).with_name("day_of_use_process.py")
MOST_MB = 200.0
"""Half of the 400 MB (MemoryMax) at which the kernel would end the appliance."""


async def test_a_day_of_use_takes_no_more_than_half_of_what_the_unit_may(
    settings, cloud_of, studio, tmp_path: Path
) -> None:
    answer = {"items": [{"say": "It is noon, and there is more to say.", "audio_ms": 1_000}]}
    cloud = await cloud_of({"answers": [answer] * 6})
    settings.load(settings.endpoint("cloud", cloud.url), brain=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HELPER), str(tmp_path / "bittern.toml"), str(studio.take(0.5).path),
        str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=HELPER.parents[3],
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 180)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    told = json.loads(out)
    assert told["said_s"] > 20.0
    assert told["brain_mb"] > 100.0, "the voice is there, and elsewhere"
    assert told["most_mb"] <= MOST_MB, told

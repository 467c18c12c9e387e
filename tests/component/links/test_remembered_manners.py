"""An endpoint entry with a memory: asked at once as it was found, and anew when that fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from device.house.endpoints import roster
from device.house.remembered import EndpointMemory
from device.realtime.failures import LinkFailed
from device.room.links import EndpointEntry
from device.settings import LoadedSettings, load_settings
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.gateways import GATEWAYS

CloudOf = Callable[..., Awaitable[Cloud]]


def loaded_for(folder: Path, cloud: Cloud) -> LoadedSettings:
    file = folder / "bittern.toml"
    url = cloud.url.removesuffix("/v1/realtime")
    file.write_text(f'[[endpoint]]\nname = "gate"\nurl = "{url}"\nmodel = "m"\n')
    return load_settings(file)


class Life:
    """A process: what it remembers is read at its beginning and written at its end."""

    def __init__(self, loaded: LoadedSettings, state: Path) -> None:
        self.memory = EndpointMemory(state / "endpoints.json", loaded.settings)
        chosen = roster(loaded, "unix:none", None, list, find=lambda _: None, memory=self.memory)
        self.entry: EndpointEntry = chosen.entries["gate"]

    async def ask(self) -> None:
        try:
            link = await self.entry.open()
            await link.close()
        finally:
            await self.memory.close()


BETA_ELSEWHERE = {
    "server": {
        "paths": ["/realtime"],
        "dialect": "beta",
        "needs_beta_header": True,
        "beta_header_status": 403,
    }
}


@pytest.mark.parametrize(
    ("profile", "tries"),
    [
        (GATEWAYS["forbidden_without_beta"], 2),
        (BETA_ELSEWHERE, 3),
        (GATEWAYS["below_api"], 5),
        (GATEWAYS["speaches"], 1),
    ],
    ids=["beta", "beta elsewhere", "path", "fields"],
)
async def test_the_next_process_asks_at_once_as_it_was_found(
    cloud_of: CloudOf, tmp_path: Path, profile: dict[str, Any], tries: int
) -> None:
    cloud = await cloud_of(profile)
    loaded = loaded_for(tmp_path, cloud)
    await Life(loaded, tmp_path).ask()
    assert len(cloud.visits) == tries
    await Life(loaded, tmp_path).ask()
    assert len(cloud.visits) == tries + 1
    assert "error" not in cloud.visits[-1].types_sent()


async def test_a_gateway_that_has_changed_its_ways_is_found_anew_within_the_same_question(
    cloud_of: CloudOf, tmp_path: Path
) -> None:
    old = await cloud_of(GATEWAYS["forbidden_without_beta"])
    loaded = loaded_for(tmp_path, old)
    await Life(loaded, tmp_path).ask()
    port = int(old.url.split(":")[2].split("/")[0])
    await old.close()
    new = await cloud_of({"server": {"paths": ["/realtime"]}}, port=port)
    await Life(loaded, tmp_path).ask()
    await Life(loaded, tmp_path).ask()
    assert [visit.path for visit in new.visits][-2:] == ["/realtime?model=m"] * 2


async def test_what_fails_as_it_was_remembered_and_anew_fails_once_and_is_forgotten(
    cloud_of: CloudOf, tmp_path: Path
) -> None:
    old = await cloud_of(GATEWAYS["forbidden_without_beta"])
    loaded = loaded_for(tmp_path, old)
    life = Life(loaded, tmp_path)
    await life.ask()
    port = int(old.url.split(":")[2].split("/")[0])
    await old.close()
    await cloud_of(GATEWAYS["no_money"], port=port)
    with pytest.raises(LinkFailed) as failed:
        await life.ask()
    assert "no money" in failed.value.what

"""The volume that was chosen last, over restarts, and over a file that is no use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_devices import HandSpeaker

from device.assistant.assistant import Assistant
from device.assistant.policy import EndpointPlan, Policy
from device.audio.playback import Playback
from device.audio.sounds import Sounds
from device.house.for_tools import RoomForTools
from device.house.volumes import Volumes
from device.phrases.en import ENGLISH
from device.room.mouth import Mouth
from device.tools.appliance_tools import ApplianceTools


async def test_a_choice_survives_a_restart_room_by_room(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path / "volumes.json", 70)
    volumes.keep("main", 40)
    volumes.keep("main", 30)
    volumes.keep("study", 90)
    await volumes.close()
    again = Volumes(tmp_path / "volumes.json", 70)
    assert (again.of("main"), again.of("study"), again.of("attic")) == (30, 90, 70)


async def test_a_changed_setting_counts_over_an_older_choice(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path / "volumes.json", 70)
    volumes.keep("main", 40)
    await volumes.close()
    assert Volumes(tmp_path / "volumes.json", 50).of("main") == 50


async def test_a_setting_changed_while_running_is_no_reason_to_forget_a_later_choice(
    tmp_path: Path,
) -> None:
    volumes = Volumes(tmp_path / "volumes.json", 70)
    volumes.use(50)
    volumes.keep("main", 50)
    volumes.keep("main", 20)
    await volumes.close()
    assert Volumes(tmp_path / "volumes.json", 50).of("main") == 20


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"main": {"percent": 900, "setting_percent": 70}}']
)
async def test_a_file_that_is_no_use_costs_the_choice_and_no_more(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "volumes.json"
    path.write_bytes(content)
    volumes = Volumes(path, 70)
    assert volumes.of("main") == 70
    volumes.keep("main", 30)
    await volumes.close()
    assert Volumes(path, 70).of("main") == 30


async def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    volumes = Volumes(tmp_path / "gone" / "volumes.json", 70)
    volumes.keep("main", 30)
    await volumes.close()
    assert volumes.of("main") == 30
    assert "is not kept" in caplog.text


async def test_who_answers_makes_it_no_louder_than_the_owner_allows_and_says_so(
    tmp_path: Path,
) -> None:
    mouth = Mouth(Playback(HandSpeaker(24_000), volume_percent=70), Sounds(tmp_path))
    core = Assistant(Policy(), [EndpointPlan("cloud")])
    tools = ApplianceTools(RoomForTools(core, mouth, lambda _: None, 80))
    answer = await tools.set_volume(100)
    assert answer.facts == {"volume_percent": 80, "before_percent": 70}
    assert ENGLISH.say(answer.spoken or "") == "By voice I get no louder than eighty percent."
    assert mouth.volume_percent == 80
    assert (await tools.change_volume("down")).facts["volume_percent"] == 70

"""A picture's way: shutter and light, one frame, to who answers, and deleted behind the answer."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device.assistant import inputs
from device.assistant.states import State
from device.camera.pictures import PictureError, for_sending
from device.camera.taking import CommandCamera, SocketCamera
from device.house.looking import RoomCamera
from device.tools.answers import ToolError

PATTERN = Path(__file__).parents[2] / "data/pictures/pattern.jpg"
LOOK = {"items": [{"call": "look", "arguments": {}}]}
SEES = {"items": [{"say": "I see a test pattern.", "audio_ms": 400}]}
CAMERA = f'[camera]\ncommand = ["cat", "{PATTERN}"]'


async def test_a_question_about_what_is_before_it(
    cloud_of: Any, studio: Any, settings: Any, appliance_of: Any
) -> None:
    cloud = await cloud_of({"answers": [LOOK, SEES]})
    loaded = settings.load(settings.endpoint("cloud", cloud.url), more=CAMERA)
    appliance = await appliance_of(loaded, studio.question())
    await appliance.until_told("turn", within_s=30.0)
    (visit,) = cloud.visits
    items = [raw["item"] for raw in visit.of_type("conversation.item.create")]
    (shown,) = [it for it in items if it["type"] == "message"]
    url = shown["content"][0]["image_url"]
    jpeg = base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))
    assert jpeg == for_sending(PATTERN.read_bytes())
    assert items.index(shown) < [it["type"] for it in items].index("function_call_output")
    await _until(lambda: visit.of_type("conversation.item.delete"))
    assert [raw["item_id"] for raw in visit.of_type("conversation.item.delete")] == [shown["id"]]
    looks = [show.looks for show in appliance.shows]
    assert looks.count(True) >= 1
    assert not looks[-1]
    kept = [path for path in settings.folder.rglob("*") if path.is_file()]
    assert not [path for path in kept if jpeg[-200:] in path.read_bytes()], "nothing is stored"


async def test_without_a_camera_nobody_is_offered_to_look(
    cloud_of: Any, studio: Any, settings: Any, appliance_of: Any
) -> None:
    cloud = await cloud_of({"answers": [SEES]})
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    await (await appliance_of(loaded, studio.question())).until_told("turn", within_s=30.0)
    assert "look" not in _offered(cloud)


async def test_who_cannot_see_is_not_offered_to_look(
    cloud_of: Any, studio: Any, settings: Any, appliance_of: Any
) -> None:
    cloud = await cloud_of({"answers": [SEES]})
    loaded = settings.load(settings.endpoint("cloud", cloud.url, sees=False), more=CAMERA)
    await (await appliance_of(loaded, studio.question())).until_told("turn", within_s=30.0)
    assert "get_time" in _offered(cloud)
    assert not {"look", "watch_this"} & _offered(cloud)


def _offered(cloud: Any) -> set[str]:
    (update, *_) = cloud.visits[0].of_type("session.update")
    return {tool["name"] for tool in update["session"]["tools"]}


class Paper:
    """A mouth that writes down, in one list with what the core is fed and the camera does."""

    def __init__(self) -> None:
        self.happened: list[object] = []
        self.is_muted = False

    def chime(self, name: str) -> None:
        self.happened.append(name)

    def feed(self, what: inputs.Input) -> None:
        self.happened.append(what)

    async def picture(self) -> bytes:
        self.happened.append("picture")
        return b"jpeg"

    def camera(self, every_s: float = 0.1) -> RoomCamera:
        return RoomCamera(lambda: self, self, self.feed, lambda: self.is_muted, every_s)


OPEN, SHUT = inputs.CameraChanged(True), inputs.CameraChanged(False)


async def test_light_and_sound_come_before_the_picture() -> None:
    paper = Paper()
    assert await paper.camera().pictures(1) == [b"jpeg"]
    assert paper.happened == [OPEN, "shutter", "picture", SHUT]


async def test_a_few_in_a_row_sound_and_light_once() -> None:
    paper = Paper()
    assert len(await paper.camera().pictures(3)) == 3
    assert paper.happened == [OPEN, "shutter", "picture", "picture", "picture", SHUT]


async def test_while_muted_nothing_is_opened_at_all() -> None:
    paper = Paper()
    paper.is_muted = True
    with pytest.raises(ToolError, match="muted"):
        await paper.camera().pictures(1)
    assert paper.happened == []


async def test_muting_shuts_a_camera_that_looks(tmp_path: Path) -> None:
    """The process is gone at once, and no picture comes of it."""
    paper, begun, ended = Paper(), tmp_path / "begun", tmp_path / "ended"
    slow = CommandCamera(
        ["sh", "-c", f'echo $$ >"{begun}"; sleep 5; cat "{PATTERN}"; touch "{ended}"'],
        {"PATH": "/usr/bin:/bin"},
    )
    camera = RoomCamera(lambda: slow, paper, paper.feed, lambda: paper.is_muted, 0.1)
    looking = asyncio.create_task(camera.pictures(1))
    await _until(begun.exists)
    paper.is_muted = True
    with pytest.raises(ToolError, match="muted"):
        await looking
    assert paper.happened[-1] == SHUT
    await _until(lambda: not Path(f"/proc/{begun.read_text().strip()}").exists())
    assert not ended.exists()


async def _until(happened: Callable[[], object]) -> None:
    """Files and other processes tell nobody: they are looked at."""
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


ENVIRON = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["sh", "-c", "echo no such device >&2; exit 3"], "no such device"),
        (["sh", "-c", "exit 3"], "ended with 3"),
        (["sh", "-c", "echo hello"], "no JPEG"),
        (["sh", "-c", "head -c 9000000 /dev/zero"], "no JPEG"),
        (["/nowhere/camera"], "cannot be run"),
        (["sleep", "30"], "within 0.5 s"),
    ],
)
async def test_a_camera_that_gives_none_says_why(command: list[str], what: str) -> None:
    with pytest.raises(PictureError, match=what):
        await CommandCamera(command, ENVIRON, within_s=0.5).picture()


async def test_no_key_reaches_the_cameras_process(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    from device.house.looking import camera_of

    monkeypatch.setenv("SOME_API_KEY", "sk-secret")
    told = 'case "$(env)" in *sk-secret*) exit 9;; esac; cat "$1"'
    more = f"[camera]\ncommand = {['sh', '-c', told, 'sh', str(PATTERN)]!r}"
    loaded = settings.load(settings.endpoint("cloud", "ws://127.0.0.1:9"), more=more)
    assert await camera_of(loaded.settings).picture() == for_sending(PATTERN.read_bytes())


async def test_a_unit_is_asked_by_its_socket(tmp_path: Path) -> None:
    async def one(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PATTERN.read_bytes())
        writer.close()

    path = tmp_path / "camera.sock"
    async with await asyncio.start_unix_server(one, path):
        assert await SocketCamera(path).picture() == for_sending(PATTERN.read_bytes())
    with pytest.raises(PictureError, match="cannot be reached"):
        await SocketCamera(tmp_path / "none.sock").picture()


async def test_the_units_program_becomes_the_command(tmp_path: Path) -> None:
    file = tmp_path / "bittern.toml"
    file.write_text(CAMERA)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "device.camera", stdout=asyncio.subprocess.PIPE,
        env={**ENVIRON, "BITTERN_CONFIG": str(file), "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    out, _ = await process.communicate()
    assert out == PATTERN.read_bytes()


async def test_mute_in_the_appliance_refuses_to_look(
    cloud_of: Any, studio: Any, settings: Any, appliance_of: Any
) -> None:
    cloud = await cloud_of({"answers": []})
    loaded = settings.load(settings.endpoint("cloud", cloud.url), more=CAMERA)
    appliance = await appliance_of(loaded, studio.take(0.5))
    appliance.room.conductor.feed(inputs.MuteChanged(True))
    await appliance.until_state(State.MUTED)
    outcome = await appliance.room.conductor.parts.registry.run_by_hand("look", "{}")
    assert outcome.is_error
    assert outcome.spoken is not None
    assert "camera is shut" in outcome.spoken
    assert not any(show.looks for show in appliance.shows)

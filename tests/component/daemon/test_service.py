"""The service as it runs: orders over its real control socket, new settings, typed questions.

Microphone and speaker are files; everything else is the real thing.
"""

from __future__ import annotations

import asyncio
import dataclasses
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.appliance.control import order
from device.assistant.budget import Budget
from device.assistant.states import State
from device.audio.files import FileMicrophone, FileSpeaker, read_sound, write_sound
from device.daemon.service import Service, begin_service
from device.doctor.budget import check_budget
from device.house.appliance import Hardware
from device.house.changes import changes
from device.models.errors import MissingModel
from device.models.location import store_folder
from device.settings import LoadedSettings, load_settings
from device.settings.tree import Settings
from device.spending.ledger import FILE

Order = Callable[..., Awaitable[dict[str, Any]]]
SHORT = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}
"""An answer whose length says nothing here, and is waited for each time."""


class Running:
    """A service and its socket."""

    def __init__(self, service: Service, socket: Path, folder: Path) -> None:
        self.service, self.socket, self.folder = service, socket, folder

    async def order(self, command: str, **more: object) -> dict[str, Any]:
        return await asyncio.to_thread(order, self.socket, {"command": command, **more}, 60.0)

    async def until_state(self, state: State) -> None:
        async with asyncio.timeout(10):
            while (await self.order("status"))["state"] != state:
                pass

    def write(self, old: str, new: str) -> None:
        """Change the settings file."""
        path = self.folder / "bittern.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture
async def run(tmp_path) -> AsyncIterator[Callable[..., Awaitable[Running]]]:
    silence = tmp_path / "silence.wav"
    write_sound(silence, np.zeros(24_000, np.int16), 24_000)
    spoken = (tmp_path / f"spoken-{number}.wav" for number in range(9))
    hardware = Hardware(lambda _: FileMicrophone(silence), lambda _: FileSpeaker(next(spoken)))
    async with AsyncExitStack() as stack:

        async def start(loaded: LoadedSettings) -> Running:
            service = await begin_service(loaded, lambda: load_settings(loaded.user_file), hardware)
            stack.push_async_callback(service.stop)
            return Running(service, tmp_path / "control.sock", tmp_path)

        yield start


@pytest.fixture
async def running(run, settings, cloud_of) -> Running:
    cloud = await cloud_of(SHORT)
    return await run(settings.load(settings.endpoint("cloud", cloud.url)))


async def test_status_volume_and_mute(running):
    status = await running.order("status")
    assert (status["ok"], status["state"], status["is_muted"]) == (True, "idle", False)
    assert (await running.order("volume", percent=35))["volume_percent"] == 35
    assert (await running.order("status"))["volume_percent"] == 35
    assert not (await running.order("volume", percent=101))["ok"]
    assert not (await running.order("volume", percent="loud"))["ok"]
    await running.order("mute")
    assert (await running.order("status"))["is_muted"]
    await running.order("unmute")
    assert not (await running.order("status"))["is_muted"]
    refused = await running.order("explode")
    assert not refused["ok"]
    assert "status" in refused["advice"]


async def test_software_does_not_open_what_the_switch_has_closed(running):
    running.service.appliance.controls.mute_switch(True)
    await running.until_state(State.MUTED)
    refused = await running.order("unmute")
    assert (refused["ok"], refused["error"]) == (False, "the mute switch is on")
    assert (await running.order("status"))["is_muted"]


async def test_a_typed_question_is_answered_and_printed(running):
    reply = await running.order("ask", text="what time is it")
    assert reply["ok"], reply
    assert reply["endpoint"] == "cloud"
    assert reply["answer"]
    await running.until_state(State.IDLE)


async def test_a_picture_goes_along_with_a_typed_question(run, settings, cloud_of):
    cloud = await cloud_of(SHORT)
    running = await run(settings.load(settings.endpoint("cloud", cloud.url)))
    jpeg = (Path(__file__).parents[2] / "data/pictures/pattern.jpg").read_bytes()
    reply = await running.order("ask", text="what is this", jpeg_base64=b64encode(jpeg).decode())
    assert reply["ok"], reply
    (item,) = [raw["item"] for raw in cloud.visits[0].of_type("conversation.item.create")]
    assert [part["type"] for part in item["content"]] == ["input_image", "input_text"]
    for wrong in ("?", b64encode(b"no picture").decode(), 7):
        refused = await running.order("ask", text="what is this", jpeg_base64=wrong)
        assert not refused["ok"]


async def test_an_unanswered_question_says_so(run, settings):
    nobody = settings.endpoint("nobody", "ws://127.0.0.1:9", connect_timeout_s=0.3)
    running = await run(settings.load(nobody))
    reply = await running.order("ask", text="what time is it")
    assert (reply["ok"], "not answered" in reply["error"]) == (False, True)


async def test_a_sentence_is_spoken_and_can_be_stopped(running, tmp_path):
    reply = await running.order("say", text="The washing machine is ready.")
    assert reply["ok"], reply
    assert reply["length_s"] > 0.8
    await asyncio.sleep(0.6)
    assert running.service.appliance.room.playback.health().waiting_s > 0
    await running.order("stop")
    await asyncio.sleep(0.1)
    assert running.service.appliance.room.playback.health().waiting_s == 0
    await running.service.stop()
    assert np.abs(read_sound(tmp_path / "spoken-0.wav")[0]).max() > 500


async def test_muted_is_silent(running):
    await running.order("mute")
    assert not (await running.order("say", text="hello"))["ok"]
    assert not (await running.order("ask", text="hello"))["ok"]


async def test_the_store_of_the_settings_counts_whatever_the_environment_names(
    run, settings, cloud_of, monkeypatch, tmp_path
):
    """A service is started with variables that its owner does not see."""
    cloud, usual = await cloud_of(SHORT), store_folder()
    endpoint = settings.endpoint("cloud", cloud.url)
    monkeypatch.setenv("BITTERN_MODELS", str(usual))
    with pytest.raises(MissingModel, match="owners"):
        await run(settings.load(endpoint, more=f'models = "{tmp_path}/owners"'))
    monkeypatch.setenv("BITTERN_MODELS", str(tmp_path / "of the unit"))
    running = await run(settings.load(endpoint, more=f'models = "{usual}"'))
    assert (await running.order("status"))["state"] == "idle"


async def test_another_store_in_the_settings_counts_after_a_reload(running, tmp_path):
    running.write("[paths]\n", f'[paths]\nmodels = "{tmp_path}/none"\n')
    refused = await running.order("reload")
    assert not refused["ok"]
    assert f"{tmp_path}/none" in refused["error"]
    assert (await running.order("status"))["state"] == "idle"
    good = tmp_path / "copy"
    good.symlink_to(store_folder())
    running.write(f"{tmp_path}/none", str(good))
    assert (await running.order("reload"))["ok"]
    sounds = running.service.appliance.room.conductor.parts.mouth.sounds
    assert sounds.folder == good / "notices"


async def test_bad_settings_are_refused_with_reasons_and_the_old_stay(running):
    before = running.service.appliance.room
    running.write("follow_up_s = 0", 'follow_up_s = "soon"')
    refused = await running.order("reload")
    assert not refused["ok"]
    assert "follow_up_s" in refused["error"]
    assert refused["exit_code"] == 78
    assert running.service.appliance.room is before
    assert (await running.order("status"))["state"] == "idle"


async def test_settings_that_cannot_start_bring_the_old_ones_back(running):
    running.write("[speaker]", '[wake]\nwords = ["no such"]\n[speaker]')
    refused = await running.order("reload")
    assert not refused["ok"]
    status = await running.order("status")
    assert (status["state"], status["wake_words"]) == ("idle", ["hey jarvis"])
    assert (await running.order("ask", text="what time is it"))["ok"]


async def test_good_settings_are_applied_and_no_timer_is_lost(running):
    registry = running.service.appliance.room.conductor.parts.registry
    await registry.run("set_timer", '{"minutes": 7, "name": "eggs"}', "call-1")
    before = running.service.appliance.room
    await running.order("volume", percent=41)
    running.write("follow_up_s = 0", "follow_up_s = 3")
    reply = await running.order("reload")
    assert reply["ok"], reply
    assert reply["changed"] == ["assistant.follow_up_s"]
    after = running.service.appliance.room
    assert after is not before
    assert after.conductor.core.policy.follow_up_s == 3
    assert after.playback.volume_percent == 41
    listed = await after.conductor.parts.registry.run("list_timers", "{}", "call-2")
    assert "eggs" in listed.output_json
    assert (await running.order("ask", text="what time is it"))["ok"]


async def test_what_needs_no_rebuilding_is_applied_at_once(running):
    before = running.service.appliance.room
    running.write("volume_percent = 100", "volume_percent = 33")
    reply = await running.order("reload")
    assert reply["changed"] == ["speaker.volume_percent"]
    assert running.service.appliance.room is before
    assert before.playback.volume_percent == 33


async def test_mute_outlives_new_settings_and_no_frame_is_read(running):
    await running.order("mute")
    running.write("follow_up_s = 0", "follow_up_s = 3")
    assert (await running.order("reload"))["ok"]
    assert (await running.order("status"))["is_muted"]
    assert running.service.appliance.room.capture.health().blocks == 0


async def test_what_breaks_the_new_daemon_still_ends_the_service(running):
    waiting = asyncio.create_task(running.service.wait())
    running.write("follow_up_s = 0", "follow_up_s = 3")
    assert (await running.order("reload"))["ok"]
    assert not waiting.done()
    running.service.appliance.room.conductor.broken.set_exception(RuntimeError("on purpose"))
    with pytest.raises(RuntimeError, match="on purpose"):
        await asyncio.wait_for(waiting, 3.0)


def test_only_a_restart_applies_some_keys():
    old = Settings()
    new = dataclasses.replace(old, paths=dataclasses.replace(old.paths, runtime="/run/elsewhere"))
    found = changes(old, new)
    assert found.need_restart == ("paths.runtime",)
    assert not found.touch_rooms


MODEL = "gpt-realtime-2.1-mini"
DEAR = f'[budget]\nmonth_usd = 0.5\n[[price]]\nname = "{MODEL}"\naudio_out = 100000'


@pytest.fixture
async def two_endpoints(settings, cloud_of) -> LoadedSettings:
    """One that costs more than the month may with its first answer, and one in the house."""
    dear, free = await cloud_of(SHORT), await cloud_of(SHORT)
    return settings.load(
        settings.endpoint("dear", dear.url, model=MODEL),
        settings.endpoint("house", free.url),
        more=DEAR,
    )


async def test_a_budget_that_is_used_up_stops_what_costs_something(run, two_endpoints):
    running = await run(two_endpoints)
    assert (await running.order("status"))["budget"] == "0.00 of 0.5 USD this month"
    assert (await running.order("ask", text="what time is it"))["endpoint"] == "dear"
    status = await running.order("status")
    assert status["budget_level"] == "spent"
    assert status["spent_usd"] > 0.5
    assert (await running.order("ask", text="what time is it"))["endpoint"] == "house"
    (entry,) = (await running.order("spending"))["entries"]
    assert (entry["endpoint"], entry["model"]) == ("dear", MODEL)
    assert entry["tokens"]["audio_out"] > 0
    assert entry["usd"] == pytest.approx(status["spent_usd"], abs=1e-5)
    finding = check_budget(running.folder / FILE, Budget(0.5), date.today())
    assert finding.found == status["budget"]
    await running.service.stop()
    anew = await run(two_endpoints)
    assert (await anew.order("status"))["budget"] == status["budget"]
    assert (await anew.order("ask", text="what time is it"))["endpoint"] == "house"


async def test_more_money_opens_the_way_again(run, two_endpoints):
    running = await run(two_endpoints)
    await running.order("ask", text="what time is it")
    running.write("month_usd = 0.5", "month_usd = 5000")
    assert (await running.order("reload"))["changed"] == ["budget.month_usd"]
    assert (await running.order("ask", text="what time is it"))["endpoint"] == "dear"


async def test_a_spoken_question_costs_its_answer_and_its_transcription(
    settings, cloud_of, appliance_of, studio
):
    cloud = await cloud_of(SHORT)
    loaded = settings.load(
        settings.endpoint("cloud", cloud.url, model=MODEL, transcription_model="gpt-transcribe")
    )
    appliance = await appliance_of(loaded, studio.question())
    await appliance.until_told("turn", within_s=60.0)
    by_name = {entry.model: entry for entry in appliance.house.services.spending.month}
    assert by_name[MODEL].tokens.audio_in > 0
    assert by_name[MODEL].usd > 0
    written = by_name["gpt-transcribe"]
    assert written.usd == pytest.approx(written.tokens.seconds / 60 * 0.0045)
    assert written.tokens.seconds > 0


@pytest.mark.parametrize("reads", [True, False])
async def test_a_list_leaves_the_house_only_when_the_model_asks_for_it(
    run, settings, cloud_of, reads: bool
):
    call = {"items": [{"call": "read_list", "arguments": {}}]}
    cloud = await cloud_of({"answers": [*([call] if reads else []), *SHORT["answers"]]})
    running = await run(settings.load(settings.endpoint("cloud", cloud.url)))
    lists = running.service.appliance.house.services.lists
    await lists.add("shopping", ["a grapefruit"])
    assert (await running.order("ask", text="what time is it"))["ok"]
    (visit,) = cloud.visits
    told = [raw for raw in (m.raw for m in visit.received) if "grapefruit" in str(raw)]
    assert [raw["item"]["type"] for raw in told] == (["function_call_output"] if reads else [])

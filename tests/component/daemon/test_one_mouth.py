"""An answer waits for what rings, and nothing takes it for lost; on a speaker in real time."""

from __future__ import annotations

import asyncio

from device.assistant import inputs
from device.assistant.states import State
from device.room.focus import Channel
from device.tools.alarms.entries import Kind

RINGING = ("the potatoes in the big pot", "the very slow roast in the oven", "the laundry")
"""Three sentences, more than 5 s in all: so late an answer may begin where nothing rings."""
ANSWER = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}


async def test_an_answer_behind_three_alarms_is_spoken_to_its_end(
    settings, cloud_of, appliance_of, studio
) -> None:
    cloud = await cloud_of(ANSWER)
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    appliance = await appliance_of(loaded, studio.take(0.5))
    room = appliance.room
    for name in RINGING:
        await appliance.house.services.ringer.set_countdown(Kind.TIMER, name, 0.0)
    async with asyncio.timeout(20):
        while len(room.mouth.keys_of(Channel.ALARM)) < len(RINGING):  # noqa: ASYNC110
            # Nobody is told when a sentence was made: it is looked at.
            await asyncio.sleep(0.02)
    room.conductor.feed(inputs.Asked("what time is it"))
    turn = await appliance.until_told("turn", within_s=40.0)
    waited_s = turn.fields["first_audio_played_s"] - turn.fields["first_audio_received_s"]
    assert waited_s > 5.0, "the sentences of the alarms came first"
    assert not appliance.of("playback_stalled")
    assert [it.fields["text"] for it in appliance.of("said")] == ["It is noon."]
    assert appliance.state is State.IDLE

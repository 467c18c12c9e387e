"""A day with the whole appliance, in a few seconds, in a process of its own; for the tests only.

Arguments: a settings file, a recording for the microphone, a folder for what is played. Prints
one JSON object: the most memory that this process ever had, and that of the brain it started.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path

from device.assistant import inputs, news
from device.audio.files import FileMicrophone, FileSpeaker
from device.house.house import begin_house
from device.room.focus import Channel
from device.room.room import RoomPlan
from device.settings import load_settings
from device.tools.alarms.entries import Kind

QUESTIONS = 6
SENTENCES = 4
RINGING = ("the potatoes", "the roast", "the laundry", "the dog")
TOOLS = (
    ("add_to_list", {"items": ["milk", "bread", "a very long thing " * 8]}),
    ("set_alarm", {"time": "6:30", "date": "tomorrow"}),
    ("set_reminder", {"text": "call the dentist", "hours": 2}),
    ("list_alarms", {}),
    ("read_list", {}),
    ("clear_list", {}),
    ("cancel_alarm", {"all_alarms": True}),
)


def most_mb(process: int | str = "self") -> float:
    """The largest resident size of a process so far (``VmHWM`` of proc(5)), in MB of 10^6."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("the kernel does not say")


async def day(settings: Path, recording: Path, folder: Path) -> dict[str, object]:
    """Ask, be rung at, have things said, all of it, some of it at once."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()

    def report(what: news.News) -> None:
        if isinstance(what, news.TurnEnded):
            loop.call_soon(over.set)

    speaker = FileSpeaker(folder / "day.wav")
    plan = RoomPlan(FileMicrophone(recording), speaker, report, watches_sound=False)
    house = await begin_house(load_settings(settings))
    room = await house.open_room("kitchen", lambda _: plan)
    at_start = most_mb()
    for number in range(QUESTIONS):
        over.clear()
        room.conductor.feed(inputs.Asked(f"question number {number}"))
        await asyncio.wait_for(over.wait(), 60)
    registry = room.conductor.parts.registry
    for number, (tool, arguments) in enumerate(TOOLS):
        outcome = await registry.run(tool, json.dumps(arguments), f"call-{number}")
        assert not outcome.is_error, outcome.output_json
    rung: set[object] = set()

    async def listen() -> None:
        while len(rung) < len(RINGING):
            rung.update(room.mouth.keys_of(Channel.ALARM))
            await asyncio.sleep(0.05)

    # From the beginning: on a slow machine the first has ended before the last sentence is said.
    listening = asyncio.create_task(listen())
    for name in RINGING:
        await house.services.ringer.set_countdown(Kind.TIMER, name, 0.0)
    saying = [room.speak(f"Sentence {n}, out of the blue. " * 8) for n in range(SENTENCES)]
    sounds = await asyncio.gather(*saying)
    await asyncio.wait_for(listening, 60)
    await house.services.ringer.stop()
    brain = house.services.brain._process
    told = {
        "start_mb": at_start,
        "most_mb": most_mb(),
        "brain_mb": most_mb(brain.pid) if brain is not None else 0.0,
        "said_s": sum(map(len, sounds)) / 24_000,
    }
    await house.close()
    return told


if __name__ == "__main__":
    logging.basicConfig(level="WARNING", stream=sys.stderr)
    print(json.dumps(asyncio.run(day(*map(Path, sys.argv[1:4])))))

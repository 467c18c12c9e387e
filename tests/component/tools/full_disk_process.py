"""A disk of half a megabyte that fills up, and one that can only be read; for the tests only.

Runs in a mount namespace of its own (``unshare``), with a tmpfs mounted at the folder that
is its only argument. Prints one JSON object with what happened.
"""

from __future__ import annotations

import asyncio
import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from device.phrases.book import Phrase
from device.phrases.en import ENGLISH
from device.tools.alarms.entries import Kind
from device.tools.alarms.ringer import Ringer
from device.tools.builtin import add_builtin_tools
from device.tools.house import NoHouse
from device.tools.lists import Lists
from device.tools.moments import SystemClock
from device.tools.registry import Registry
from device.tools.store import Store

FOLDER = Path(sys.argv[1])


def fill() -> None:
    """Write until nothing fits any more, not even a byte."""
    for size in (4_096, 1):
        try:
            with (FOLDER / "ballast").open("ab", buffering=0) as file:
                while file.write(b"x" * size):
                    pass
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


async def filled() -> dict[str, Any]:
    """Fill the disk, set timers on it, and empty it."""
    told: dict[str, Any] = {"troubles": []}
    rings: list[Any] = []
    store = Store(FOLDER / "house.sqlite3")
    told["opened"] = [ENGLISH.say(each) for each in await store.open()]

    def note(what: Phrase) -> None:
        told["troubles"].append(ENGLISH.say(what))

    ringer = Ringer(
        store,
        SystemClock(),
        rings.append,
        rings.append,
        on_trouble=note,
    )
    registry = Registry()
    lists = Lists(store)
    add_builtin_tools(registry, house=NoHouse(), clock=SystemClock(), ringer=ringer, lists=lists)
    await ringer.start()
    running = asyncio.create_task(ringer.run())
    fill()
    first = await registry.run("set_timer", '{"minutes": 10, "name": "tea"}', "1")
    told["first_on_full_disk"] = json.loads(first.output_json)
    for number in range(300):
        kept = await ringer.set_countdown(Kind.REMINDER, "x" * 500, 3_600 + number)
        if not kept.is_kept:
            break
    told["kept_before_it_failed"] = number
    lost = await registry.run("set_timer", '{"seconds": 1, "name": "lost"}', "2")
    told["not_kept"] = json.loads(lost.output_json)
    things = [f"{'y' * 190} {number}" for number in range(50)]
    added = await registry.run("add_to_list", json.dumps({"items": things}), "3")
    told["list"] = json.loads(added.output_json)
    await asyncio.sleep(1.3)
    told["rang"] = len(rings)
    await ringer.stop()
    (FOLDER / "ballast").unlink()
    again = await registry.run("set_timer", '{"minutes": 20, "name": "later"}', "4")
    told["after_space"] = json.loads(again.output_json)
    running.cancel()
    await ringer.close()
    await store.close()
    return told


async def reopened() -> dict[str, Any]:
    store = Store(FOLDER / "house.sqlite3")
    troubles = await store.open()
    ringer = Ringer(store, SystemClock(), lambda ring: None, lambda silence: None)
    await ringer.start()
    names = [entry.name for entry in ringer.waiting(Kind.TIMER)]
    kept = await ringer.set_countdown(Kind.TIMER, "probe", 600)
    await ringer.cancel([kept.entry.id])
    await store.close()
    said = [ENGLISH.say(each) for each in troubles]
    return {
        "troubles": said,
        "timers": names,
        "kept": kept.is_kept,
    }


async def full_from_the_start() -> dict[str, Any]:
    """Begin where there is no room for a store, and have room half a minute later."""
    fill()
    troubles: list[Phrase] = []
    store = Store(FOLDER / "house.sqlite3")
    await store.open()
    ringer = Ringer(store, SystemClock(), print, print, on_trouble=troubles.append)
    await ringer.start()
    first = await ringer.set_countdown(Kind.TIMER, "first", 600)
    (FOLDER / "ballast").unlink()
    assert store._database is not None
    store._database._tried_s -= 60
    second = await ringer.set_countdown(Kind.TIMER, "second", 600)
    await store.close()
    again = Store(FOLDER / "house.sqlite3")
    await again.open()
    ringer = Ringer(again, SystemClock(), print, print)
    await ringer.start()
    names = [entry.name for entry in ringer.waiting(Kind.TIMER)]
    await again.close()
    return {
        "told": [ENGLISH.say(each) for each in troubles],
        "kept": [first.is_kept, second.is_kept],
        "timers": names,
    }


if __name__ == "__main__":
    story = asyncio.run(filled())
    story["reopened"] = asyncio.run(reopened())
    subprocess.run(["mount", "-o", "remount,ro", str(FOLDER)], check=True)
    story["read_only"] = asyncio.run(reopened())
    subprocess.run(["mount", "-o", "remount,rw", str(FOLDER)], check=True)
    for left in FOLDER.glob("house.sqlite3*"):
        left.unlink()
    story["full_from_the_start"] = asyncio.run(full_from_the_start())
    print(json.dumps(story))

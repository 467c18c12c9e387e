"""``bittern bench servers``: what servers of tools that are dead cost a turn that needs none.

A whole house, without a microphone worth the name, is asked typed questions by way of the scripted
cloud; one half of the questions with nothing set up, the other half with servers that hang, end at
once or cannot be reached, whose host goes on trying all the while. The halves take turns, so that
what else the machine does hits both.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.assistant.effects import Show
    from device.assistant.news import News
    from device.room.room import Room
    from device.settings import LoadedSettings

WITHIN_S = 20.0
WARM_UP = 3
"""Turns at the beginning of each house that do not count: modules are loaded, a link opened."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench servers``."""
    parser = benches.add_parser(
        "servers", help="what dead servers of tools cost a turn without tools"
    )
    parser.add_argument("--turns", type=int, default=100, metavar="N", help="in each half (100)")
    parser.add_argument("--rounds", type=int, default=4, help="how often the halves change (4)")
    parser.add_argument("--servers", type=int, default=5, metavar="N", help="dead servers (5)")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench servers``."""
    from device.logs import log_to_terminal

    log_to_terminal("critical")
    with tempfile.TemporaryDirectory(prefix="bittern-bench-") as folder:
        figures = asyncio.run(
            _measured(Path(folder), chosen.turns // chosen.rounds, chosen.rounds, chosen.servers)
        )
    if chosen.json:
        print(json.dumps(figures, indent=2))
        return 0
    for half in ("without", "with_dead_servers"):
        first, whole = figures[half]["first_sound_ms"], figures[half]["cpu_ms"]
        print(
            f"{half:18} {first['count']} turns: first sound p50 {first['p50']:.1f} ms, "
            f"p99 {first['p99']:.1f} ms; own CPU p50 {whole['p50']:.1f} ms; "
            f"resident {figures[half]['resident_mb']:.1f} MB"
        )
    print(f"p99 with them is {figures['p99_ratio']:.3f} times that without")
    return 0


async def _measured(folder: Path, turns: int, rounds: int, servers: int) -> dict[str, Any]:
    from device.audio.files import write_sound
    from device.audio.samples import silence
    from device.workshop.bench.figures import spread
    from device.workshop.simulation.cloud import Cloud
    from device.workshop.simulation.script import AnswerItem, Script, ScriptedAnswer, Server

    write_sound(folder / "nothing.wav", silence(24_000), 24_000)
    answers = [ScriptedAnswer(items=[AnswerItem(say="Yes.", audio_ms=20)])]
    script = Script(server=Server(first_delta_ms=20), answers=answers)
    halves: dict[str, list[_Taken]] = {"without": [], "with_dead_servers": []}
    resident: dict[str, float] = {}
    async with Cloud(script) as cloud:
        for _ in range(rounds):
            for name, count in zip(halves, (0, servers), strict=True):
                loaded = _settings(folder, cloud.endpoint().url, count)
                halves[name] += await _half(folder, loaded, turns)
                resident[name] = _resident_mb()
    figures: dict[str, Any] = {
        name: {
            "first_sound_ms": spread([each.first_sound_ms for each in taken], 2),
            "cpu_ms": spread([each.cpu_ms for each in taken], 2),
            "resident_mb": resident[name],
        }
        for name, taken in halves.items()
    }
    one, other = (figures[name]["first_sound_ms"]["p99"] for name in halves)
    return figures | {"servers": servers, "p99_ratio": round(other / one, 3)}


def _settings(folder: Path, url: str, servers: int) -> LoadedSettings:
    from device.settings.load import load_settings

    dead = (
        'command = ["/bin/false"]',
        'command = ["/bin/sleep", "600"]',
        'url = "http://127.0.0.1:9/"',
    )
    text = (
        f"[assistant]\nfollow_up_s = 0\nfollow_up_statement_s = 0\nchime = false\n"
        f'[own_tools]\nfolder = "{folder}/none"\n'
        f'[[endpoint]]\nname = "cloud"\nurl = "{url}"\ndialect = "ga"\nkey_required = false\n'
        + "".join(
            f'[[mcp]]\nname = "dead{each}"\n{dead[each % len(dead)]}\n' for each in range(servers)
        )
    )
    path = folder / f"settings-{servers}.toml"
    path.write_text(text)
    return load_settings(path)


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    first_sound_ms: float
    """From the question to the first sound of its answer at the speaker."""
    cpu_ms: float
    """Of this process, in the same time."""


async def _half(folder: Path, loaded: LoadedSettings, turns: int) -> list[_Taken]:
    from device.audio.files import FileMicrophone, FileSpeaker
    from device.house.house import MAIN, open_house
    from device.house.opening import Terms
    from device.room.room import RoomPlan

    told: asyncio.Queue[News | Show] = asyncio.Queue()
    plan = RoomPlan(
        FileMicrophone(folder / "nothing.wav"),
        FileSpeaker(folder / "answers.wav"),
        told.put_nowait,
        told.put_nowait,
        watches_sound=False,
    )
    async with open_house(loaded, Terms("cloud", is_private=True)) as house:
        room = await house.open_room(MAIN, lambda _: plan)
        taken = [await _turn(room, told) for _ in range(WARM_UP + turns)]
    return taken[WARM_UP:]


async def _turn(room: Room, told: asyncio.Queue[News | Show]) -> _Taken:
    from device.assistant import inputs
    from device.assistant.effects import Show
    from device.assistant.news import TurnEnded
    from device.assistant.states import State

    began_s, cpu_s = time.monotonic(), time.process_time()
    first: _Taken | None = None
    has_ended = False
    room.conductor.feed(inputs.Asked("Is it noon?"))
    async with asyncio.timeout(WITHIN_S):
        while not (has_ended and room.is_at_rest):
            match await told.get():
                case Show(state=State.SPEAKING) if first is None:
                    first = _Taken(
                        1000 * (time.monotonic() - began_s), 1000 * (time.process_time() - cpu_s)
                    )
                case TurnEnded():
                    has_ended = True
    if first is None:
        raise RuntimeError("a question was not answered: the figures would be of nothing")
    return first


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

"""A tool called by hand: of the appliance that runs, else on the store of a stopped one."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import EXIT_FAILURE, BitternError

if TYPE_CHECKING:
    from device.tools.registry import Registry
    from device.tools.store import Store

WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool has done, or why not."""

    output: Mapping[str, object]
    is_error: bool
    spoken: str | None
    is_running: bool
    """Whether it was an appliance that runs."""


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare how the output is printed, and whose things are meant."""
    parser.add_argument("--json", action="store_true", help="print what goes back to a model")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the appliance's socket")
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="this store, of no running appliance"
    )


def run_by_hand(places: argparse.Namespace, name: str, arguments: dict[str, object]) -> int:
    """Call a tool, print what it says, return the exit status."""
    outcome = _call(places, name, arguments)
    if places.json or outcome.spoken is None:
        print(json.dumps(outcome.output))
    else:
        print(outcome.spoken)
    if outcome.is_error and not places.json:
        print(f"bittern: {outcome.output['error']}", file=sys.stderr)
    elif name.startswith("set_") and not outcome.is_error and not outcome.is_running:
        print("note: it rings when the appliance runs (bittern run)", file=sys.stderr)
    return EXIT_FAILURE if outcome.is_error else 0


def _call(places: argparse.Namespace, name: str, arguments: dict[str, object]) -> Outcome:
    from device.appliance.control import NobodyListensError, order
    from device.cli.control import usual_socket

    if places.store is None:
        request = {"command": "tool", "name": name, "arguments": arguments}
        try:
            reply = order(places.socket or usual_socket(places.config), request, WITHIN_S)
        except NobodyListensError:
            if places.socket is not None:
                raise
        else:
            return _told(reply)
    return asyncio.run(_on_store(places, name, arguments))


def _told(reply: dict[str, Any]) -> Outcome:
    if not reply.get("ok"):
        what = str(reply.get("error", "the appliance refused"))
        raise BitternError(what, str(reply.get("advice", "")))
    return Outcome(reply["output"], reply["is_error"], reply["spoken"], is_running=True)


async def _on_store(places: argparse.Namespace, name: str, arguments: dict[str, object]) -> Outcome:
    from device.phrases.en import ENGLISH
    from device.tools.store import Store

    store = Store(places.store or _usual_store(places.config))
    for trouble in await store.open():
        print(f"note: {ENGLISH.say(trouble)}", file=sys.stderr)
    registry, ringer = registry_on(store)
    try:
        await ringer.start()
        done = await registry.run_by_hand(name, json.dumps(arguments))
    finally:
        await registry.close()
        await ringer.close()
        await store.close()
    return Outcome(json.loads(done.output_json), done.is_error, done.spoken, is_running=False)


def registry_on(store: Store) -> tuple[Registry, Any]:
    """Return the built-in tools on a store, and the ringer, not started."""
    from device.tools.alarms.ringer import Ringer
    from device.tools.builtin import add_builtin_tools
    from device.tools.house import NoHouse
    from device.tools.lists import Lists
    from device.tools.moments import SystemClock
    from device.tools.registry import Registry

    clock, registry = SystemClock(), Registry()
    ringer = Ringer(store, clock, lambda ring: None, lambda silence: None)  # noqa: ARG005
    add_builtin_tools(registry, house=NoHouse(), clock=clock, ringer=ringer, lists=Lists(store))
    return registry, ringer


def _usual_store(config: Path | None) -> Path:
    from device.settings import load_settings
    from device.settings.places import state_folder

    return state_folder(load_settings(config).settings.paths) / "house.sqlite3"

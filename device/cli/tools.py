"""``bittern tools``: what the assistant can do in the house, doing it by hand, and one's own."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.own_tools import add_verbs
from device.errors import EXIT_FAILURE

if TYPE_CHECKING:
    from device.cli import Commands
    from device.tools.registry import Registry, ToolOutcome
    from device.tools.store import Store


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``tools list|schema|call``, and what ``own_tools`` declares."""
    family = commands.add_parser("tools", help="list, describe and call the assistant's tools")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)

    shown = verbs.add_parser("list", help="name every tool and what it does")
    shown.add_argument("--json", action="store_true", help="print one JSON array")
    shown.set_defaults(run=_list)

    schema = verbs.add_parser("schema", help="print the tools as a Realtime session takes them")
    schema.add_argument("name", nargs="?", metavar="NAME", help="only this tool")
    schema.add_argument("--json", action="store_true", help="on one line")
    schema.set_defaults(run=_schema)

    call = verbs.add_parser(
        "call",
        help="call one tool as a model would",
        description="Calls a tool on the timers, alarms and lists of this machine's appliance, "
        "which must not be running: the running one is asked by voice. "
        "Ends with 1 when the tool reports a mistake.",
    )
    call.add_argument("name", metavar="NAME", help="a tool of `bittern tools list`")
    call.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="default: {}")
    call.add_argument("--json", action="store_true", help="print what goes back to the model")
    call.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    call.add_argument("--store", type=Path, metavar="FILE", help="a store other than its own")
    call.set_defaults(run=_call)
    add_verbs(verbs)


def _list(arguments: argparse.Namespace) -> int:
    tools = _described()
    if arguments.json:
        lines = [{"name": tool["name"], "description": tool["description"]} for tool in tools]
        print(json.dumps(lines, indent=2))
        return 0
    width = max(len(tool["name"]) for tool in tools)
    for tool in tools:
        print(f"{tool['name']:<{width}}  {tool['description'].splitlines()[0]}")
    return 0


def _schema(arguments: argparse.Namespace) -> int:
    from device.errors import BitternError

    tools = _described()
    if arguments.name is not None:
        tools = [tool for tool in tools if tool["name"] == arguments.name]
        if not tools:
            raise BitternError(f"there is no tool {arguments.name}", "see `bittern tools list`")
    print(json.dumps(tools, indent=None if arguments.json else 2))
    return 0


def _described() -> list[dict[str, Any]]:
    """Describe all tools, without opening anything."""
    from device.tools.store import Store

    registry, _ = _registry(Store(Path("unopened")))
    return registry.tools()


def _registry(store: Store) -> tuple[Registry, Any]:
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


def _call(arguments: argparse.Namespace) -> int:
    outcome = asyncio.run(_outcome(arguments))
    if arguments.json or outcome.spoken is None:
        print(outcome.output_json)
    else:
        print(outcome.spoken)
    if outcome.is_error and not arguments.json:
        print(f"bittern: {json.loads(outcome.output_json)['error']}", file=sys.stderr)
    elif arguments.name.startswith("set_") and not outcome.is_error:
        print("note: it rings when the appliance runs (bittern run)", file=sys.stderr)
    return EXIT_FAILURE if outcome.is_error else 0


async def _outcome(arguments: argparse.Namespace) -> ToolOutcome:
    from device.phrases.en import ENGLISH
    from device.tools.store import Store

    store = Store(arguments.store or _usual_store(arguments.config))
    for trouble in await store.open():
        print(f"note: {ENGLISH.say(trouble)}", file=sys.stderr)
    registry, ringer = _registry(store)
    try:
        await ringer.start()
        return await registry.run(arguments.name, arguments.arguments, "by-hand")
    finally:
        await registry.close()
        await ringer.close()
        await store.close()


def _usual_store(config: Path | None) -> Path:
    from device.settings import load_settings
    from device.settings.places import state_folder

    return state_folder(load_settings(config).settings.paths) / "house.sqlite3"

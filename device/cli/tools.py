"""``bittern tools``: what the assistant can do in the house, doing it by hand, and one's own."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.by_hand import add_places, registry_on, run_by_hand
from device.cli.own_tools import add_verbs

if TYPE_CHECKING:
    from device.cli import Commands


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
        description="Calls a tool of the running appliance; when none runs, a built-in one on "
        "the timers, alarms and lists of the one that is stopped. "
        "Ends with 1 when the tool reports a mistake.",
    )
    call.add_argument("name", metavar="NAME", help="a tool of `bittern tools list`")
    call.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="default: {}")
    add_places(call)
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

    registry, _ = registry_on(Store(Path("unopened")))
    return registry.tools()


def _call(chosen: argparse.Namespace) -> int:
    from device.errors import BitternError

    try:
        arguments = json.loads(chosen.arguments)
    except ValueError as bad:
        raise BitternError(f"the arguments are no JSON: {bad}") from None
    if not isinstance(arguments, dict):
        raise BitternError("the arguments are one JSON object", "Such as '{\"minutes\": 10}'.")
    return run_by_hand(chosen, chosen.name, arguments)

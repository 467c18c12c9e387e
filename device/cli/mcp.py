"""``bittern mcp``: other people's servers of tools, listed, tried and called by hand."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from device.cli.config import add_config_option
from device.errors import EXIT_FAILURE, BitternError

if TYPE_CHECKING:
    from device.cli import Commands
    from device.settings import LoadedSettings
    from device.tools.hosted.hosted import HostedTools


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``mcp list|test|call|allow``."""
    family = commands.add_parser("mcp", help="servers of tools: list, test and call them")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)

    shown = verbs.add_parser(
        "list", help="name every server and its tools, as a model is shown them"
    )
    shown.add_argument("--json", action="store_true", help="print one JSON array")
    add_config_option(shown)
    shown.set_defaults(run=_list)

    test = verbs.add_parser(
        "test",
        help="connect to the servers and say how each is",
        description="Ends with 1 when one of them is not there, or a tool had to be left out.",
    )
    test.add_argument("name", nargs="?", metavar="NAME", help="only this server")
    test.add_argument("--json", action="store_true", help="print one JSON array")
    add_config_option(test)
    test.set_defaults(run=_test)

    call = verbs.add_parser(
        "call",
        help="call one tool of a server as a model would",
        description="It is really called. Ends with 1 when it reports a mistake.",
    )
    call.add_argument("tool", metavar="TOOL", help="a name of `bittern mcp list`")
    call.add_argument("arguments", nargs="?", default="{}", metavar="JSON", help="default: {}")
    add_config_option(call)
    call.set_defaults(run=_call)

    allow = verbs.add_parser(
        "allow",
        help="let the servers, and the tools of your own, reach whom the settings name (as root)",
        description="Writes the addresses of [[mcp]] and [own_tools] where systemd enforces them.",
    )
    allow.add_argument("--quiet", action="store_true", help="say nothing where nothing changes")
    add_config_option(allow)
    allow.set_defaults(run=_allow)


def _list(chosen: argparse.Namespace) -> int:
    states = asyncio.run(_states(_loaded(chosen)))
    if chosen.json:
        print(json.dumps(states, indent=2))
        return 0
    for state in states:
        print(f"{state['name']}: {'ready' if state['is_ready'] else 'away'}, {state['detail']}")
        for tool in state["tools"]:
            print(f"  {tool['name']:<32} {tool['description'].splitlines()[0]:.100}")
    return 0


def _test(chosen: argparse.Namespace) -> int:
    loaded = _loaded(chosen)
    states = [s for s in asyncio.run(_states(loaded)) if chosen.name in (None, s["name"])]
    if not states:
        raise BitternError(f"there is no server {chosen.name}", "see `bittern mcp list`")
    if chosen.json:
        print(json.dumps(states, indent=2))
    else:
        for state in states:
            mark = "good" if state["is_ready"] else "AWAY"
            print(f"{mark:5} {state['name']}: {state['detail']}, {len(state['tools'])} tools")
            for line in state["wrong"]:
                print(f"      left out: {line}")
    is_good = all(state["is_ready"] and not state["wrong"] for state in states)
    return 0 if is_good else EXIT_FAILURE


def _call(chosen: argparse.Namespace) -> int:
    return asyncio.run(_called(_loaded(chosen), chosen.tool, chosen.arguments))


def _allow(chosen: argparse.Namespace) -> int:
    from device.settings import load_settings
    from device.settings.tool_addresses import allow_addresses, reachable

    settings = load_settings(chosen.config).settings
    has_changed = allow_addresses(settings)
    if has_changed or not chosen.quiet:
        print(f"other people's tools may reach: {', '.join(reachable(settings)) or 'nobody'}")
    return 0


def _loaded(chosen: argparse.Namespace) -> LoadedSettings:
    from device.house.other_tools import are_wanted
    from device.logs import log_to_terminal
    from device.settings import load_settings

    log_to_terminal("critical")  # what is wrong is in what is printed
    loaded = load_settings(chosen.config)
    if not are_wanted(loaded.settings):
        raise BitternError(
            "the settings name no server of tools, and there are no tools of your own",
            "docs/tools.md tells how to add one.",
        )
    return loaded


async def _states(loaded: LoadedSettings) -> list[dict[str, Any]]:
    from device.house.host_visit import visit

    async with visit(loaded) as visiting:
        await visiting.settle()
        return [_state(visiting.hosted, name) for name in visiting.hosted.rules]


def _state(hosted: HostedTools, name: str) -> dict[str, Any]:
    told, offer = hosted.told.get(name), hosted.offers.get(name)
    tools = offer.tools if offer is not None else ()
    left_out = offer.left_out if offer is not None else ()
    return {
        "name": name,
        "is_ready": told is not None and told.is_ready,
        "detail": told.detail if told is not None else "nothing is known of it",
        "tools": [{"name": each.name, "description": each.description} for each in tools],
        "wrong": [*(told.mistakes if told is not None else ()), *left_out],
    }


async def _called(loaded: LoadedSettings, tool: str, arguments: str) -> int:
    from device.house.host_visit import visit
    from device.tools.registry import Registry

    registry = Registry()
    async with visit(loaded) as visiting:
        for source in visiting.hosted.sources():
            registry.attach(source)
        await visiting.settle()
        outcome = await registry.run(tool, arguments, "by-hand")
        await registry.close()
    print(outcome.output_json)
    if outcome.is_error:
        print(f"bittern: {json.loads(outcome.output_json)['error']}", file=sys.stderr)
    return EXIT_FAILURE if outcome.is_error else 0

"""``bittern watch``: what the running appliance does, as it does it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands

BAR = 20
"""Characters of the level."""


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``watch``."""
    parser = commands.add_parser(
        "watch",
        help="show what the running appliance does, live",
        description="Shows what the running appliance does: state, level, wake words, tools, "
        "links, times. What was said is shown where the settings allow it in the log "
        "(`[log] transcripts`).",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object an event")
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the appliance's socket")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Print events until the appliance ends them; then the exit status is 1."""
    from device.appliance.control import follow
    from device.cli.control import refusal_of, usual_socket
    from device.errors import BitternError

    events = follow(chosen.socket or usual_socket(), {"command": "watch"})
    begun: dict[str, Any] = next(events, {"error": "the appliance hung up"})
    if not begun.get("ok"):
        raise refusal_of(begun, BitternError)
    if chosen.json:
        for event in events:
            print(json.dumps(event), flush=True)
    else:
        _show(events)
    raise BitternError("the appliance has ended this view", "See `bittern status`, start it anew.")


def _show(events: Iterator[dict[str, Any]]) -> None:
    """One line an event above one line that says how it is, redrawn in place on a terminal."""
    from device.plain_text import one_line

    is_terminal, before = sys.stdout.isatty(), ""
    for event in events:
        if event["event"] != "status":
            print(("\r\x1b[K" if is_terminal else "") + one_line(event_line(event)), flush=True)
        elif is_terminal:
            print(f"\r\x1b[K{one_line(status_line(event))[:79]}", end="", flush=True)
        elif event["state"] != before:
            before = event["state"]
            print(one_line(status_line(event)), flush=True)


def status_line(event: dict[str, Any]) -> str:
    """How it is, in one line of less than 80 characters."""
    bar = "#" * round(BAR * event["level"])
    marks = [event["fault"], "ringing" if event["is_ringing"] else "", event["endpoint"] or ""]
    shown = "  ".join(mark for mark in marks if mark)
    spent = f"{event['spent_usd']:.4f} USD"
    return f"{event['state']:<10} [{bar:<{BAR}}] {event['volume_percent']:>3} %  {spent}  {shown}"


def event_line(event: dict[str, Any]) -> str:
    """One event with its particulars."""
    at = datetime.fromtimestamp(event["at_unix_s"]).strftime("%H:%M:%S")
    told = {k: v for k, v in event.items() if k not in ("event", "turn", "at_unix_s")}
    particulars = "  ".join(f"{k} {_short(v)}" for k, v in told.items() if v not in (None, ""))
    return f"{at}  {event['event']:<14} {particulars}"


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return value if isinstance(value, str) else json.dumps(value)

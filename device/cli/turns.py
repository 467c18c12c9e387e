"""``bittern turns``: what happened in the last turns, and one of them in sentences."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands

SOON_S = 10.0


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``turns``."""
    parser = commands.add_parser(
        "turns",
        help="show the last turns, or explain one",
        description="Shows the last turns, or explains the one of a number in sentences. "
        "Words are in it only where `[log] transcripts` was on.",
    )
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="explain this one")
    parser.add_argument("--last", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw their timelines (needs matplotlib)"
    )
    parser.add_argument("--socket", type=Path, metavar="PATH", help="the appliance's socket")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Ask the appliance that runs, or read the file of a stopped one; print."""
    from device.errors import BitternError
    from device.plain_text import one_line

    turns = _turns(chosen)
    if chosen.number is not None and not turns:
        raise BitternError(f"there is no turn {chosen.number}", "See `bittern turns`.")
    if chosen.plot is not None:
        from device.cli.turns_plot import plot

        plot(turns, chosen.plot)
    if chosen.json:
        print(json.dumps(turns))
    elif chosen.number is not None:
        print("\n".join(map(one_line, explained(turns[0]))))
    else:
        print("\n".join(one_line(summary(turn)) for turn in turns) or "no turn is kept yet")
    return 0


def _turns(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    from device.appliance.control import NobodyListensError, order
    from device.cli.control import refusal_of, usual_socket
    from device.errors import BitternError
    from device.house.past_turns import FILE, MOST_SHOWN, read
    from device.settings import load_settings
    from device.settings.places import state_folder

    last = max(1, min(chosen.last, MOST_SHOWN))
    request = {"command": "turns", "last": last, "number": chosen.number}
    try:
        reply = order(chosen.socket or usual_socket(chosen.config), request, SOON_S)
    except NobodyListensError:
        if chosen.socket is not None:
            raise
        paths = load_settings(chosen.config).settings.paths
        return read(state_folder(paths) / FILE, last, chosen.number)
    if not reply.get("ok"):
        raise refusal_of(reply, BitternError)
    turns = reply["turns"]
    assert isinstance(turns, list)
    return turns


def summary(turn: dict[str, Any]) -> str:
    """One turn in one line."""
    times = _event(turn, "turn")
    latency = _between(times, "speech_end_s", "first_audio_played_s")
    tools = [each["name"] for each in turn["events"] if each["event"] == "tool"]
    parts = [
        f"{turn['id']:>5}",
        datetime.fromtimestamp(turn["began_unix_s"]).strftime("%Y-%m-%d %H:%M:%S"),
        f"{times.get('endpoint') or '-':<10}",
        f"{'-' if latency is None else f'{latency:.2f} s':>7}",
        f"{turn['spent_usd']:.4f} USD",
        _ending(turn),
        ", ".join(tools),
    ]
    return "  ".join(part for part in parts if part)


def explained(turn: dict[str, Any]) -> list[str]:
    """One turn in sentences."""
    times = _event(turn, "turn")
    at = datetime.fromtimestamp(turn["began_unix_s"]).strftime("%Y-%m-%d %H:%M:%S")
    said = [f"Turn {turn['id']}, {at}.", _beginning(turn)]
    if (ready := _between(times, "wake_s", "link_ready_s")) is not None:
        said.append(f"The link to {times['endpoint']} was ready {ready:.2f} s after that.")
    if (sent := _between(times, "wake_s", "speech_end_s")) is not None:
        said.append(f"The question was over {sent:.1f} s after that.")
    said += [line for each in turn["events"] if (line := _told(each))]
    if (latency := _between(times, "speech_end_s", "first_audio_played_s")) is not None:
        said.append(
            f"{times['endpoint']} was first heard {latency:.2f} s after the end of the question."
        )
    said.append(f"It ended: {_ending(turn)}.")
    if turn["spent_usd"]:
        said.append(f"It cost {turn['spent_usd']:.4f} USD.")
    return said


def _beginning(turn: dict[str, Any]) -> str:
    if wake := _event(turn, "wake"):
        return f"Heard '{wake['word']}' at {wake['score']:.2f}."
    trigger = str(_event(turn, "turn").get("trigger", "unknown")).replace("_", " ")
    return f"Begun without a wake word: {trigger}."


def _told(event: dict[str, Any]) -> str:
    match event["event"]:
        case "heard" if "text" in event:
            return f"{event['endpoint']} understood: {event['text']}"
        case "said" if "text" in event:
            return f"{event['endpoint']} said: {event['text']}"
        case "tool":
            return f"It called {event['name']}."
        case "link_failed":
            return f"{event['endpoint']} failed: {event['detail']}."
        case "endpoint_error":
            return f"{event['endpoint']} refused something: {event['detail']}."
        case "notice":
            return f"The appliance itself said: {event['text']}"
    return ""


def _ending(turn: dict[str, Any]) -> str:
    if unanswered := _event(turn, "unanswered"):
        return f"nobody answered, {unanswered['reason']}"
    if _event(turn, "no_speech"):
        return "nobody spoke"
    if _event(turn, "answer_stopped"):
        return "the answer was stopped"
    if said := _event(turn, "said"):
        return "interrupted" if said.get("interrupted") else "answered"
    return "without an answer" if _event(turn, "turn") else "the appliance did not see its end"


def _event(turn: dict[str, Any], name: str) -> dict[str, Any]:
    """The last event of that name; empty if there was none."""
    return next((each for each in reversed(turn["events"]) if each["event"] == name), {})


def _between(times: dict[str, Any], begin: str, end: str) -> float | None:
    if times.get(begin) is None or times.get(end) is None:
        return None
    return float(times[end] - times[begin])

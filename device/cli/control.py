"""``bittern status`` and its like: orders to the appliance that is running."""

from __future__ import annotations

import argparse
import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands

SOON_S, PATIENT_S = 10.0, 120.0
_ORDERS: tuple[tuple[str, str, float], ...] = (
    ("status", "say what the running appliance is doing", SOON_S),
    ("stop", "silence what rings or speaks, and end the conversation", SOON_S),
    ("mute", "close the microphone", SOON_S),
    ("unmute", "open the microphone, unless a mute switch closes it", SOON_S),
    ("volume", "show or set the loudness of the speaker", SOON_S),
    ("say", "speak a sentence with the local voice", PATIENT_S),
    ("ask", "put a typed question, and hear and print the answer", PATIENT_S),
    ("reload", "apply the settings anew; bad ones change nothing", PATIENT_S),
    ("restart-brain", "end the local brain and start it again", PATIENT_S),
)


def add_commands(commands: Commands[Any]) -> None:
    """Declare one command for each order."""
    for name, about, within_s in _ORDERS:
        parser = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        if name == "volume":
            parser.add_argument("percent", nargs="?", type=int, metavar="N", help="0 to 100")
        if name in ("say", "ask"):
            parser.add_argument("text", nargs="+", metavar="TEXT")
        if name == "ask":
            parser.add_argument(
                "--image", type=Path, metavar="FILE", help="a picture that it is about"
            )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--socket", type=Path, metavar="PATH", help="the appliance's socket")
        parser.set_defaults(run=run, order=name, within_s=within_s)


def run(chosen: argparse.Namespace) -> int:
    """Send the order, print what comes back."""
    from device.appliance.control import order
    from device.errors import BitternError
    from device.plain_text import one_line

    request: dict[str, object] = {"command": chosen.order}
    if getattr(chosen, "percent", None) is not None:
        request["percent"] = chosen.percent
    if hasattr(chosen, "text"):
        request["text"] = " ".join(chosen.text)
    if getattr(chosen, "image", None) is not None:
        from device.cli.camera import picture_of_file

        request["jpeg_base64"] = b64encode(picture_of_file(chosen.image)).decode()
    reply = order(chosen.socket or usual_socket(), request, chosen.within_s)
    if chosen.json:
        print(json.dumps(reply))
    elif reply.get("ok"):
        print("\n".join(map(one_line, _lines(chosen.order, reply))))
    else:
        raise refusal_of(reply, BitternError)
    exit_code = reply.get("exit_code", 1)
    return 0 if reply.get("ok") else exit_code if isinstance(exit_code, int) else 1


def usual_socket(config: Path | None = None) -> Path:
    """The first place that has one: this user's own appliance, then the machine's service."""
    from device.errors import BitternError
    from device.settings import load_settings
    from device.settings.places import control_socket
    from device.settings.tree import Paths

    try:
        paths = load_settings(config).settings.paths
    except BitternError:
        # The one that runs has older, good ones; only a place of its own would be missed.
        paths = Paths()
    own, service = control_socket(paths), control_socket(paths, {})
    try:
        return own if own.is_socket() else service
    except PermissionError:
        return service


def refusal_of(reply: dict[str, object], kind: type[Any]) -> Exception:
    """Return what to raise for an answer that is not ``ok``."""
    failure = kind(str(reply.get("error", "the appliance refused")), str(reply.get("advice", "")))
    failure.exit_code = reply.get("exit_code", 1)
    assert isinstance(failure, Exception)
    return failure


def _lines(name: str, reply: dict[str, object]) -> list[str]:
    if name == "ask":
        return [f"{reply['answer']}   [{reply['endpoint']}]"]
    if name == "reload":
        changed, late = reply["changed"], reply["needs_restart"]
        assert isinstance(changed, list)
        assert isinstance(late, list)
        lines = [f"changed: {', '.join(changed) or 'nothing'}"]
        return lines + ([f"only a restart applies: {', '.join(late)}"] if late else [])
    shown = {key: value for key, value in reply.items() if key != "ok" and value not in (None, "")}
    if not shown:
        return ["done"]
    return [f"{key.replace('_', ' '):20} {_plain(value)}" for key, value in shown.items()]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

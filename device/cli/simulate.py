"""``bittern simulate``: stand-ins for what a test bench does not have."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli import Commands
from device.errors import EXIT_FAILURE, EXIT_USAGE, BitternError

if TYPE_CHECKING:
    from device.workshop.simulation.cloud import Cloud

DEFAULT_LISTEN = "127.0.0.1:8765"


class _UsageError(BitternError):
    exit_code = EXIT_USAGE


def add_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    """Declare ``simulate cloud``."""
    family = commands.add_parser("simulate", help="stand-ins: a scripted cloud")
    simulations = family.add_subparsers(dest="simulation", metavar="WHAT", required=True)
    cloud = simulations.add_parser(
        "cloud",
        help="a Realtime server that says, and gets wrong, what a script says",
        description="Serve the Realtime protocol from a script, until Ctrl-C.",
    )
    cloud.add_argument("--script", type=Path, metavar="FILE", help="TOML or JSON; see --example")
    cloud.add_argument("--example", action="store_true", help="print a script to begin with")
    cloud.add_argument(
        "--listen",
        default=DEFAULT_LISTEN,
        metavar="ADDRESS",
        help=f"HOST:PORT (port 0: any free one) or unix:PATH; without it {DEFAULT_LISTEN}",
    )
    cloud.add_argument("--certificate", type=Path, metavar="PEM", help="speak wss with this")
    cloud.add_argument("--certificate-key", type=Path, metavar="PEM", help="and its key")
    cloud.add_argument(
        "--record", type=Path, metavar="FOLDER", help="keep each connection's audio and events"
    )
    cloud.add_argument("--verbose", action="store_true", help="tell of audio events, too")
    cloud.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if arguments.example:
        from importlib.resources import files

        sys.stdout.write(
            files("device.workshop.simulation").joinpath("example.toml").read_text("utf-8")
        )
        return 0
    level = logging.DEBUG if arguments.verbose else logging.INFO
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("device.workshop.simulation.visit").setLevel(level)
    try:
        asyncio.run(_serve(arguments))
    except OSError as error:
        print(f"bittern: cannot listen on {arguments.listen}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    from device.workshop.simulation.cloud import Cloud
    from device.workshop.simulation.script import Script, read_script

    script = read_script(arguments.script) if arguments.script else Script()
    cloud = Cloud(script, **_address(arguments.listen), tls=_tls(arguments))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with cloud:
        print(f"listening on {cloud.url}", flush=True)
        await stop.wait()
    if arguments.record is not None:
        _record(cloud, arguments.record)


def _address(listen: str) -> dict[str, Any]:
    if listen.startswith("unix:"):
        return {"unix_path": Path(listen.removeprefix("unix:"))}
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise _UsageError(f"--listen {listen}: expected HOST:PORT or unix:PATH")
    return {"host": host.strip("[]"), "port": int(port)}


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if arguments.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(arguments.certificate, arguments.certificate_key)
    except OSError as error:
        raise _UsageError(f"--certificate {arguments.certificate}: {error}") from None
    return context


def _record(cloud: Cloud, folder: Path) -> None:
    """Write ``1.wav`` (24 kHz mono) and ``1.jsonl`` for the first connection, and so on."""
    import json
    import wave

    from device.realtime.events import WIRE_RATE_HZ

    folder.mkdir(parents=True, exist_ok=True)
    for visit in cloud.visits:
        with wave.open(str(folder / f"{visit.number}.wav"), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(WIRE_RATE_HZ)
            sound.writeframes(bytes(visit.audio))
        both = [("in", m) for m in visit.received] + [("out", m) for m in visit.sent]
        lines = [
            json.dumps({"at_s": round(message.at_s, 4), "way": way, "event": message.raw})
            for way, message in sorted(both, key=lambda pair: pair[1].at_s)
        ]
        (folder / f"{visit.number}.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")

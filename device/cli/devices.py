"""``bittern devices``: the microphones and speakers of this machine, by names that last."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.audio.devices import Direction, SoundDevice
    from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``devices``."""
    about = "list microphones and speakers by the names that settings take"
    devices = commands.add_parser("devices", help=about, description=about)
    devices.add_argument("--json", action="store_true", help="print one JSON object")
    devices.set_defaults(run=_list)


def _list(arguments: argparse.Namespace) -> int:
    from device.audio.portaudio_host import shared_host

    devices = shared_host().devices()
    if arguments.json:
        print(json.dumps({"devices": [_as_json(device) for device in devices]}))
    elif devices:
        print("\n".join(_table(devices)))
    else:
        print(
            "This machine has no sound device.\n"
            "Plug in a USB microphone and speaker, or set up the sound HAT of your board; on a\n"
            "desktop, see that its sound server runs. A recording does without any:\n"
            "`bittern talk --wav FILE`."
        )
    return 0


def _as_json(device: SoundDevice) -> dict[str, object]:
    from device.audio.devices import Direction

    return {
        "name": device.name,
        "alsa": device.alsa,
        "microphone": _way_as_json(device, Direction.IN),
        "speaker": _way_as_json(device, Direction.OUT),
    }


def _way_as_json(device: SoundDevice, direction: Direction) -> dict[str, object] | None:
    if not device.channels(direction):
        return None
    return {
        "channels": device.channels(direction),
        "rate_hz": _rate_hz(device, direction),
        "is_default": device.is_default(direction),
    }


def _rate_hz(device: SoundDevice, direction: Direction) -> int | None:
    """The rate at which Bittern would open it; None when it cannot be opened now."""
    from device.audio import devices
    from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker

    is_microphone = direction is devices.Direction.IN
    make = PortAudioMicrophone if is_microphone else PortAudioSpeaker
    try:
        return make(device.handle).rate_hz
    except devices.SoundDeviceError:
        return None


def _table(devices: list[SoundDevice]) -> list[str]:
    from device.audio.devices import Direction

    rows = [("NAME", "MICROPHONE", "SPEAKER", "ALSA")]
    for device in devices:
        ways = [_way(device, direction) for direction in (Direction.IN, Direction.OUT)]
        rows.append((device.name, ways[0], ways[1], device.alsa))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [*lines, "", "* the default. A setting takes the name, a part of it, or the ALSA name."]


def _way(device: SoundDevice, direction: Direction) -> str:
    channels = device.channels(direction)
    if not channels:
        return "-"
    rate_hz = _rate_hz(device, direction)
    if rate_hz is None:
        # A sound server's plugin claims both ways, even where only one can be opened.
        return "busy" if device.alsa else "-"
    mark = "*" if device.is_default(direction) else ""
    return f"{channels} ch, {rate_hz} Hz{mark}"

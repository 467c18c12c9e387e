"""``bittern mic``: hear what the microphone hears, and see how loud that is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.audio.all_channels import AllChannelsMicrophone
    from device.audio.samples import Samples
    from device.cli import Commands
    from device.doctor.mic_test import MicTest
    from device.settings.tree import Settings

LONGEST_S = 60.0


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``bittern mic test``."""
    family = commands.add_parser("mic", help="test the microphone")
    mic = family.add_subparsers(dest="mic_command", metavar="COMMAND", required=True)
    about = "measure levels, noise, clipping and dead channels, and play back what was heard"
    test = mic.add_parser(
        "test",
        help=about,
        description=about.capitalize() + ". Speak meanwhile. Ends with 0 when the channel that "
        "is listened to is good, 2 with a warning, 1 when it is deaf.",
    )
    test.add_argument("--seconds", type=_seconds, default=5.0, help="how long (default 5)")
    test.add_argument("--device", metavar="NAME", help="another one than the settings say")
    test.add_argument("--no-playback", action="store_true", help="do not play it back")
    test.add_argument("--out", type=Path, metavar="WAV", help="keep what was heard in this file")
    test.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(run=run_test)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.5 <= number <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"expected 0.5 to {LONGEST_S:g} seconds, not {text!r}")
    return number


def run_test(chosen: argparse.Namespace) -> int:
    """Record, measure, print, play back."""
    from device.audio.all_channels import AllChannelsMicrophone
    from device.audio.files import write_sound
    from device.doctor.mic_test import run_mic_test
    from device.logs import log_to_terminal
    from device.settings import load_settings

    log_to_terminal("error")
    settings = load_settings(chosen.config).settings
    wanted = settings.microphone
    microphone = AllChannelsMicrophone(
        chosen.device or wanted.device, rate_hz=wanted.rate_hz or None, block_ms=wanted.block_ms
    )
    if not chosen.json:
        print(f"{microphone.name}: say something, for {chosen.seconds:g} s", flush=True)
    used = None if wanted.channel == "mix" else wanted.channel
    done = run_mic_test(microphone, chosen.seconds, used, _meter(chosen, microphone))
    if not chosen.json:
        print()
    if chosen.out is not None and len(done.heard):
        write_sound(chosen.out, done.heard, done.rate_hz)
    trouble = "" if chosen.no_playback else _play_back(chosen, settings, done)
    if chosen.json:
        print(json.dumps({**done.as_json(), "playback_trouble": trouble or None}))
    else:
        print("\n".join(done.lines()))
    return 1 if trouble else done.exit_code


def _meter(
    chosen: argparse.Namespace, microphone: AllChannelsMicrophone
) -> Callable[[Samples], None]:
    from device.doctor.meter import Meter

    if chosen.json or not sys.stdout.isatty():
        return lambda _: None
    return Meter(sys.stdout, microphone.rate_hz).show


def _play_back(chosen: argparse.Namespace, settings: Settings, done: MicTest) -> str:
    """Say nothing and play; return why that was not possible."""
    from device.doctor.recording import play
    from device.errors import BitternError
    from device.room.cards import speaker_from

    if not len(done.heard):
        return ""
    if not chosen.json:
        print("this was heard:", flush=True)
    try:
        play(speaker_from(settings.speaker), done.heard, done.rate_hz)
    except BitternError as failure:
        if not chosen.json:
            print(f"it cannot be played back: {failure}")
        return str(failure)
    return ""

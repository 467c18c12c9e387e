"""``bittern sounds``: speak the notices into the model store, and hear every sound."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``sounds`` and what it can do."""
    family = commands.add_parser("sounds", help="make and play the sounds of the appliance")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)
    make = verbs.add_parser("make", help="speak the notices that are missing into the model store")
    make.set_defaults(run=_make)
    listing = verbs.add_parser("list", help="show the chimes and the notices")
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    listing.set_defaults(run=_list)
    play = verbs.add_parser("play", help="play a chime or a notice")
    play.add_argument("name", metavar="NAME", help="a name of `bittern sounds list`")
    play.add_argument("--device", default="default", help="the speaker, as in `bittern devices`")
    play.add_argument("--volume", type=float, default=70, metavar="PERCENT", help="0 to 100")
    play.set_defaults(run=_play)


def _make(_: argparse.Namespace) -> int:
    from device.audio.sounds import Sounds, brain_voice
    from device.phrases.en import NOTICES
    from device.settings.store import store_to_care_for

    sounds = Sounds.of_store(store_to_care_for().folder)
    made = 0
    if sounds.missing:
        made = sounds.make(
            brain_voice(), lambda name: print(f"sounds: {name}: {NOTICES[name]}", flush=True)
        )
    print(f"sounds: {len(NOTICES)} ready in {sounds.folder} ({made} made now)")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from device.audio.chimes import CHIMES
    from device.audio.sounds import Sounds
    from device.phrases.en import NOTICES
    from device.settings.store import store_to_care_for

    sounds = Sounds.of_store(store_to_care_for().folder)
    missing = sounds.missing
    if arguments.json:
        notices = {
            name: {"text": text, "is_made": name not in missing} for name, text in NOTICES.items()
        }
        document = {"folder": str(sounds.folder), "chimes": list(CHIMES), "notices": notices}
        print(json.dumps(document))
        return 0
    for name in CHIMES:
        print(f"{name:18} a chime")
    for name, text in NOTICES.items():
        print(f"{name:18} {'(not made) ' if name in missing else ''}{text}")
    if missing:
        print("`bittern sounds make` makes what is missing.")
    return 0


def _play(arguments: argparse.Namespace) -> int:
    import threading

    from device.audio.chimes import CHIMES
    from device.audio.playback import Playback
    from device.audio.portaudio import PortAudioSpeaker
    from device.audio.sounds import Sounds
    from device.errors import EXIT_USAGE, BitternError
    from device.settings.store import store_to_care_for

    if not 0 <= arguments.volume <= 100:
        print("bittern sounds play: --volume is 0 to 100")
        return EXIT_USAGE
    sounds, name = Sounds.of_store(store_to_care_for().folder), arguments.name
    if name not in CHIMES:
        sounds.path_of(name)  # an unknown name is said here, with the known ones
    samples = sounds.chime(name) if name in CHIMES else sounds.notice(name)[1]
    playback = Playback(PortAudioSpeaker(arguments.device), volume_percent=arguments.volume)
    finished = threading.Event()
    playback.on_finished = lambda _: finished.set()
    playback.open()
    try:
        playback.play(name, samples)
        if not finished.wait(len(samples) / 24_000 + 5):
            raise BitternError(f"{playback.speaker.name} does not play", "try `bittern devices`")
    finally:
        playback.close()
    return 0

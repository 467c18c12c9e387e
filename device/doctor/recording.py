"""A few seconds from a microphone and into a speaker, without an appliance around them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from device.audio.microphone import Microphone
from device.audio.playback import Playback
from device.audio.resample import WIRE_RATE_HZ, resample
from device.audio.samples import Samples, silence
from device.audio.speaker import Speaker
from device.errors import BitternError

SETTLE_S = 0.3
"""Sound cards click when they are opened; that is not the room."""
LATE_S = 2.0
"""A sound server may take 1.6 s to start a stream."""


class SpeakerStandsStillError(BitternError):
    """A speaker was opened and does not take the sound."""


def record(
    microphone: Microphone,
    seconds: float,
    on_block: Callable[[Samples], None] = lambda _: None,
) -> Samples:
    """Return so many seconds (int16 at its rate), the click of the opening left out.

    Fewer when it delivers fewer in time, none when it delivers nothing. ``on_block`` is
    told each block on the microphone's thread. Raises what opening it raises.
    """
    blocks: list[Samples] = []
    enough = threading.Event()
    wanted = round((seconds + SETTLE_S) * microphone.rate_hz)
    heard = 0

    def deliver(samples: Samples) -> None:
        nonlocal heard
        if enough.is_set():
            return
        blocks.append(samples)
        heard += len(samples)
        on_block(samples)
        if heard >= wanted:
            enough.set()

    microphone.open(deliver)
    try:
        enough.wait(seconds + SETTLE_S + LATE_S)
    finally:
        enough.set()
        microphone.close()
    sound = np.concatenate(blocks) if blocks else silence(0)
    return sound[round(SETTLE_S * microphone.rate_hz) : wanted]


def play(speaker: Speaker, sound: Samples, rate_hz: int, volume_percent: float = 100.0) -> None:
    """Play a piece of sound to its end. Raises a ``BitternError`` when it is not taken."""
    playback = Playback(speaker, volume_percent=volume_percent)
    finished = threading.Event()
    playback.on_finished = lambda _: finished.set()
    playback.open()
    try:
        playback.play("test", resample(sound, rate_hz, WIRE_RATE_HZ))
        if not finished.wait(len(sound) / rate_hz + 5.0):
            raise SpeakerStandsStillError(
                f"{speaker.name} does not take the sound", "See `bittern devices`."
            )
    finally:
        playback.close()

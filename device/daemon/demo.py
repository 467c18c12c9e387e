"""The demonstration: a synthesized person talks to the real appliance, in real time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.assistant.effects import Show
from device.audio.files import write_sound
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Samples, silence
from device.audio.sounds import brain_voice
from device.daemon.talk import talk
from device.reports import Reporter
from device.settings import LoadedSettings

PHRASES = (
    ("Hey Jarvis, what time is it?", 6.0),
    ("What day is it tomorrow?", 7.0),
    ("Hey Jarvis. Set a timer for ten minutes.", 6.0),
)
"""What is said, and how long the person then waits. The second needs no wake word."""
ROOM_NOISE = 12
"""Amplitude of the noise between the words, of 32768: a silent room is not digital silence."""


def rehearse(folder: Path) -> Path:
    """Make the recording of the person; raises a ``BitternError`` without the brain's voice."""
    voice = brain_voice()
    parts: list[Samples] = [silence(WIRE_RATE_HZ)]
    for phrase, wait_s in PHRASES:
        parts += [voice(phrase), silence(round(WIRE_RATE_HZ * wait_s))]
    sound = np.concatenate(parts)
    room = np.random.default_rng(0).normal(0.0, ROOM_NOISE, len(sound))
    path = folder / "question.wav"
    noisy = np.clip(sound + room, -32_768, 32_767).astype(np.int16)
    write_sound(path, noisy, WIRE_RATE_HZ)
    return path


async def demonstrate(
    loaded: LoadedSettings,
    report: Reporter,
    say: Callable[[str], None],
    answer: Path,
    show: Callable[[Show], None] = lambda _: None,
) -> None:
    """Run the demonstration; ``answer`` gets what the speaker would have played."""
    with tempfile.TemporaryDirectory(prefix="bittern-demo-") as folder:
        say("A person of synthesized speech says, into the microphone of this appliance:")
        for phrase, _ in PHRASES:
            say(f"    {phrase}")
        say("Everything else is real: wake word, link, the local brain as the endpoint, tools.\n")
        await talk(loaded, rehearse(Path(folder)), answer, report, show=show)
    say(f"\nWhat the speaker would have played is in {answer}.")

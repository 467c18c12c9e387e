"""Does the microphone hear the speaker, how late, and how loud? By a chirp and its echo."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from device.audio.microphone import Microphone
from device.audio.playback import Playback
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Floats, Samples, silence, to_int16
from device.audio.speaker import Speaker
from device.doctor.findings import Finding, Verdict
from device.errors import BitternError

CHIRP_S = 1.0
FROM_HZ, TO_HZ = 500.0, 4_000.0
"""What the smallest speaker plays and the cheapest microphone hears."""
PEAK = 0.25
EDGE_S = 0.02
SETTLE_S = 0.5
LISTEN_S = 3.0
"""From the beginning of the chirp: its length, and the longest way through a sound server."""
CLEAR = 12.0
"""A found chirp stands out of the rest of the correlation by this factor. Noise alone, over
as many places, reaches about 5 (the largest of 10^5 normal numbers, against their spread)."""


@dataclass(frozen=True, slots=True)
class EchoPath:
    """What was found; ``delay_ms`` and ``gain_db`` mean nothing where it is not clear."""

    clearness: float
    delay_ms: float
    gain_db: float
    """Loudness at the microphone against what was handed to the speaker."""

    @property
    def is_clear(self) -> bool:
        """Whether it was the chirp."""
        return self.clearness >= CLEAR


def chirp(rate_hz: int) -> Floats:
    """A sweep whose correlation with itself is a single sharp peak."""
    moments = np.arange(round(CHIRP_S * rate_hz)) / rate_hz
    speed = (TO_HZ - FROM_HZ) / CHIRP_S
    sweep = np.sin(2 * np.pi * (FROM_HZ * moments + 0.5 * speed * moments**2))
    edges = np.minimum(1.0, np.minimum(moments, CHIRP_S - moments) / EDGE_S)
    return np.asarray(PEAK * sweep * np.sin(edges * np.pi / 2), dtype=np.float32)


def find_chirp(heard: Samples, rate_hz: int, played_at_sample: int) -> EchoPath:
    """Look for the chirp in what was heard (int16), from where it was played on."""
    wanted = chirp(rate_hz).astype(np.float64)
    sound = heard.astype(np.float64) / 32_768
    if len(sound) < len(wanted):
        return EchoPath(0.0, 0.0, 0.0)
    size = 1 << (len(sound) + len(wanted)).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(wanted, size))
    correlation = np.fft.irfft(spectrum, size)[: len(sound) - len(wanted) + 1]
    magnitudes = np.abs(correlation)
    place = int(np.argmax(magnitudes))
    # The spread of the rest, from its median, which a strong echo hardly moves.
    spread = float(np.median(magnitudes)) / 0.6745 + 1e-9
    gain = magnitudes[place] / float(np.sum(wanted**2))
    delay_ms = 1000 * (place - played_at_sample) / rate_hz
    return EchoPath(magnitudes[place] / spread, delay_ms, 20 * float(np.log10(gain + 1e-9)))


def listen_for_echo(microphone: Microphone, speaker: Speaker, volume_percent: float) -> EchoPath:
    """Play the chirp and listen. Raises what opening either raises."""
    blocks: list[Samples] = []
    began_at: list[int] = []
    settled, enough = threading.Event(), threading.Event()
    rate_hz = microphone.rate_hz

    def deliver(samples: Samples) -> None:
        blocks.append(samples)
        heard = sum(map(len, blocks))
        if heard >= SETTLE_S * rate_hz:
            settled.set()
        if began_at and heard >= began_at[0] + LISTEN_S * rate_hz:
            enough.set()

    playback = Playback(speaker, volume_percent=volume_percent)
    playback.on_started = lambda _: began_at.append(sum(map(len, blocks)))
    microphone.open(deliver)
    try:
        settled.wait(SETTLE_S + 2.0)
        playback.open()
        try:
            playback.play("chirp", to_int16(chirp(WIRE_RATE_HZ)))
            enough.wait(LISTEN_S + 3.0)
        finally:
            playback.close()
    finally:
        microphone.close()
    heard = np.concatenate(blocks) if blocks else silence(0)
    return find_chirp(heard, rate_hz, began_at[0] if began_at else 0)


def check_echo_path(
    microphone: Callable[[], Microphone], speaker: Callable[[], Speaker], volume_percent: float
) -> Finding:
    """Play and listen; a finding in words."""
    try:
        path = listen_for_echo(microphone(), speaker(), volume_percent)
    except BitternError as failure:
        return Finding("echo path", Verdict.BAD, failure.what, failure.advice)
    if not path.is_clear:
        advice = "Is the speaker loud enough, and are both the ones you think? (`bittern devices`)"
        return Finding("echo path", Verdict.WARNING, "the microphone does not hear it", advice)
    found = f"heard {path.delay_ms:.0f} ms later, {path.gain_db:.0f} dB"
    if path.gain_db > 0:
        advice = "It drowns who speaks into an answer: lower the volume, or move it away."
        return Finding("echo path", Verdict.WARNING, found, advice)
    return Finding("echo path", Verdict.GOOD, found)

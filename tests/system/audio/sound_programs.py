"""Small programs around the sound room, run as processes of their own.

Each is started with the environment of a test's sound server, which PortAudio reads when
it starts; each says what happens in JSON, one object a line, and takes orders on stdin.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.audio.capture import Capture
from device.audio.files import write_sound
from device.audio.microphone import MicrophoneWatch, WatchVerdict
from device.audio.playback import Playback
from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker
from device.audio.resample import resample
from device.audio.samples import Samples
from device.errors import BitternError

BEGAN_S = time.monotonic()


def tell(event: str, **fields: object) -> None:
    line = {"event": event, "at_s": round(time.monotonic() - BEGAN_S, 3), **fields}
    print(json.dumps(line), flush=True)


def noise(seconds: float, rate_hz: int = 24_000, seed: int = 7) -> Samples:
    generator = np.random.default_rng(seed)
    return generator.integers(-8_000, 8_000, round(seconds * rate_hz)).astype(np.int16)


def position_of(needle: Samples, haystack: Samples) -> int | None:
    """Where a stretch of noise begins in a recording, exact to the bit; None if nowhere."""
    pattern = needle.tobytes()
    data, at = haystack.tobytes(), -1
    while (at := data.find(pattern, at + 1)) >= 0:
        if at % 2 == 0:
            return at // 2
    return None


def duplex(seconds: str) -> None:
    """Play noise, hear it through the echo source; compare, and take the time."""
    sound = noise(float(seconds))
    capture = Capture(PortAudioMicrophone("test_echo"))
    playback = Playback(PortAudioSpeaker("test_speaker"))
    finished, first_out_s = threading.Event(), []

    def on_played(samples: Samples, at_frame: int) -> None:
        if not first_out_s and samples.any():
            ahead = int(np.flatnonzero(samples)[0]) - len(samples)
            first_out_s.append(time.monotonic() + ahead / 48_000)

    playback.on_played = on_played
    playback.on_finished = lambda _: finished.set()
    capture.open()
    playback.open()
    time.sleep(0.5)
    for at in range(0, len(sound), 2_400):
        playback.feed("noise", sound[at : at + 2_400])
    playback.finish("noise")
    assert finished.wait(float(seconds) + 10)
    latency_s = playback.speaker.latency_s
    time.sleep(0.3)
    ring = capture.ring
    heard = ring.read(ring.start_sample, ring.end_sample)
    wanted = resample(sound, 24_000, 48_000)
    at = position_of(wanted[:480], heard)
    is_exact = at is not None and (heard[at : at + len(wanted)] == wanted).all()
    tell(
        "duplex",
        is_exact=bool(is_exact),
        heard_ms=playback.heard_ms("noise"),
        underruns=playback.health().underruns,
        overflows=capture.health().overflows,
        underflows=playback.speaker_health().underflows,
        latency_s=latency_s,
    )
    playback.close()
    capture.close()


def round_trip(times: str) -> None:
    """How long a click takes from the speaker's callback to the microphone's."""
    microphone, speaker = PortAudioMicrophone("test_echo"), PortAudioSpeaker("test_speaker")
    sent_s, trips_s = [0.0], []
    click = np.full(480, 16_000, dtype=np.int16)
    is_wanted, has_come = threading.Event(), threading.Event()

    def fill(frames: int) -> Samples:
        out = np.zeros(frames, dtype=np.int16)
        if is_wanted.is_set():
            is_wanted.clear()
            out[:480] = click
            sent_s[0] = time.monotonic()
        return out

    def deliver(samples: Samples) -> None:
        if samples.any() and not has_come.is_set():
            trips_s.append(time.monotonic() - sent_s[0])
            has_come.set()

    microphone.open(deliver)
    speaker.open(fill)
    time.sleep(1.0)
    for _ in range(int(times)):
        has_come.clear()
        is_wanted.set()
        assert has_come.wait(5)
        time.sleep(0.1)
        has_come.set()
    speaker.close()
    microphone.close()
    trips_s.sort()
    tell("round_trip", p50_ms=trips_s[len(trips_s) // 2] * 1e3, max_ms=trips_s[-1] * 1e3)


def barge_in(path: str) -> None:
    """Stop in the middle of an answer; say what had been heard, and when it was silent."""
    playback = Playback(PortAudioSpeaker("test_speaker"))
    playback.open()
    playback.play("answer", noise(4.0))
    playback.play("next", noise(1.0, seed=8))
    time.sleep(1.5)
    heard = playback.stop()
    latency_s = playback.speaker.latency_s
    time.sleep(1.0)
    tell("stopped", heard_ms=heard, latency_s=latency_s)
    playback.close()
    write_sound(Path(path), resample(noise(4.0), 24_000, 48_000), 48_000)


def watch(device: str, silent_s: str, path: str) -> None:
    """Watch a microphone like the daemon does; orders: ``reopen``, ``close``, ``quit``.

    ``quit`` writes everything that was heard into a file.
    """
    capture = Capture(PortAudioMicrophone(device))
    judge = MicrophoneWatch(silent_s=float(silent_s))
    orders = _orders()
    capture.open()
    seen: WatchVerdict | None = None
    while True:
        verdict = judge.judge(capture.health()) if capture.is_open else None
        if verdict is not None and verdict is not seen:
            seen = verdict
            tell("verdict", verdict=str(verdict), blocks=capture.health().blocks)
        if orders:
            order, seen = orders.pop(0), None
            if order == "quit":
                break
            _obey(order, capture.reopen if order == "reopen" else capture.close)
        time.sleep(0.02)
    heard = capture.ring.read(capture.ring.start_sample, capture.ring.end_sample)
    write_sound(Path(path), heard, capture.rate_hz)
    _obey("close", capture.close)
    tell("end")


def _orders() -> list[str]:
    orders: list[str] = []

    def read() -> None:
        for line in sys.stdin:
            orders.append(line.strip())

    threading.Thread(target=read, daemon=True).start()
    return orders


def _obey(order: str, action: Callable[[], None]) -> None:
    began_s = time.monotonic()
    failure = ""
    try:
        action()
    except BitternError as trouble:
        failure = str(trouble)
    tell(order, took_s=round(time.monotonic() - began_s, 3), failure=failure)


def both() -> None:
    """Microphone and speaker together; ``reopen`` mends the microphone, the speaker goes on."""
    capture = Capture(PortAudioMicrophone("test_microphone"))
    playback = Playback(PortAudioSpeaker("test_speaker"))
    orders = _orders()
    capture.open()
    playback.open()
    tell("open")
    while True:
        time.sleep(0.02)
        if not orders:
            continue
        order = orders.pop(0)
        if order == "quit":
            break
        if order == "reopen":
            _obey("reopen", capture.reopen)
        if order == "reopen speaker":
            _obey("reopen speaker", playback.reopen)
        time.sleep(1.0)
        speaker, microphone = playback.speaker_health(), capture.health()
        tell(
            "health",
            speaker=speaker.is_active and speaker.last_pull_age_s < 0.5,
            microphone=microphone.is_active and microphone.last_block_age_s < 0.5,
        )
    playback.close()
    capture.close()


def forget() -> None:
    """End without closing anything."""
    capture = Capture(PortAudioMicrophone("test_microphone"))
    playback = Playback(PortAudioSpeaker("test_speaker"))
    capture.open()
    playback.open()
    time.sleep(0.3)
    tell("open")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

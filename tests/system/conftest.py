"""A real sound server of one's own: PulseAudio with a microphone and a speaker made of nothing.

What is played into the sink ``air`` is what the microphone hears; what the appliance
plays can be heard on the monitor of the sink ``mouth``. Nothing of the machine's own
sound is touched: the server has its own socket, cookie and ALSA configuration.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from device.audio.samples import Samples
from device.workshop.bench.null_sinks import RATE_HZ, NullSinks, what_is_missing

STARTS_WITHIN_S = 10.0


class SoundServer(NullSinks):
    """PulseAudio in a folder of its own, and everything that can go wrong with it."""

    rate_hz = RATE_HZ

    def freeze(self) -> None:
        """Let it live and do nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def unload_microphone(self) -> None:
        modules = self.control("list", "short", "modules").splitlines()
        number = next(line.split()[0] for line in modules if "source_name=ear" in line)
        self.control("unload-module", number)

    def load_microphone(self) -> None:
        self.control("load-module", "module-remap-source", "source_name=ear", "master=air.monitor")

    def say(self, sound: Samples) -> subprocess.Popen[bytes]:
        """Play a sound (48 kHz) into the air, where the microphone hears it."""
        return self.play(sound.tobytes(), self.rate_hz)

    def hear(self) -> Path:
        """Record what the speaker plays from now on (raw, 48 kHz, mono) into a file."""
        path = self.folder / f"heard-{time.monotonic_ns()}.raw"
        form = ["--raw", f"--rate={self.rate_hz}", "--channels=1", "--format=s16le"]
        self.help(["parecord", *form, "--latency-msec=20", "-d", "mouth.monitor", str(path)])
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not path.exists() or path.stat().st_size == 0:
            assert time.monotonic() < deadline, "the recorder does not start"
            time.sleep(0.02)
        return path


def read_raw(path: Path) -> Samples:
    """Read what ``hear`` has recorded so far."""
    data = path.read_bytes()
    return np.frombuffer(data[: len(data) // 2 * 2], dtype=np.int16)


@pytest.fixture
def sound_server(tmp_path: Path) -> Iterator[SoundServer]:
    """A fresh sound server; skips where PulseAudio or its ALSA plugin is not installed."""
    missing = what_is_missing()
    if missing:
        pytest.skip(missing)
    folder = tmp_path / "sound"
    server = SoundServer(folder)
    server.start()
    yield server
    server.kill()

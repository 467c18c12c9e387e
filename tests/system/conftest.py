"""A real sound server of one's own: PulseAudio with a microphone and a speaker made of nothing.

What is played into the sink ``air`` is what the microphone hears; what the appliance
plays can be heard on the monitor of the sink ``mouth``. Nothing of the machine's own
sound is touched: the server has its own socket, cookie and ALSA configuration.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from device.audio.samples import Samples

ALSA_CONFIGURATION = """\
</usr/share/alsa/alsa.conf>
pcm.test_microphone { type pulse device "ear" hint { show on description "test microphone" } }
pcm.test_echo { type pulse device "echo" hint { show on description "hears the speaker" } }
pcm.test_speaker { type pulse device "mouth" hint { show on description "test speaker" } }
pcm.!default { type pulse hint { show on description "default" } }
ctl.!default { type pulse }
"""
# norewinds: without it, streams of a null sink stall for 1.6 s at their start.
SERVER_SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=air norewinds=1 rate=48000 channels=1 format=s16le
load-module module-null-sink sink_name=mouth norewinds=1 rate=48000 channels=2 format=s16le
load-module module-remap-source source_name=ear master=air.monitor
load-module module-remap-source source_name=echo master=mouth.monitor
set-default-sink mouth
set-default-source ear
"""
STARTS_WITHIN_S = 10.0


class SoundServer:
    """PulseAudio in a folder of its own, and everything that can go wrong with it."""

    rate_hz = 48_000

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.chmod(0o700)
        (folder / "asound.conf").write_text(ALSA_CONFIGURATION)
        (folder / "server.pa").write_text(SERVER_SCRIPT)
        self._process: subprocess.Popen[bytes] | None = None
        self._helpers: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """For processes that are to use this server; to be set before PortAudio starts."""
        folder = str(self._folder)
        return {
            **{key: value for key, value in os.environ.items() if key != "DISPLAY"},
            "ALSA_CONFIG_PATH": f"{folder}/asound.conf",
            "PULSE_COOKIE": f"{folder}/cookie",
            "PULSE_RUNTIME_PATH": folder,
            "PULSE_SERVER": f"unix:{folder}/native",
            "PULSE_STATE_PATH": f"{folder}/state",
            "XDG_RUNTIME_DIR": folder,
        }

    def start(self) -> None:
        arguments = [
            *("--daemonize=no", "--system=no", "--use-pid-file=no", "--exit-idle-time=-1"),
            *(f"--log-target=file:{self._folder}/log", "-n", "-F", f"{self._folder}/server.pa"),
        ]
        self._process = subprocess.Popen(
            ["pulseaudio", *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True
        ).returncode:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "the sound server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        for process in (*self._helpers, self._process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self._helpers.clear()

    def freeze(self) -> None:
        """Let it live and do nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def control(self, *arguments: str) -> str:
        """Ask ``pactl`` to do something; return what it says."""
        done = subprocess.run(
            ["pactl", *arguments], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def unload_microphone(self) -> None:
        modules = self.control("list", "short", "modules").splitlines()
        number = next(line.split()[0] for line in modules if "source_name=ear" in line)
        self.control("unload-module", number)

    def load_microphone(self) -> None:
        self.control("load-module", "module-remap-source", "source_name=ear", "master=air.monitor")

    def say(self, sound: Samples) -> subprocess.Popen[bytes]:
        """Play a sound (48 kHz) into the air, where the microphone hears it."""
        form = ["--raw", f"--rate={self.rate_hz}", "--channels=1", "--format=s16le"]
        path = self._folder / f"said-{len(self._helpers)}.raw"
        path.write_bytes(sound.tobytes())
        helper = subprocess.Popen(["paplay", *form, "-d", "air", path], env=self.environment)
        self._helpers.append(helper)
        return helper

    def hear(self) -> Path:
        """Record what the speaker plays from now on (raw, 48 kHz, mono) into a file."""
        path = self._folder / f"heard-{len(self._helpers)}.raw"
        form = ["--raw", f"--rate={self.rate_hz}", "--channels=1", "--format=s16le"]
        helper = subprocess.Popen(
            ["parecord", *form, "--latency-msec=20", "-d", "mouth.monitor", path],
            env=self.environment,
        )
        self._helpers.append(helper)
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
    for program in ("pulseaudio", "pactl", "paplay", "parecord"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (packages pulseaudio, pulseaudio-utils)")
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        pytest.skip("ALSA has no way to PulseAudio here (package libasound2-plugins)")
    folder = tmp_path / "sound"
    folder.mkdir()
    server = SoundServer(folder)
    server.start()
    yield server
    server.kill()

"""A sound server of one's own, whose sound cards are made of nothing: PulseAudio's null sinks.

What is played into the sink ``air`` is what the microphone hears; the speaker is the sink
``mouth``, and its monitor hears what was played. Nothing of the machine's own sound is
touched: the server has its own socket, cookie and ALSA configuration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

from device.errors import BitternError

MICROPHONE, SPEAKER, HEARS_SPEAKER = "test_microphone", "test_speaker", "test_echo"
"""The names of the devices, as PortAudio lists them."""
RATE_HZ = 48_000
_ALSA_CONFIGURATION = f"""\
</usr/share/alsa/alsa.conf>
pcm.{MICROPHONE} {{ type pulse device "ear" hint {{ show on description "hears" }} }}
pcm.{HEARS_SPEAKER} {{ type pulse device "echo" hint {{ show on description "hears itself" }} }}
pcm.{SPEAKER} {{ type pulse device "mouth" hint {{ show on description "speaker" }} }}
pcm.!default {{ type pulse hint {{ show on description "default" }} }}
ctl.!default {{ type pulse }}
"""
# norewinds: without it, streams of a null sink stall for 1.6 s at their start.
_SCRIPT = f"""\
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=air norewinds=1 rate={RATE_HZ} channels=1 format=s16le
load-module module-null-sink sink_name=mouth norewinds=1 rate={RATE_HZ} channels=2 format=s16le
load-module module-remap-source source_name=ear master=air.monitor
load-module module-remap-source source_name=echo master=mouth.monitor
set-default-sink mouth
set-default-source ear
"""
_STARTS_WITHIN_S = 10.0
_PROGRAMS = ("pulseaudio", "pactl", "paplay", "parecord")


class NoSoundServerError(BitternError):
    """PulseAudio is not installed, or does not start."""


def what_is_missing() -> str:
    """Say which program or library is not installed; empty where nothing is missing."""
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            return f"{program} is not installed (packages pulseaudio, pulseaudio-utils)"
    if not list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")):
        return "ALSA has no way to PulseAudio here (package libasound2-plugins)"
    return ""


class NullSinks:
    """The server as a process, in a folder of its own that only this user may enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        (folder / "asound.conf").write_text(_ALSA_CONFIGURATION)
        (folder / "server.pa").write_text(_SCRIPT)
        self.process: subprocess.Popen[bytes] | None = None
        self._helpers: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """For processes that are to use this server; to be set before PortAudio starts."""
        folder = str(self.folder)
        return {
            **{key: value for key, value in os.environ.items() if key != "DISPLAY"},
            "ALSA_CONFIG_PATH": f"{folder}/asound.conf",
            "PULSE_COOKIE": f"{folder}/cookie",
            "PULSE_RUNTIME_PATH": folder,
            "PULSE_SERVER": f"unix:{folder}/native",
            "PULSE_STATE_PATH": f"{folder}/state",
            "XDG_RUNTIME_DIR": folder,
        }

    def __enter__(self) -> NullSinks:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and wait until it answers; raises ``NoSoundServerError``."""
        missing = what_is_missing()
        if missing:
            raise NoSoundServerError(missing, "sudo apt install pulseaudio libasound2-plugins")
        arguments = [
            *("--daemonize=no", "--system=no", "--use-pid-file=no", "--exit-idle-time=-1"),
            *(f"--log-target=file:{self.folder}/log", "-n", "-F", f"{self.folder}/server.pa"),
        ]
        self.process = subprocess.Popen(
            ["pulseaudio", *arguments],
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline_s = time.monotonic() + _STARTS_WITHIN_S
        while subprocess.run(
            ["pactl", "info"], env=self.environment, capture_output=True
        ).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                self.kill()
                raise NoSoundServerError("PulseAudio does not start", f"See {self.folder}/log.")
            time.sleep(0.02)

    def kill(self) -> None:
        """End the server at once, as a crash would, and what plays into it."""
        for process in (*self._helpers, self.process):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self._helpers.clear()

    def control(self, *arguments: str) -> str:
        """Ask ``pactl`` to do something; return what it says."""
        done = subprocess.run(
            ["pactl", *arguments], env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def play(self, pcm: bytes, rate_hz: int) -> subprocess.Popen[bytes]:
        """Play mono PCM16 into the air, where the microphone hears it."""
        form = ["--raw", f"--rate={rate_hz}", "--channels=1", "--format=s16le"]
        path = self.folder / f"said-{time.monotonic_ns()}.raw"
        path.write_bytes(pcm)
        return self.help(["paplay", *form, "-d", "air", str(path)])

    def help(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program beside the server, which ends with it."""
        helper = subprocess.Popen(command, env=self.environment)
        self._helpers.append(helper)
        return helper

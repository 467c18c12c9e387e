"""``bittern bench daemon``: what the whole appliance costs, beside the least that would do.

Two processes hear the same sound, each through a sound server of its own (PulseAudio with
null sinks, which this command starts and ends): ``bittern run`` as it is installed, and a
minimal loop of PyAudio and pymicro-wakeword (``minimal_loop.py``). Both at the same time, so
that other work on the machine slows them alike. A quiet room, people speaking, music, and
each playing an answer while its microphone hears it.

Time on the processor is that of all threads of the process; wake-ups are voluntary context
switches of all threads, those of ALSA and of the sound server's client library included.
What the sound server itself costs, and the processes that the appliance starts (the brain,
the voice that speaks a notice), are not counted. Figures of a PC are not figures of a Pi.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import BitternError

if TYPE_CHECKING:
    from device.workshop.bench.listen_sounds import SoundScene
    from device.workshop.bench.process_cost import Snapshot

READY_WITHIN_S = 60.0
SETTLE_S = 6.0
"""After a start, and at the beginning of each kind of sound: gates and rates have settled."""
OURS, THEIRS = "bittern", "minimal loop"


class BenchError(BitternError):
    """What was to be measured does not run."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench daemon``."""
    parser = benches.add_parser(
        "daemon", help="CPU, wake-ups and memory of the whole appliance, beside a minimal loop"
    )
    parser.add_argument(
        "--seconds", type=float, default=30.0, metavar="S", help="of each kind of sound (30)"
    )
    parser.add_argument(
        "--settle", type=float, default=SETTLE_S, metavar="S", help="wait before each (6)"
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="recordings of people; without them a synthesized voice speaks",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings for it, beside devices and paths"
    )
    parser.add_argument("--threads", action="store_true", help="each thread's share, too")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench daemon``."""
    from device.workshop.bench.listen_sounds import make_scenes

    if find_spec("pymicro_wakeword") is None:
        raise BenchError("pymicro-wakeword is not installed", "pip install pymicro-wakeword")
    scenes = make_scenes(chosen.seconds + chosen.settle, chosen.recordings)
    extra = chosen.config.read_text() if chosen.config else ""
    with tempfile.TemporaryDirectory(prefix="bittern-bench-") as name, ExitStack() as stack:
        ours = _Ours(Path(name) / "ours", stack, extra)
        theirs = _Theirs(Path(name) / "theirs", stack)
        figures = {"seconds_of_each": chosen.seconds, **_measure((ours, theirs), scenes, chosen)}
    _compare(figures)
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- the two ---------------------------------------------------------------------------


class _Contestant(ABC):
    """A process on a sound server of its own: as clients of one, each would wake the other."""

    name: str
    sign: str
    """What its log says when it listens."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        from device.workshop.bench.null_sinks import NullSinks

        folder.mkdir()
        self.folder = folder
        self.sound = stack.enter_context(NullSinks(folder / "sound"))
        self._log = folder / "log"
        self._stack = stack
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it; it ends with the stack."""
        with self._log.open("w") as lines:
            self.process = subprocess.Popen(
                self._command(), env=self.sound.environment, stdout=lines, stderr=subprocess.STDOUT
            )
        self._stack.callback(self._end)

    def until_it_listens(self) -> None:
        """Wait until its log says so; raises ``BenchError``."""
        deadline_s = time.monotonic() + READY_WITHIN_S
        while self.sign not in self._log.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise BenchError(f"{self.name} does not listen: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @abstractmethod
    def _command(self) -> list[str]:
        """What to start."""

    @abstractmethod
    def speak(self, over: threading.Event) -> None:
        """Say the answer once, and return when it has been said."""


class _Ours(_Contestant):
    name, sign = OURS, "listening for"

    def __init__(self, folder: Path, stack: ExitStack, extra: str) -> None:
        super().__init__(folder, stack)
        self._extra = extra

    def _command(self) -> list[str]:
        path = self.folder / "bittern.toml"
        path.write_text(_settings(self.folder) + self._extra)
        return [sys.executable, "-m", "device", "run", "--config", str(path)]

    def speak(self, over: threading.Event) -> None:
        from device.appliance.control import order
        from device.workshop.bench.listen_sounds import ANSWERS

        socket = self.folder / "run" / "control.sock"
        reply = order(socket, {"command": "say", "text": ANSWERS}, READY_WITHIN_S)
        if not reply.get("ok"):
            raise BenchError(f"the appliance does not speak: {reply}")
        over.wait(float(str(reply["length_s"])))


class _Theirs(_Contestant):
    name, sign = THEIRS, "listening"

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        from device.audio.sounds import brain_voice
        from device.workshop.bench.listen_sounds import ANSWERS

        super().__init__(folder, stack)
        answer = brain_voice()(ANSWERS)
        self._answer_s = len(answer) / 24_000
        self._answer = folder / "answer.raw"
        self._answer.write_bytes(answer.tobytes())

    def _command(self) -> list[str]:
        from device.workshop.bench.null_sinks import MICROPHONE, SPEAKER

        module = "device.workshop.bench.minimal_loop"
        return [sys.executable, "-m", module, MICROPHONE, SPEAKER, str(self._answer)]

    def speak(self, over: threading.Event) -> None:
        self.process.send_signal(signal.SIGUSR1)
        over.wait(self._answer_s)


def _settings(folder: Path) -> str:
    """As shipped, with a cloud that could be asked and never is: nobody says the wake word."""
    from device.workshop.bench.null_sinks import MICROPHONE, SPEAKER

    return (
        f'[microphone]\ndevice = "{MICROPHONE}"\n[speaker]\ndevice = "{SPEAKER}"\n'
        f'[paths]\nruntime = "{folder}/run"\nstate = "{folder}/state"\n'
        '[[endpoint]]\nname = "openai"\nurl = "ws://127.0.0.1:9/v1/realtime"\n'
        "key_required = false\n"
    )


# -- measuring -------------------------------------------------------------------------


def _measure(
    both: Sequence[_Contestant], scenes: dict[str, SoundScene], chosen: argparse.Namespace
) -> dict[str, Any]:
    """Memory before the first sound, each scene, and memory when it is quiet again.

    PSS counts a half for each of the pages of libraries that both use, as it does for
    whatever else runs on the machine; what is its own alone does not depend on that.
    """
    from device.workshop.bench.process_cost import memory_mb

    found: dict[str, dict[str, Any]] = {each.name: {} for each in both}
    for each in both:
        each.start()
        each.until_it_listens()
        time.sleep(chosen.settle)
        found[each.name]["memory at the start"] = memory_mb(each.process.pid)
    for kind, scene in scenes.items():
        for each, figures in zip(both, _hear(both, scene, chosen), strict=True):
            found[each.name][kind] = figures
    time.sleep(chosen.settle)
    for each in both:
        found[each.name]["memory at the end"] = memory_mb(each.process.pid)
    return found


def _hear(
    both: Sequence[_Contestant], scene: SoundScene, chosen: argparse.Namespace
) -> list[dict[str, Any]]:
    """Let both hear a scene; what is played, each says itself."""
    from device.workshop.bench.listen_sounds import RATE_HZ, quiet
    from device.workshop.bench.process_cost import snapshot

    is_played = scene.played is not None
    heard = quiet(len(scene.heard)) if is_played else scene.heard
    playing = [each.sound.play(heard.tobytes(), RATE_HZ) for each in both]
    with _speaking(both) if is_played else nullcontext():
        time.sleep(chosen.settle)
        before = [snapshot(each.process.pid) for each in both]
        time.sleep(chosen.seconds)
        after = [snapshot(each.process.pid) for each in both]
    for player in playing:
        player.kill()
        player.wait()
    pairs = zip(before, after, strict=True)
    return [_figures(one, other, chosen.threads) for one, other in pairs]


@contextmanager
def _speaking(both: Sequence[_Contestant]) -> Iterator[None]:
    """Have both say the answer again and again, heard by their microphones."""
    over = threading.Event()

    def speak(each: _Contestant) -> None:
        while not over.is_set():
            each.speak(over)

    speakers = [threading.Thread(target=speak, args=(each,), daemon=True) for each in both]
    loop = ("module-loopback", "source=mouth.monitor", "sink=air", "latency_msec=30")
    loops = [each.sound.control("load-module", *loop) for each in both]
    for speaker in speakers:
        speaker.start()
    try:
        yield
    finally:
        over.set()
        for speaker in speakers:
            speaker.join()
        for each, number in zip(both, loops, strict=True):
            each.sound.control("unload-module", number)


def _figures(before: Snapshot, after: Snapshot, with_threads: bool) -> dict[str, Any]:
    from device.workshop.bench.process_cost import cost, costs_of_threads

    whole = cost(before, after)
    figures: dict[str, Any] = {
        "cpu_ms_per_s": round(whole.cpu_ms_per_s, 2),
        "wake_ups_per_s": round(whole.wake_ups_per_s, 1),
        "threads": whole.threads,
    }
    if with_threads:
        figures["of_it"] = costs_of_threads(before, after)
    return figures


# -- showing ---------------------------------------------------------------------------


def _compare(figures: dict[str, Any]) -> None:
    """Our cost as a share of theirs."""
    kinds = [kind for kind, each in figures[THEIRS].items() if each and "cpu_ms_per_s" in each]
    figures["cpu_as_share_of_theirs"] = {
        kind: round(figures[OURS][kind]["cpu_ms_per_s"] / figures[THEIRS][kind]["cpu_ms_per_s"], 2)
        for kind in kinds
    }


def _table(figures: dict[str, Any]) -> str:
    shares = figures["cpu_as_share_of_theirs"]
    lines = [f"{'':34}" + "".join(f"{kind:>10}" for kind in shares)]
    for figure, title in (
        ("cpu_ms_per_s", "CPU ms per second"),
        ("wake_ups_per_s", "wake-ups per second"),
        ("threads", "threads"),
    ):
        for name in (OURS, THEIRS):
            cells = "".join(f"{figures[name][kind][figure]:10.1f}" for kind in shares)
            lines.append(f"{title + ', ' + name:34}" + cells)
    lines.append(
        f"{'CPU as a share of theirs':34}" + "".join(f"{each:10.2f}" for each in shares.values())
    )
    for name in (OURS, THEIRS):
        for moment in ("memory at the start", "memory at the end"):
            if moment in figures[name]:
                lines.append(f"{name}, {moment}: {_memory_words(figures[name][moment])}")
    return "\n".join(lines)


def _memory_words(memory: dict[str, float] | None) -> str:
    if memory is None:
        return "only root may look at the memory of the appliance"
    return (
        f"PSS {memory['pss_mb']} MB, resident {memory['resident_mb']} MB, "
        f"its own alone {memory['private_mb']} MB"
    )

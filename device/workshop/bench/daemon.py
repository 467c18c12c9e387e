"""``bittern bench daemon``: what the whole appliance costs, beside the least that would do.

Two processes hear the same sound through the same sound server (PulseAudio with null sinks,
which this command starts and ends): ``bittern run`` as it is installed, and a minimal loop
of PyAudio and pymicro-wakeword (``minimal_loop.py``). Both at the same time, so that other
work on the machine slows them alike. A quiet room, people speaking, music, and each playing
an answer while its microphone hears it.

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.errors import BitternError

if TYPE_CHECKING:
    from device.workshop.bench.listen_sounds import Scene
    from device.workshop.bench.null_sinks import NullSinks
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
    from device.workshop.bench.null_sinks import NullSinks

    if find_spec("pymicro_wakeword") is None:
        raise BenchError("pymicro-wakeword is not installed", "pip install pymicro-wakeword")
    scenes = make_scenes(chosen.seconds + chosen.settle, chosen.recordings)
    with (
        tempfile.TemporaryDirectory(prefix="bittern-bench-") as name,
        NullSinks(Path(name) / "sound") as sound,
    ):
        extra = chosen.config.read_text() if chosen.config else ""
        figures = _measure(_Bench(Path(name), sound, chosen), scenes, extra)
    _compare(figures)
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- the two ---------------------------------------------------------------------------


@dataclass
class _Bench:
    folder: Path
    sound: NullSinks
    chosen: argparse.Namespace
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "control.sock"


def _settings(folder: Path) -> str:
    """As shipped, with a cloud that could be asked and never is: nobody says the wake word."""
    from device.workshop.bench.null_sinks import MICROPHONE, SPEAKER

    return (
        f'[microphone]\ndevice = "{MICROPHONE}"\n[speaker]\ndevice = "{SPEAKER}"\n'
        f'[paths]\nruntime = "{folder}/run"\nstate = "{folder}/state"\n'
        '[[endpoint]]\nname = "openai"\nurl = "ws://127.0.0.1:9/v1/realtime"\n'
        "key_required = false\n"
    )


@contextmanager
def _running(bench: _Bench, name: str, command: list[str], sign: str) -> Iterator[None]:
    """Start one of the two; wait until its log has the sign that it listens."""
    log = bench.folder / f"{name}.log"
    with log.open("w") as lines:
        process = subprocess.Popen(
            command, env=bench.sound.environment, stdout=lines, stderr=subprocess.STDOUT
        )
    bench.processes[name] = process
    try:
        deadline_s = time.monotonic() + READY_WITHIN_S
        while sign not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise BenchError(f"{name} does not listen: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ours(bench: _Bench, extra: str) -> list[str]:
    path = bench.folder / "bittern.toml"
    path.write_text(_settings(bench.folder) + extra)
    return [sys.executable, "-m", "device", "run", "--config", str(path)]


def _theirs(bench: _Bench) -> list[str]:
    from device.workshop.bench.null_sinks import MICROPHONE, SPEAKER

    module = "device.workshop.bench.minimal_loop"
    return [sys.executable, "-m", module, MICROPHONE, SPEAKER, str(_answer(bench.folder))]


def _answer(folder: Path) -> Path:
    """What both say in the scene of playback: raw mono PCM16 at 24 kHz."""
    from device.audio.sounds import brain_voice
    from device.workshop.bench.listen_sounds import ANSWERS

    path = folder / "answer.raw"
    if not path.exists():
        path.write_bytes(brain_voice()(ANSWERS).tobytes())
    return path


# -- measuring -------------------------------------------------------------------------


def _measure(bench: _Bench, scenes: dict[str, Scene], extra: str) -> dict[str, Any]:
    """Both at once for what they cost; each by itself for what memory it takes."""
    from device.workshop.bench.process_cost import memory_mb

    ours: dict[str, Any] = {}
    theirs: dict[str, Any] = {}
    with _running(bench, OURS, _ours(bench, extra), "listening for"):
        time.sleep(bench.chosen.settle)
        ours["memory at the start"] = memory_mb(bench.processes[OURS].pid)
        with _running(bench, THEIRS, _theirs(bench), "listening"):
            for kind, scene in scenes.items():
                ours[kind], theirs[kind] = _hear(bench, scene)
        # What a scene has left behind is there, and the room is quiet again.
        time.sleep(bench.chosen.settle)
        ours["memory at the end"] = memory_mb(bench.processes[OURS].pid)
    with _running(bench, THEIRS, _theirs(bench), "listening"):
        time.sleep(bench.chosen.settle)
        theirs["memory at the end"] = memory_mb(bench.processes[THEIRS].pid)
    return {"seconds_of_each": bench.chosen.seconds, OURS: ours, THEIRS: theirs}


def _hear(bench: _Bench, scene: Scene) -> tuple[dict[str, Any], dict[str, Any]]:
    """Let both hear a scene; in ``playback`` each speaks itself."""
    from device.workshop.bench.listen_sounds import RATE_HZ, quiet
    from device.workshop.bench.process_cost import snapshot

    is_played = scene.played is not None
    heard = quiet(len(scene.heard)) if is_played else scene.heard
    pids = [bench.processes[name].pid for name in (OURS, THEIRS)]
    playing = bench.sound.play(heard.tobytes(), RATE_HZ)
    with _both_speak(bench) if is_played else nullcontext():
        time.sleep(bench.chosen.settle)
        before = [snapshot(pid) for pid in pids]
        time.sleep(bench.chosen.seconds)
        after = [snapshot(pid) for pid in pids]
    playing.kill()
    playing.wait()
    pairs = zip(before, after, strict=True)
    ours, theirs = (_figures(one, other, bench.chosen.threads) for one, other in pairs)
    return ours, theirs


@contextmanager
def _both_speak(bench: _Bench) -> Iterator[None]:
    """Have both say the answer again and again, heard by their microphones."""
    loop = ("module-loopback", "source=mouth.monitor", "sink=air", "latency_msec=30")
    number = bench.sound.control("load-module", *loop)
    over = threading.Event()
    speakers = [
        threading.Thread(target=_speak, args=(say, over), daemon=True)
        for say in (lambda: _say(bench), lambda: _signal(bench, over))
    ]
    for each in speakers:
        each.start()
    try:
        yield
    finally:
        over.set()
        for each in speakers:
            each.join()
        bench.sound.control("unload-module", number)


def _speak(say: Callable[[], None], over: threading.Event) -> None:
    while not over.is_set():
        say()


def _say(bench: _Bench) -> None:
    from device.appliance.control import order
    from device.workshop.bench.listen_sounds import ANSWERS

    reply = order(bench.socket, {"command": "say", "text": ANSWERS}, READY_WITHIN_S)
    if not reply.get("ok"):
        raise BenchError(f"the appliance does not speak: {reply}")
    time.sleep(float(str(reply["length_s"])))


def _signal(bench: _Bench, over: threading.Event) -> None:
    bench.processes[THEIRS].send_signal(signal.SIGUSR1)
    over.wait(len(_answer(bench.folder).read_bytes()) / 48_000)


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

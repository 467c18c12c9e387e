"""``bittern bench listen``: what it costs to listen, beside two other projects.

Each contestant hears the same sounds in a process of its own: a quiet room, people
speaking, music, the appliance's own answers, in the portions a microphone delivers. Time is
CPU time of the whole process, the best of several passes, for other work on the machine
only ever adds. The others get 16 kHz, which is where their work begins; Bittern is measured
from there too, and in whole from 48 kHz; its echo guard, which the others have not, is told
what the appliance says and counted with it. Wake-ups are counted in real time. With ``--hours``
all kinds come mixed, as in a day; ``--day`` is the endurance run of Bittern alone. Figures
of a PC are not figures of a Pi.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from device.workshop.bench.listen_day import run_day
from device.workshop.bench.listen_sounds import (
    DAY,
    RATE_HZ,
    Sound,
    SoundScene,
    make_scenes,
    mixture,
)

if TYPE_CHECKING:
    from device.audio.echo.guard import EchoGuard

NATIVE_HZ = 48_000
BLOCK_S = 0.02
"""What a sound card delivers at once."""
REAL_TIME_S = 6.0
"""So long are wake-ups counted, for each kind of sound."""
REFRACTORY_S = 1.0
"""Two detections within this are one."""
OWW_THRESHOLD = 0.5
"""openWakeWord's own advice."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench listen``."""
    parser = benches.add_parser("listen", help="CPU time and memory of listening, beside others")
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="of each kind of sound (60)"
    )
    parser.add_argument("--passes", type=int, default=3, metavar="N", help="best of N (3)")
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="DIR",
        help="recordings of people; without them a synthesized voice speaks",
    )
    parser.add_argument(
        "--hours", type=float, default=0.0, metavar="H", help="then so many hours, all kinds mixed"
    )
    parser.add_argument(
        "--long", action="store_const", const=3.0, dest="hours", help="the same as --hours 3"
    )
    parser.add_argument(
        "--day",
        nargs="?",
        type=float,
        const=24.0,
        metavar="H",
        help="instead: 24 hours (or H) through Bittern alone; ends with 1 if it drifts or grows",
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench listen``."""
    if chosen.day is not None:
        return run_day(chosen.day, as_json=chosen.json)
    scenes = make_scenes(chosen.seconds, chosen.recordings)
    figures: dict[str, Any] = {"seconds_of_each": chosen.seconds, "day": DAY}
    for name in CONTESTANTS:
        figures[name] = _in_own_process(name, scenes, chosen.passes, chosen.hours)
    figures["stages"] = _in_own_process("stages", scenes, chosen.passes, 0.0)
    _compare(figures)
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- contestants -----------------------------------------------------------------------


Take = Callable[[Sound], object]
"""Hears the next block; what it returns is true where a wake word was found."""


@dataclass(frozen=True)
class Contestant:
    """Something that listens: ``make()`` gives a fresh function that takes the next block."""

    make: Callable[[], Take]
    rate_hz: int = RATE_HZ
    block_s: float = BLOCK_S
    """How much sound must have come before its thread is woken."""


def _bittern(rate_hz: int) -> Contestant:
    from device.ears.heard import WakeWordHeard
    from device.ears.listener import LEAST_S, VadSettings, build_listener
    from device.wake.open import WakeSettings

    def make() -> Take:
        def build(guard: EchoGuard) -> Take:
            ears = build_listener(rate_hz, WakeSettings(), VadSettings(), guard)
            ears.restart(0)

            def take(block: Sound) -> object:
                return any(isinstance(event, WakeWordHeard) for event in ears.process(block))

            return take

        return Guarded(build, rate_hz)

    return Contestant(make, rate_hz, LEAST_S)


class Guarded:
    """Something behind an echo guard, which is told what is played before it is heard."""

    def __init__(self, build: Callable[[EchoGuard], Take], rate_hz: int = RATE_HZ) -> None:
        from device.audio.echo.guard import EchoGuard
        from device.audio.echo.reference import Reference
        from device.audio.echo.speexdsp import SpeexCanceller
        from device.ears.opening import own_voice
        from device.wake.open import WakeSettings

        self._rate_hz = rate_hz
        self._heard = self._played = 0
        self._reference = Reference(lambda: RATE_HZ, lambda: self._heard / self._rate_hz)
        guard = EchoGuard(self._reference, SpeexCanceller(), own_voice(WakeSettings()))
        self._take = build(guard)

    def play(self, block: Sound) -> None:
        """Send this to the speaker, at 16 kHz."""
        self._reference.take(block, self._played)
        self._played += len(block)

    def __call__(self, block: Sound) -> object:
        """Hear the next block."""
        self._heard += len(block)
        return self._take(block)


def _openwakeword() -> Contestant:
    from openwakeword.model import Model

    def make() -> Take:
        model = Model(wakeword_models=["hey_jarvis"], inference_framework="onnx")

        def take(block: Sound) -> object:
            return bool(max(model.predict(block).values()) > OWW_THRESHOLD)

        return take

    return Contestant(make)


def _pymicro_wakeword() -> Contestant:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    def make() -> Take:
        model = MicroWakeWord.from_builtin(Model.HEY_JARVIS)
        features = MicroWakeWordFeatures()

        def take(block: Sound) -> object:
            frames = features.process_streaming(block.tobytes())
            return any([model.process_streaming(frame) for frame in frames])

        return take

    return Contestant(make)


CONTESTANTS: dict[str, Callable[[], Contestant]] = {
    "bittern": lambda: _bittern(NATIVE_HZ),
    "bittern from 16 kHz": lambda: _bittern(RATE_HZ),
    "pymicro-wakeword": _pymicro_wakeword,
    "openwakeword": _openwakeword,
}


def _stages() -> dict[str, Contestant]:
    from device.audio.resample import Resampler
    from device.models import path_of
    from device.vad.gate import BLOCK_S as GATE_S
    from device.vad.gate import Gate
    from device.vad.silero import Silero
    from device.wake.features import Features
    from device.wake.open import WakeSettings, open_words
    from device.wake.pipeline import WakePipeline

    def gate() -> Take:
        judge = Gate(NATIVE_HZ)
        size = round(NATIVE_HZ * GATE_S)
        held: list[Sound] = []

        def take(block: Sound) -> object:
            held.append(block)
            if sum(map(len, held)) < size:
                return None
            whole = np.concatenate(held)
            held.clear()
            return judge.update(whole[:size])

        return take

    return {
        "gate": Contestant(gate, NATIVE_HZ),
        "resampling": Contestant(lambda: Resampler(NATIVE_HZ, RATE_HZ).process, NATIVE_HZ),
        "echo guard": Contestant(lambda: Guarded(_echo_guard)),
        "features": Contestant(lambda: Features().process),
        "features and wake model": Contestant(
            lambda: WakePipeline(*open_words(WakeSettings())).process
        ),
        "voice detector (only in a turn)": Contestant(
            lambda: Silero(path_of("silero/silero_vad.onnx")).process
        ),
    }


def _echo_guard(guard: EchoGuard) -> Take:
    guard.restart(0)
    return guard.process


# -- measuring -------------------------------------------------------------------------


def _in_own_process(
    name: str, scenes: dict[str, SoundScene], passes: int, hours: float
) -> dict[str, Any]:
    """Measure in a fresh process, so that memory is this contestant's alone."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        figures: dict[str, Any] = pool.apply(_measure, (name, scenes, passes, hours))
    return figures


def _measure(name: str, scenes: dict[str, SoundScene], passes: int, hours: float) -> dict[str, Any]:
    if name == "stages":
        return {stage: _figures(each, scenes, passes) for stage, each in _stages().items()}
    before_mb = _resident_mb()
    try:
        contestant = CONTESTANTS[name]()
        take = contestant.make()
    except ImportError as missing:
        return {"skipped": f"not installed: {missing}"}
    for block, _ in _blocks(scenes["speech"].piece(0, 10 * RATE_HZ), contestant.rate_hz):
        take(block)
    resident_mb = _resident_mb()
    figures = {
        "resident_mb": round(resident_mb, 1),
        "own_mb": round(resident_mb - before_mb, 1),
        **_figures(contestant, scenes, passes),
        "wake_ups_per_s": _wake_ups(contestant, scenes),
    }
    if hours:
        figures["mixed"] = _mixed_hours(contestant, scenes, hours)
    return figures


def _figures(contestant: Contestant, scenes: dict[str, SoundScene], passes: int) -> dict[str, Any]:
    cpu: dict[str, float] = {}
    worst: dict[str, float] = {}
    worst_cpu: dict[str, float] = {}
    detections: dict[str, int] = {}
    for kind, scene in scenes.items():
        blocks = _blocks(scene, contestant.rate_hz)
        runs = [_listen(contestant.make(), blocks) for _ in range(passes)]
        cpu[kind] = round(min(run.share for run in runs), 6)
        worst[kind] = round(min(run.longest_ms for run in runs), 3)
        worst_cpu[kind] = round(min(run.longest_cpu_ms for run in runs), 3)
        detections[kind] = runs[0].detections
    day = sum(cpu[kind] * share for kind, share in DAY.items())
    return {
        "cpu_s_per_audio_s": {**cpu, "day": round(day, 6)},
        "worst_block_ms": worst,
        "worst_block_cpu_ms": worst_cpu,
        "false_accepts": detections,
    }


@dataclass(slots=True)
class _Run:
    seconds: float = 0.0
    spent_s: float = 0.0
    longest_ms: float = 0.0
    longest_cpu_ms: float = 0.0
    """The same in CPU time: what other work on the machine does not lengthen."""
    detections: int = 0
    quiet_until_s: float = 0.0

    @property
    def share(self) -> float:
        """CPU seconds per second of sound."""
        return self.spent_s / max(self.seconds, 1e-9)


def _listen(take: Take, blocks: Iterable[_Block], run: _Run | None = None) -> _Run:
    """Hear blocks, with their making not counted; whoever wants it is told what is played."""
    run = run or _Run()
    play = take.play if isinstance(take, Guarded) else None
    for block, played in blocks:
        if play is not None:
            play(played)
        cpu_began_s, began_s = time.process_time(), time.perf_counter()
        found = take(block)
        run.longest_ms = max(run.longest_ms, (time.perf_counter() - began_s) * 1000)
        spent_s = time.process_time() - cpu_began_s
        run.longest_cpu_ms = max(run.longest_cpu_ms, spent_s * 1000)
        run.spent_s += spent_s
        run.seconds += BLOCK_S
        if found is True and run.seconds >= run.quiet_until_s:
            run.detections += 1
            run.quiet_until_s = run.seconds + REFRACTORY_S
    return run


def _mixed_hours(
    contestant: Contestant, scenes: dict[str, SoundScene], hours: float
) -> dict[str, Any]:
    """All kinds mixed as in a day, through one instance, as one stream."""
    take, run, by_kind = contestant.make(), _Run(), dict.fromkeys(DAY, 0)
    first_mb = 0.0
    for kind, piece in mixture(scenes, hours):
        before = run.detections
        _listen(take, _blocks(piece, contestant.rate_hz), run)
        by_kind[kind] += run.detections - before
        first_mb = first_mb or _resident_mb()
    return {
        "hours": round(run.seconds / 3600, 3),
        "cpu_s_per_audio_s": round(run.share, 6),
        "worst_block_ms": round(run.longest_ms, 3),
        "worst_block_cpu_ms": round(run.longest_cpu_ms, 3),
        "false_accepts": by_kind,
        "false_accepts_per_hour": round(run.detections * 3600 / run.seconds, 3),
        "grown_mb": round(_resident_mb() - first_mb, 1),
    }


_Block = tuple[Sound, Sound]
"""What is heard in 20 ms, at the contestant's rate, and what is played, at 16 kHz."""


def _blocks(scene: SoundScene, rate_hz: int) -> list[_Block]:
    heard = _at_rate(scene.heard, rate_hz)
    played = np.zeros_like(scene.heard) if scene.played is None else scene.played
    size, played_size = round(rate_hz * BLOCK_S), round(RATE_HZ * BLOCK_S)
    return [
        (
            heard[number * size : (number + 1) * size],
            played[number * played_size : (number + 1) * played_size],
        )
        for number in range(len(heard) // size)
    ]


def _wake_ups(contestant: Contestant, scenes: dict[str, SoundScene]) -> dict[str, float]:
    """How often the listening thread, and any that it starts, begin to run, in real time.

    Voluntary context switches of all threads but the one that delivers.
    """
    found = {}
    for kind in ("quiet", "speech"):
        scene = scenes[kind].piece(0, round(REAL_TIME_S * RATE_HZ))
        blocks = [heard for heard, _ in _blocks(scene, contestant.rate_hz)]
        found[kind] = round(_in_real_time(contestant, blocks), 1)
    return found


def _in_real_time(contestant: Contestant, blocks: list[Sound]) -> float:
    least = contestant.block_s
    listener = _Thread(contestant.make(), round(contestant.rate_hz * least))
    listener.start()
    began_s, before = time.monotonic(), _switches(threading.get_native_id())
    for number, block in enumerate(blocks):
        time.sleep(max(0.0, began_s + number * BLOCK_S - time.monotonic()))
        listener.deliver(block)
    switches = _switches(threading.get_native_id()) - before
    took_s = time.monotonic() - began_s
    listener.deliver(None)
    listener.join()
    return switches / took_s


class _Thread(threading.Thread):
    """Takes blocks as Bittern's own listening thread does: woken when enough have come."""

    def __init__(self, take: Take, least: int) -> None:
        super().__init__(daemon=True)
        self._take = take
        self._least = least
        self._held: list[Sound] = []
        self._queue: queue.Queue[list[Sound] | None] = queue.Queue()

    def deliver(self, block: Sound | None) -> None:
        """Hand over a block; None ends the thread."""
        if block is None:
            self._queue.put(None)
            return
        self._held.append(block)
        if sum(map(len, self._held)) >= self._least:
            self._queue.put(self._held)
            self._held = []

    def run(self) -> None:
        """Hear until the end."""
        while (blocks := self._queue.get()) is not None:
            for block in blocks:
                self._take(block)


def _switches(but_thread: int) -> int:
    """Voluntary context switches so far of all threads but one."""
    count = 0
    for status in Path("/proc/self/task").glob("*/status"):
        if status.parent.name != str(but_thread):
            lines = status.read_text().splitlines()
            count += sum(int(x.split()[1]) for x in lines if x.startswith("voluntary_ctxt"))
    return count


def _at_rate(sound: Sound, rate_hz: int) -> Sound:
    if rate_hz == RATE_HZ:
        return sound
    from device.audio.resample import resample

    return resample(sound, RATE_HZ, rate_hz)


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


# -- showing ---------------------------------------------------------------------------


def _compare(figures: dict[str, Any]) -> None:
    """Our cost as a share of theirs, from where their work begins."""
    ours = figures["bittern from 16 kHz"]["cpu_s_per_audio_s"]
    shares: dict[str, dict[str, float]] = {}
    for name in ("pymicro-wakeword", "openwakeword"):
        theirs = figures[name].get("cpu_s_per_audio_s")
        if theirs:
            shares[name] = {kind: round(ours[kind] / theirs[kind], 3) for kind in ours}
    figures["bittern_as_share_of"] = shares


def _table(figures: dict[str, Any]) -> str:
    rows = {name: figures[name] for name in CONTESTANTS}
    rows |= {f"  {name}": each for name, each in figures["stages"].items()}
    skipped = [f"{name}: {each['skipped']}" for name, each in rows.items() if "skipped" in each]
    there = {name: each for name, each in rows.items() if "skipped" not in each}
    lines = _block("CPU time per second of sound, in ms", there, "cpu_s_per_audio_s", 1000.0)
    for name, shares in figures["bittern_as_share_of"].items():
        cells = "".join(f"{shares[kind]:9.2f}" for kind in (*DAY, "day"))
        lines.append(f"{'from 16 kHz, as a share of ' + name:38}{cells}")
    lines += _block("longest block of 20 ms, in ms", there, "worst_block_ms")
    lines += _block("  the same in CPU time", there, "worst_block_cpu_ms")
    whole = {name: each for name, each in there.items() if "wake_ups_per_s" in each}
    lines += _block("false accepts", whole, "false_accepts")
    lines += _block("wake-ups per second", whole, "wake_ups_per_s")
    lines += ["resident memory, and what is its own, in MB"]
    lines += [f"{n:38}{each['resident_mb']:9.1f}{each['own_mb']:9.1f}" for n, each in whole.items()]
    for name, each in whole.items():
        if "mixed" in each:
            lines.append(f"mixed hours: {name}: {json.dumps(each['mixed'])}")
    return "\n".join(lines + skipped)


def _block(
    title: str, rows: dict[str, dict[str, Any]], figure: str, scale: float = 1.0
) -> list[str]:
    kinds = list(next(iter(rows.values()))[figure])
    lines = [title.ljust(38) + "".join(kind.rjust(9) for kind in kinds)]
    for name, each in rows.items():
        cells = "".join(f"{each[figure][kind] * scale:9.3f}" for kind in kinds)
        lines.append(f"{name:38}{cells}")
    return lines

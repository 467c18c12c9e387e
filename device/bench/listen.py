"""``bittern bench listen``: what it costs to listen, beside two other projects.

Each contestant hears the same sounds in a process of its own: a quiet room, people
speaking, music, in the portions a microphone delivers. Time is CPU time of the whole
process, the best of several passes, for other work on the machine only ever adds. The
others get 16 kHz, which is where their work begins; Bittern is measured from there too,
and in whole from 48 kHz. Figures of a PC are not figures of a Pi.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.int16]
RATE_HZ = 16_000
NATIVE_HZ = 48_000
BLOCK_S = 0.02
"""What a sound card delivers at once."""
DAY = {"quiet": 0.80, "speech": 0.12, "music": 0.08}
"""A living room's day: our assumption, stated so that another can be put in its place."""
ROOM_LEVEL = 30.0
"""A quiet room in units of int16: -61 dBFS."""


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
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench listen``."""
    sounds = make_sounds(chosen.seconds, chosen.recordings)
    figures: dict[str, Any] = {"seconds_of_each": chosen.seconds, "day": DAY}
    for name in CONTESTANTS:
        figures[name] = _in_own_process(name, sounds, chosen.passes)
    figures["stages"] = _in_own_process("stages", sounds, chosen.passes)
    _compare(figures)
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- sounds ----------------------------------------------------------------------------


def make_sounds(seconds: float, recordings: Path | None) -> dict[str, Sound]:
    """A quiet room, speech and music, each so long, mono int16 at 16 kHz."""
    count = round(seconds * RATE_HZ)
    room = _room(count)
    speech = _people(recordings) if recordings else _synthesized()
    return {
        "quiet": room,
        "speech": _mixed(room, _repeat(speech, count)),
        "music": _mixed(room, _music(count)),
    }


def _room(count: int) -> Sound:
    """Steady noise that falls with frequency, as rooms do."""
    random = np.random.default_rng(1)
    spectrum = np.fft.rfft(random.normal(size=count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0)
    noise = np.fft.irfft(spectrum / np.sqrt(frequencies), count)
    return (noise / np.std(noise) * ROOM_LEVEL).astype(np.int16)


def _people(folder: Path) -> Sound:
    from device.wake.scoring import load

    paths = sorted(folder.rglob("commands/**/*.flac")) or sorted(folder.rglob("*.flac"))
    speech: Sound = np.concatenate([load(path) for path in paths[:40]])
    return speech


def _synthesized() -> Sound:
    from hibari import Hibari

    from device.audio.resample import resample

    sentences = (
        "What is the weather like tomorrow? Turn on the light in the kitchen, please. "
        "I was at the market this morning, and it was closed. Have you seen my keys? "
        "Set a timer for ten minutes. The cat wants to go out again."
    )
    floats = np.asarray(Hibari(threads=1)(sentences, seed=1)) * 0.5
    return resample((floats * 32767).astype(np.int16), 24_000, RATE_HZ)


def _music(count: int) -> Sound:
    """Chords of decaying tones, a new one each half second: steady enough to fool a voice
    detector, lively enough to keep the gate open."""
    random = np.random.default_rng(2)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    chords = []
    for _ in range(-(-count // len(time_s))):
        pitches = 110.0 * 2.0 ** (random.choice([0, 3, 4, 7, 10, 12, 16], 3) / 12)
        tones = [np.sin(2 * np.pi * p * k * time_s) / k for p in pitches for k in range(1, 6)]
        chords.append(np.sum(tones, axis=0) * np.exp(-3 * time_s))
    music: Sound = (np.concatenate(chords)[:count] * 1500).astype(np.int16)
    return music


def _repeat(sound: Sound, count: int) -> Sound:
    repeated: Sound = np.tile(sound, -(-count // len(sound)))[:count]
    return repeated


def _mixed(one: Sound, other: Sound) -> Sound:
    mixed: Sound = np.clip(one.astype(np.int32) + other, -32768, 32767).astype(np.int16)
    return mixed


# -- contestants -----------------------------------------------------------------------


@dataclass(frozen=True)
class Contestant:
    """Something that listens: ``make()`` gives a fresh function that takes the next block."""

    make: Callable[[], Callable[[Sound], object]]
    rate_hz: int = RATE_HZ


def _bittern(rate_hz: int) -> Contestant:
    from device.listening import VadSettings, build_listener
    from device.wake.open import WakeSettings

    def make() -> Callable[[Sound], object]:
        ears = build_listener(rate_hz, WakeSettings(), VadSettings())
        ears.restart(0)
        return ears.process

    return Contestant(make, rate_hz)


def _openwakeword() -> Contestant:
    from openwakeword.model import Model

    def make() -> Callable[[Sound], object]:
        model = Model(wakeword_models=["hey_jarvis"], inference_framework="onnx")

        def take(block: Sound) -> object:
            return model.predict(block)

        return take

    return Contestant(make)


def _pymicro_wakeword() -> Contestant:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    def make() -> Callable[[Sound], object]:
        model = MicroWakeWord.from_builtin(Model.HEY_JARVIS)
        features = MicroWakeWordFeatures()

        def take(block: Sound) -> object:
            return [model.process_streaming(f) for f in features.process_streaming(block.tobytes())]

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

    def gate() -> Callable[[Sound], object]:
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
        "features": Contestant(lambda: Features().process),
        "features and wake model": Contestant(
            lambda: WakePipeline(*open_words(WakeSettings())).process
        ),
        "voice detector (only in a turn)": Contestant(
            lambda: Silero(path_of("silero/silero_vad.onnx")).process
        ),
    }


# -- measuring -------------------------------------------------------------------------


def _in_own_process(name: str, sounds: dict[str, Sound], passes: int) -> dict[str, Any]:
    """Measure in a fresh process, so that memory is this contestant's alone."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        figures: dict[str, Any] = pool.apply(_measure, (name, sounds, passes))
    return figures


def _measure(name: str, sounds: dict[str, Sound], passes: int) -> dict[str, Any]:
    if name == "stages":
        return {stage: _figures(each, sounds, passes) for stage, each in _stages().items()}
    before_mb = _resident_mb()
    try:
        contestant = CONTESTANTS[name]()
        contestant.make()
    except ImportError as missing:
        return {"skipped": f"not installed: {missing}"}
    figures = _figures(contestant, sounds, passes)
    resident_mb = _resident_mb()
    figures["resident_mb"] = round(resident_mb, 1)
    figures["own_mb"] = round(resident_mb - before_mb, 1)
    return figures


def _figures(contestant: Contestant, sounds: dict[str, Sound], passes: int) -> dict[str, Any]:
    cpu: dict[str, float] = {}
    worst: dict[str, float] = {}
    for kind, sound in sounds.items():
        heard = _at_rate(sound, contestant.rate_hz)
        runs = [_listen(contestant, heard) for _ in range(passes)]
        cpu[kind] = round(min(share for share, _ in runs), 6)
        worst[kind] = round(min(longest for _, longest in runs), 3)
    day = sum(cpu[kind] * share for kind, share in DAY.items())
    return {"cpu_s_per_audio_s": {**cpu, "day": round(day, 6)}, "worst_block_ms": worst}


def _listen(contestant: Contestant, sound: Sound) -> tuple[float, float]:
    """CPU seconds per second of sound, and the longest block in milliseconds."""
    take = contestant.make()
    size = round(contestant.rate_hz * BLOCK_S)
    blocks = [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
    longest_s = 0.0
    began_s = time.process_time()
    for block in blocks:
        block_began_s = time.perf_counter()
        take(block)
        longest_s = max(longest_s, time.perf_counter() - block_began_s)
    spent_s = time.process_time() - began_s
    return spent_s / (len(blocks) * BLOCK_S), longest_s * 1000


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
    kinds = [*DAY, "day"]
    lines = ["CPU time per second of sound, in ms".ljust(38) + "".join(k.rjust(9) for k in kinds)]
    rows = {name: figures[name] for name in CONTESTANTS}
    rows |= {f"  {name}": each for name, each in figures["stages"].items()}
    for name, each in rows.items():
        if "skipped" in each:
            lines.append(f"{name:38}skipped, {each['skipped']}")
            continue
        cpu = each["cpu_s_per_audio_s"]
        memory = f"   {each['own_mb']:.0f} MB" if "own_mb" in each else ""
        lines.append(f"{name:38}" + "".join(f"{cpu[k] * 1000:9.3f}" for k in kinds) + memory)
    for name, shares in figures["bittern_as_share_of"].items():
        cells = "".join(f"{shares[kind]:9.2f}" for kind in kinds)
        lines.append(f"{'from 16 kHz, as a share of ' + name:38}" + cells)
    return "\n".join(lines)

"""``bittern bench clients``: several people at one brain, each over a socket of their own.

A brain is started as a process; 1, 2 and 4 clients speak synthesized questions to it in
real time, all at the same moment, which is the worst one. Measured on each socket: from
the last loud sample that was sent to ``speech_stopped`` (endpointing), from there to the
first audio (everything else), and how evenly the clients fared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.audio.samples import Samples
    from device.realtime.endpoint import Endpoint
    from device.realtime.link import Link

QUESTIONS = (
    "What time is it?",
    "What's twelve times eleven?",
    "How many cups in two litres?",
    "What day is it today?",
    "How many days until Christmas?",
    "What's fifteen percent of eighty?",
)
LOUD = 328
"""-40 dBFS: what counts as speech."""
CHUNK_S = 0.02
LEAD_S = 0.3
WAIT_S = 30.0
"""An answer that has not come by then never will."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to say: 24 kHz, silence before it, and where the speech in it ends."""

    sound: Samples
    ends_s: float


@dataclass(frozen=True, slots=True)
class Answered:
    """How long one question took, in seconds."""

    endpointing_s: float
    answering_s: float


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench clients``."""
    about = "latency of the local brain over real sockets, for 1, 2 and 4 clients at once"
    parser = benches.add_parser("clients", help=about, description=about)
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[1, 2, 4], metavar="N", help="how many (1 2 4)"
    )
    parser.add_argument("--questions", type=int, default=6, metavar="N", help="of each client (6)")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench clients``."""
    figures = asyncio.run(_measure(chosen.clients, chosen.questions))
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


async def _measure(counts: Sequence[int], questions: int) -> dict[str, Any]:
    from device.appliance.brain_process import BrainProcess

    said = [_question(QUESTIONS[number % len(QUESTIONS)]) for number in range(questions)]
    with tempfile.TemporaryDirectory(prefix="bittern-bench-") as folder:
        brain = BrainProcess(Path(folder) / "brain.sock")
        await brain.ensure()
        try:
            await _visit(_endpoint(brain.socket_path), said[:1])  # warms the models
            return {str(count): await _together(brain.socket_path, count, said) for count in counts}
        finally:
            await brain.stop()


def _endpoint(path: Path) -> Endpoint:
    from device.realtime.endpoint import Endpoint

    return Endpoint("brain", f"unix:{path}", key_required=False)


def _question(words: str) -> Question:
    import numpy as np

    from device.audio.resample import WIRE_RATE_HZ
    from device.audio.samples import silence
    from device.audio.sounds import brain_voice

    lead = silence(round(LEAD_S * WIRE_RATE_HZ))
    sound = np.concatenate((lead, brain_voice()(words)))
    loud = np.nonzero(np.abs(sound.astype(np.int32)) > LOUD)[0]
    return Question(sound, (int(loud[-1]) + 1) / WIRE_RATE_HZ)


async def _together(path: Path, count: int, said: Sequence[Question]) -> dict[str, Any]:
    """So many clients who all begin to speak at the same time."""
    from device.workshop.bench.figures import spread

    endpoint = _endpoint(path)
    each = await asyncio.gather(*(_visit(endpoint, said) for _ in range(count)))
    whole = [one for answers in each for one in answers]
    slowest = [max(one.answering_s for one in answers) for answers in each]
    return {
        "unanswered": count * len(said) - len(whole),
        "endpointing_s": spread([one.endpointing_s for one in whole]),
        "answering_s": spread([one.answering_s for one in whole]),
        "slowest_of_each_client_s": [round(seconds, 3) for seconds in slowest],
    }


async def _visit(endpoint: Endpoint, said: Sequence[Question]) -> list[Answered]:
    """One client's conversation; a question that is not answered in time is left out."""
    from device.realtime.session import session_for
    from device.realtime.websocket import WebSocketLink

    session = session_for(endpoint, instructions="Answer briefly.", noise_reduction=None)
    link = await WebSocketLink.open(endpoint, session)
    answered: list[Answered] = []
    try:
        for question in said:
            try:
                async with asyncio.timeout(question.ends_s + WAIT_S):
                    answered.append(await _ask(link, question))
            except TimeoutError:
                break
    finally:
        await link.close()
    return answered


async def _ask(link: Link, question: Question) -> Answered:
    """Speak in real time, as a microphone would, and go on being silent."""
    began_s = time.perf_counter()
    speaking = asyncio.create_task(_speak(link, question.sound, began_s))
    try:
        stopped_s, sounds_s = await _wait_for_answer(link)
    finally:
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
    return Answered(stopped_s - began_s - question.ends_s, sounds_s - stopped_s)


async def _speak(link: Link, sound: Samples, began_s: float) -> None:
    from device.audio.resample import WIRE_RATE_HZ
    from device.audio.samples import silence

    step = round(CHUNK_S * WIRE_RATE_HZ)
    at = 0
    while True:
        await asyncio.sleep(began_s + (at + step) / WIRE_RATE_HZ - time.perf_counter())
        chunk = sound[at : at + step]
        chunk = chunk if len(chunk) == step else silence(step)
        link.send_audio(chunk)
        at += step


async def _wait_for_answer(link: Link) -> tuple[float, float]:
    """When ``speech_stopped`` and the first audio came; returns when the answer is whole."""
    from device.realtime.events import (
        AudioDelta,
        InputAudioBufferSpeechStopped,
        ResponseDone,
    )

    stopped_s = sounds_s = 0.0
    async for event in link.events():
        if isinstance(event, InputAudioBufferSpeechStopped):
            stopped_s = time.perf_counter()
        elif isinstance(event, AudioDelta):
            sounds_s = sounds_s or time.perf_counter()
        elif isinstance(event, ResponseDone) and sounds_s:
            return stopped_s, sounds_s
    raise TimeoutError("the brain hung up")


def _table(figures: dict[str, Any]) -> str:
    lines = []
    for count, values in figures.items():
        ends, rest = values["endpointing_s"], values["answering_s"]
        lines.append(
            f"{count} client(s): endpointing p50 {ends['p50'] * 1000:.0f} ms, first audio after it "
            f"p50 {rest['p50'] * 1000:.0f} ms p99 {rest['p99'] * 1000:.0f} ms; "
            f"{values['unanswered']} unanswered"
        )
    return "\n".join(lines)

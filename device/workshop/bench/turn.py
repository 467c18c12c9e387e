"""``bittern bench turn``: how fast the device is, apart from the endpoint it asks.

A synthesized person asks the same question again and again, in real time, into the whole
appliance. The endpoint is a simulated cloud in this process, so that the moment when each
piece of audio arrived there and left there is known on one clock. The device's share is
the rest: from the end of speech in the room to its audio at the endpoint, and from the
endpoint's first audio to the first sample at the speaker.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.assistant.news import News
    from device.settings import LoadedSettings
    from device.workshop.simulation.visit import Visit

QUESTION = "Hey Jarvis, what time is it?"
GAP_S = 4.5
"""From the end of one question to the next: a short answer fits, and the refractory time."""
LEAD_S = 1.0
LOUD = 328
"""-40 dBFS: what counts as speech, here and at the simulated cloud alike."""
FIRST_DELTA_MS = 150
"""What the simulated cloud takes to think."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A recording of questions, and where in it each question's speech ends."""

    path: Path
    speech_ends_s: tuple[float, ...]


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench turn``."""
    parser = benches.add_parser("turn", help="latency of turns, and the device's own share of it")
    parser.add_argument(
        "--turns", type=int, default=10, metavar="N", help="turns of each kind (10)"
    )
    parser.add_argument("--endpoint", metavar="NAME", help="an endpoint of the settings instead")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench turn``."""
    from device.logs import log_to_terminal
    from device.settings.store import load_to_serve

    log_to_terminal("error")
    loaded = load_to_serve(chosen.config)
    with tempfile.TemporaryDirectory(prefix="bittern-bench-") as folder:
        rehearsal = rehearse(Path(folder), chosen.turns)
        if chosen.endpoint:
            figures = asyncio.run(_ask_endpoint(loaded, rehearsal, chosen.endpoint))
        else:
            figures = asyncio.run(_ask_simulation(loaded, rehearsal, Path(folder)))
    if chosen.json:
        print(json.dumps(figures, indent=2))
    else:
        _print_table(figures)
    return 0


def rehearse(folder: Path, turns: int) -> Rehearsal:
    """Make the recording. The end of speech is its last loud sample."""
    import numpy as np

    from device.audio.files import write_sound
    from device.audio.resample import WIRE_RATE_HZ
    from device.audio.samples import silence
    from device.audio.sounds import brain_voice

    question = brain_voice()(QUESTION)
    loud = np.nonzero(np.abs(question.astype(np.int32)) > LOUD)[0]
    question = question[: int(loud[-1]) + 1]
    parts, ends, at = [silence(round(LEAD_S * WIRE_RATE_HZ))], [], LEAD_S
    for _ in range(turns):
        parts += [question, silence(round(GAP_S * WIRE_RATE_HZ))]
        ends.append(at + len(question) / WIRE_RATE_HZ)
        at = ends[-1] + GAP_S
    path = folder / "questions.wav"
    write_sound(path, np.concatenate(parts), WIRE_RATE_HZ)
    return Rehearsal(path, tuple(ends))


# -- runs ------------------------------------------------------------------------------------


async def _ask_simulation(
    loaded: LoadedSettings, rehearsal: Rehearsal, folder: Path
) -> dict[str, Any]:
    kinds = {"warm_link": 60.0, "cold_link": 0.0}
    return {
        "endpoint": f"simulated cloud on loopback, thinking for {FIRST_DELTA_MS} ms",
        **{
            kind: await _simulated_pass(loaded, rehearsal, folder, link_idle_s)
            for kind, link_idle_s in kinds.items()
        },
        **_peak_memory(),
    }


async def _simulated_pass(
    loaded: LoadedSettings, rehearsal: Rehearsal, folder: Path, link_idle_s: float
) -> dict[str, Any]:
    from device.settings.load import load_settings
    from device.workshop.simulation.cloud import Cloud
    from device.workshop.simulation.script import AnswerItem, Script, ScriptedAnswer, Server

    answers = [ScriptedAnswer(items=[AnswerItem(say="It is noon.", audio_ms=800)])]
    script = Script(server=Server(first_delta_ms=FIRST_DELTA_MS), answers=answers)
    async with Cloud(script) as cloud:
        settings = folder / "bench.toml"
        settings.write_text(_settings_for(cloud.endpoint().url))
        chosen = load_settings(settings)
        chosen = _with(chosen, loaded, link_idle_s)
        turns, began_s = await _talk(chosen, rehearsal, "simulated")
        return _figures(turns, began_s, rehearsal, cloud.visits)


def _settings_for(url: str) -> str:
    return (
        f'[[endpoint]]\nname = "simulated"\nurl = "{url}"\ndialect = "ga"\nkey_required = false\n'
    )


def _with(chosen: LoadedSettings, own: LoadedSettings, link_idle_s: float) -> LoadedSettings:
    """The owner's settings around the simulated endpoint, one question a turn."""
    assistant = dataclasses.replace(
        own.settings.assistant, follow_up_s=0.0, link_idle_s=link_idle_s
    )
    settings = dataclasses.replace(
        own.settings, assistant=assistant, endpoint=chosen.settings.endpoint
    )
    return dataclasses.replace(chosen, settings=settings)


async def _ask_endpoint(
    loaded: LoadedSettings, rehearsal: Rehearsal, endpoint: str
) -> dict[str, Any]:
    turns, _ = await _talk(_with(loaded, loaded, 60.0), rehearsal, endpoint)
    return {"endpoint": endpoint, "turns": _marks(turns, rehearsal), **_peak_memory()}


async def _talk(
    loaded: LoadedSettings, rehearsal: Rehearsal, endpoint: str
) -> tuple[list[dict[str, Any]], float]:
    from device.assistant.news import TurnEnded
    from device.daemon.talk import talk

    turns: list[dict[str, Any]] = []

    def note(what: News) -> None:
        if isinstance(what, TurnEnded):
            turns.append(dataclasses.asdict(what.figures))

    began_s = await talk(loaded, rehearsal.path, None, note, endpoint)
    return turns, began_s


# -- figures ---------------------------------------------------------------------------------


def _figures(
    turns: list[dict[str, Any]], began_s: float, rehearsal: Rehearsal, visits: list[Visit]
) -> dict[str, Any]:
    from device.workshop.bench.figures import spread

    shares = [
        share
        for turn, end_s in _by_question(turns, rehearsal)
        if (share := _share_s(turn, began_s + end_s, began_s, visits)) is not None
    ]
    return {
        **_marks(turns, rehearsal),
        "device_share_s": spread([up + down for up, down in shares]),
        "of_it_uplink_s": spread([up for up, _ in shares]),
        "of_it_downlink_s": spread([down for _, down in shares]),
    }


def _by_question(
    turns: list[dict[str, Any]], rehearsal: Rehearsal
) -> list[tuple[dict[str, Any], float]]:
    """Each turn with the end of speech of the question during which it began."""
    return [
        (turn, next(end for end in rehearsal.speech_ends_s if end + GAP_S > turn["wake_s"]))
        for turn in turns
    ]


def _marks(turns: list[dict[str, Any]], rehearsal: Rehearsal) -> dict[str, Any]:
    from device.workshop.bench.figures import spread

    asked = len(rehearsal.speech_ends_s)
    answered = [turn for turn in turns if turn["first_audio_played_s"] is not None]
    ends = dict((id(turn), end) for turn, end in _by_question(turns, rehearsal))
    return {
        "questions": asked,
        "answered": len(answered),
        "wake_to_first_audio_sent_s": spread(
            [turn["first_audio_sent_s"] - turn["wake_s"] for turn in answered]
        ),
        "end_of_speech_to_first_sound_s": spread(
            [turn["first_audio_played_s"] - ends[id(turn)] for turn in answered]
        ),
        "received_to_played_s": spread(
            [turn["first_audio_played_s"] - turn["first_audio_received_s"] for turn in answered]
        ),
    }


def _share_s(
    turn: dict[str, Any], speech_end_at_s: float, began_s: float, visits: list[Visit]
) -> tuple[float, float] | None:
    """Seconds on the way up and on the way down, by the clocks of both ends."""
    if turn["first_audio_played_s"] is None:
        return None
    played_at_s = began_s + turn["first_audio_played_s"]
    for visit in visits:
        delta = next(
            (
                message.at_s
                for message in reversed(visit.sent)
                if message.type == "response.output_audio.delta"
                and played_at_s - 2.0 < message.at_s <= played_at_s
                and _is_first_delta(visit, message.raw)
            ),
            None,
        )
        arrived = _speech_end_arrived_s(visit, played_at_s)
        if delta is not None and arrived is not None:
            return max(arrived - speech_end_at_s, 0.0), played_at_s - delta
    return None


def _is_first_delta(visit: Visit, raw: dict[str, Any]) -> bool:
    same = [m.raw for m in visit.sent if m.raw.get("item_id") == raw.get("item_id")]
    deltas = [each for each in same if each.get("type") == "response.output_audio.delta"]
    return bool(deltas) and deltas[0] is raw


def _speech_end_arrived_s(visit: Visit, before_s: float) -> float | None:
    """When the last loud sample of the last question had arrived at the endpoint."""
    import numpy as np

    appends: list[tuple[float, int]] = []
    arrived_bytes = 0
    for message in visit.received:
        if message.type == "input_audio_buffer.append" and message.at_s <= before_s:
            arrived_bytes += int(str(message.raw["audio"]).split()[0])
            appends.append((message.at_s, arrived_bytes))
    heard = np.frombuffer(bytes(visit.audio[:arrived_bytes]), dtype="<i2")
    loud = np.nonzero(np.abs(heard.astype(np.int32)) > LOUD)[0]
    if not len(loud):
        return None
    end_bytes = 2 * (int(loud[-1]) + 1)
    return next(at_s for at_s, arrived in appends if arrived >= end_bytes)


def _peak_memory() -> dict[str, float]:
    import resource

    return {"peak_resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}


def _print_table(figures: dict[str, Any]) -> None:
    print(f"endpoint: {figures['endpoint']}")
    for kind, values in figures.items():
        if isinstance(values, dict):
            print(f"\n{kind}: {values['answered']} of {values['questions']} questions answered")
            for name, spread in values.items():
                if isinstance(spread, dict) and spread.get("count"):
                    print(f"  {name:32} p50 {spread['p50']:.3f}  p99 {spread['p99']:.3f}")
    print(f"\npeak resident memory: {figures['peak_resident_mb']} MB")

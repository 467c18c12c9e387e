"""``bittern bench brain``: how fast, how right and how large the local brain is.

Everything here begins at the end of speech, so the silence that ends a turn is not in
it. What is spoken comes from recordings of people, where there are any, and from the
table of utterances, spoken by the brain's own voice with noise under it. Figures of a PC
are not figures of a Pi.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.workshop.bench.brain_sounds import SpokenCase, noise_of, orders, people, synthesized

if TYPE_CHECKING:
    from device.brain.answering.putting_together import ToolModel
    from device.brain.answering.thinker import LayeredThinker
    from device.brain.base.abilities import Abilities, FunctionTool
    from device.brain.trial import Case

TABLE = Path("tests/data/utterances.toml")
_FRAME_SAMPLES = 512
_AS_LONG_AS_IT_TAKES_S = 180.0
_ANSWER = json.dumps({"ok": True, "spoken": "Your timer is set for fifteen minutes."})
"""What a tool gives back when it is called here: nothing is carried out."""


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench brain``."""
    parser = benches.add_parser(
        "brain", help="the local brain: latency per stage, right actions, word errors, memory"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only N of each set")
    parser.add_argument(
        "--utterances", type=Path, default=TABLE, metavar="FILE", help=f"the table ({TABLE})"
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        default=Path(os.environ.get("BITTERN_RECORDINGS", "../shared/audio")),
        metavar="DIR",
        help="recordings of people ($BITTERN_RECORDINGS)",
    )
    parser.add_argument("--one-core", action="store_true", help="keep to one core")
    parser.add_argument(
        "--under-load",
        action="store_true",
        help="with every core busy, and a listener beside it whose delays are shown",
    )
    parser.add_argument(
        "--chat",
        action="store_true",
        help="with the smallest chat model: bittern models fetch smollm2",
    )
    parser.add_argument(
        "--tool-model",
        choices=("none", "needle"),
        default="none",
        help="the model for free phrasing, given as much time as it takes (none)",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench brain``."""
    from device.errors import BitternError
    from device.workshop.bench.load import ListeningProcess, busy_cores

    if not chosen.utterances.is_file():
        raise BitternError(
            f"there is no table of utterances at {chosen.utterances}",
            "run it in the repository, or name one with --utterances",
        )
    if chosen.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "start": _start()}
    if chosen.under_load:
        with ListeningProcess() as listening:
            time.sleep(5)
            figures["listener_alone"] = listening.lateness()
            with busy_cores():
                figures |= _measure(chosen)
                figures["listener_under_load"] = listening.lateness()
    else:
        figures |= _measure(chosen)
    if chosen.json:
        print(json.dumps(figures, indent=2, ensure_ascii=False))
    else:
        _print(figures)
    return 0


# ------------------------------------------------------------------------- what comes of it


@dataclass(slots=True)
class Taken:
    """What the brain made of it, and how long it took, in seconds of wall clock."""

    spoken: SpokenCase
    heard: str
    transcription_s: float
    understanding_s: float
    first_audio_s: float
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def total_s(self) -> float:
        """From the end of speech to the first sound."""
        return self.transcription_s + self.understanding_s + self.first_audio_s


def _measure(chosen: argparse.Namespace) -> dict[str, Any]:
    from device.brain.loading import load_abilities
    from device.brain.trial import appliance_tools, read_table
    from device.models import path_of
    from device.workshop.bench.cancelling import cancelling
    from device.workshop.bench.figures import spread
    from device.workshop.bench.phrasing import phrasings

    memory = {"empty_mb": resident_mb()}
    small = path_of("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") if chosen.chat else None
    abilities = load_abilities(small)
    memory["loaded_mb"] = resident_mb()
    cases = read_table(chosen.utterances)
    spread_out = cases[:: max(1, len(cases) // chosen.limit)] if chosen.limit else cases
    tools = appliance_tools()
    thinker = _at_table_time(abilities, chosen.tool_model)
    coffee, machine = orders(chosen.recordings, chosen.limit)
    noise = noise_of(chosen.recordings)
    taken = [_take(abilities, thinker, spoken, tools) for spoken in people(chosen.recordings)]
    taken += [
        _take(abilities, thinker, spoken, tools)
        for spoken in synthesized(abilities, spread_out, noise)
    ]
    if machine:
        taken += [_take(abilities, thinker, spoken, [*tools, machine]) for spoken in coffee]
    memory["worked_mb"] = resident_mb()
    figures = {
        "stages": {
            "transcription_s": spread([one.transcription_s for one in taken]),
            "understanding_s": spread([one.understanding_s for one in taken]),
            "first_audio_s": spread([one.first_audio_s for one in taken]),
            "end_of_speech_to_first_audio_s": spread([one.total_s for one in taken]),
        },
        "words": _word_errors(taken),
        "actions": _actions(taken),
        "written": _written(thinker, cases, tools),
        "phrasing": phrasings(thinker, chosen.utterances.parent, tools),
        "memory": memory,
    }
    if chosen.tool_model != "none":
        memory["tool_model_mb"] = children_mb()
    if chosen.chat:
        figures["chat"] = _chat(abilities)
        memory["with_chat_mb"] = resident_mb()
    figures["cancelling"] = cancelling(abilities, with_chat=chosen.chat)
    return figures


def _at_table_time(abilities: Abilities, tool_model: ToolModel) -> LayeredThinker:
    """The loaded brain's layers, with the clock of the table."""
    from device.brain.answering.putting_together import load_tool_model
    from device.brain.answering.thinker import LayeredThinker
    from device.brain.trial import TABLE_NOW
    from device.brain.understanding.intents.language import load_language

    assert isinstance(abilities.thinker, LayeredThinker)
    language = load_language(seed=1)
    caller = load_tool_model(tool_model, language, patience_s=_AS_LONG_AS_IT_TAKES_S)
    return LayeredThinker(language, now=lambda: TABLE_NOW, tool_model=caller)


def _take(
    abilities: Abilities, thinker: LayeredThinker, spoken: SpokenCase, tools: Sequence[FunctionTool]
) -> Taken:
    """One turn, from the end of speech: everything was fed before, nothing transcribed."""
    from device.brain.base.abilities import Cancellation
    from device.brain.understanding.expected_words import expected_words

    cancellation = Cancellation()
    expected = expected_words(
        [{"name": tool.name, "parameters": tool.parameters} for tool in tools]
    )
    stream = abilities.transcriber.start("en", expected)
    detector = abilities.new_voice_detector()
    for start in range(0, len(spoken.sound) - _FRAME_SAMPLES, _FRAME_SAMPLES):
        frame = spoken.sound[start : start + _FRAME_SAMPLES]
        stream.feed(frame, any(p > 0.3 for p in detector.process(frame)))
    clock = time.perf_counter
    began = clock()
    heard = stream.finish(cancellation).text
    understood = clock()
    calls, sentence = _answer(thinker, heard, tools)
    answered = clock()
    next(iter(abilities.voice.speak(sentence, "", 1.0, cancellation)), None)
    return Taken(
        spoken, heard, understood - began, answered - understood, clock() - answered, calls
    )


def _answer(
    thinker: LayeredThinker, heard: str, tools: Sequence[FunctionTool]
) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """What is called, and the first sentence that is said, a tool's answer told included."""
    from device.brain.base.abilities import (
        Cancellation,
        Message,
        TextPart,
        TextPiece,
        ThinkRequest,
        ToolCall,
        ToolCallPiece,
        ToolResult,
    )

    said = Message("user", (TextPart(heard),))
    pieces = list(thinker.answer(ThinkRequest([said], "", tools), Cancellation()))
    calls = [piece for piece in pieces if isinstance(piece, ToolCallPiece)]
    if calls:
        done = ToolCall("call", calls[0].name, calls[0].arguments)
        told = ToolResult("call", _ANSWER)
        pieces = list(thinker.answer(ThinkRequest([said, done, told], "", tools), Cancellation()))
    texts = [piece.text for piece in pieces if isinstance(piece, TextPiece)]
    return [(call.name, json.loads(call.arguments)) for call in calls], texts[0] if texts else "."


def _word_errors(taken: Sequence[Taken]) -> dict[str, Any]:
    """Wrong, missing and added words, numbers compared as numbers, by where they come from."""
    figures: dict[str, Any] = {}
    for source in ("people", "voice"):
        known = [one for one in taken if one.spoken.source == source and one.spoken.words]
        errors = [(one, *errors_in(one.heard, str(one.spoken.words))) for one in known]
        total = sum(count for _, _, count in errors)
        wrong = sum(count for _, count, _ in errors)
        figures[source] = {
            "words": total,
            "errors": wrong,
            "rate": round(wrong / total, 4) if total else None,
            "worst": [f"{one.spoken.words} -> {one.heard}" for one, count, _ in errors if count],
        }
    return figures


def errors_in(heard: str, said: str) -> tuple[int, int]:
    """Return the edits from what was said to what was heard, and how many words were said."""
    got, wanted = _compared(heard), _compared(said)
    row = list(range(len(got) + 1))
    for at, word in enumerate(wanted, start=1):
        before, row[0] = row[0], at
        for column, other in enumerate(got, start=1):
            best = min(row[column] + 1, row[column - 1] + 1, before + (word != other))
            before, row[column] = row[column], best
    return row[-1], len(wanted)


def _compared(text: str) -> list[str]:
    """Words for comparison: in normal form, numbers as digits, spellings of one word alike."""
    from device.brain.understanding.intents.language import load_language
    from device.brain.understanding.intents.normal import normal
    from device.brain.understanding.intents.quantities import Quantities

    quantities = Quantities(load_language().words)
    tokens, words, at = normal(text.replace("-", " ")).split(), [], 0
    while at < len(tokens):
        read = quantities.number_at(tokens, at)
        words.append(f"{read[0].normalize():f}" if read else tokens[at].replace("'", ""))
        at = read[1] if read else at + 1
    return words


def _actions(taken: Sequence[Taken]) -> dict[str, Any]:
    """Right calls, by where they come from; a call where none is wanted is wrong too."""
    from device.brain.trial import is_same

    figures: dict[str, Any] = {}
    for source in ("people", "voice", "orders"):
        judged = [one for one in taken if one.spoken.source == source and one.spoken.case]
        misses = [
            f"{one.spoken.case.says} -> {one.heard} -> {one.calls}"
            for one in judged
            if one.spoken.case and not is_same(one.calls, list(one.spoken.case.calls or ()))
        ]
        figures[source] = {
            "count": len(judged),
            "right": len(judged) - len(misses),
            "misses": misses,
        }
    return figures


def _written(
    thinker: LayeredThinker, cases: Sequence[Case], tools: Sequence[FunctionTool]
) -> dict[str, Any]:
    from device.brain.trial import misses

    missed = list(misses(thinker, cases, tools))
    return {
        "count": len(cases),
        "without_action": sum(case.calls == () for case in cases),
        "right": len(cases) - len(missed),
        "misses": [f"{miss.case.says}: {miss.got}" for miss in missed],
    }


_CHAT = ("Tell me a story about a cat.", "I had a long day at work.", "What do you like to eat?")


def _chat(abilities: Abilities) -> dict[str, Any]:
    """How long the chat model takes to its first sentence, and to the end."""
    from device.brain.base.abilities import Cancellation, Message, TextPart, TextPiece, ThinkRequest
    from device.workshop.bench.figures import spread

    first, whole = [], []
    for says in _CHAT:
        request = ThinkRequest([Message("user", (TextPart(says),))], "")
        began = time.perf_counter()
        times = [
            time.perf_counter() - began
            for piece in abilities.thinker.answer(request, Cancellation())
            if isinstance(piece, TextPiece)
        ]
        first.append(times[0])
        whole.append(times[-1])
    return {"first_sentence_s": spread(first), "whole_answer_s": spread(whole)}


# ------------------------------------------------------------------------- the process


def resident_mb() -> int:
    """Resident memory of this process in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def children_mb() -> int:
    """Resident memory of this process's children: the engine of a tool model."""
    tasks = Path("/proc/self/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text("ascii").split()]
    statuses = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in children]
    return sum(int(status.split("VmRSS:")[1].split()[0]) for status in statuses) // 1024


_START = """
import json, os, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
from device.workshop.bench.brain import resident_mb, since_start_s
from device.brain.loading import load_abilities
load_abilities()
print(json.dumps({"ready_s": round(since_start_s(), 3), "resident_mb": resident_mb()}))
"""


def since_start_s() -> float:
    """Seconds since this process was started."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    return uptime - ticks / os.sysconf("SC_CLK_TCK")


def _start() -> dict[str, Any]:
    """From the start of a process of its own to models loaded, and what it holds then."""
    ended = subprocess.run(
        [sys.executable, "-c", _START], capture_output=True, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


def _print(figures: dict[str, Any]) -> None:
    from device.workshop.bench.phrasing import in_a_line

    start, memory = figures["start"], figures["memory"]
    print(f"ready after {start['ready_s']} s with {start['resident_mb']} MB; ", end="")
    print(f"{memory['worked_mb']} MB after work; {figures['cores']} core(s)")
    for name, values in figures["stages"].items():
        print(f"{name:34} p50 {values['p50'] * 1000:6.0f} ms  p99 {values['p99'] * 1000:6.0f} ms")
    for source, words in figures["words"].items():
        print(f"word errors, {source:8} {words['errors']:4} of {words['words']}")
    for source, actions in figures["actions"].items():
        print(f"right, {source:8} {actions['right']:4} of {actions['count']}")
        for miss in actions["misses"]:
            print(f"    {miss}")
    written = figures["written"]
    print(f"right, written  {written['right']:4} of {written['count']}")
    for miss in written["misses"]:
        print(f"    {miss}")
    for name, table in figures["phrasing"].items():
        print(f"{name}: {in_a_line(table)}")
        for miss in table["misses"]:
            print(f"    {miss}")
    for name, stopped in figures["cancelling"].items():
        p50, p99 = (stopped["cancel_s"][name] * 1000 for name in ("p50", "p99"))
        print(f"cancelled {name:24} p50 {p50:6.0f} ms  p99 {p99:6.0f} ms")
    for name in ("listener_alone", "listener_under_load", "chat"):
        if name in figures:
            print(f"{name}: {json.dumps(figures[name])}")

"""``bittern bench television``: what leaves the house while others talk after an answer.

A person asks, is answered, and a television with other people's speech goes on for three
minutes in the same room. Everything from the sound to the decisions is what runs in the
appliance: Silero, the measure of the voice, the core. The speaker, the link and the server are
played in the time of the sound: the server answers 0.6 s after it hears an end; its ear, where
the server decides, is the worst there is: whatever is louder than -60 dBFS is speech to it. A
second scene has the person ask on, 1 to 3 m away, in quiet or over the television.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.items import ItemKey
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.audio.samples import Floats, Samples
from device.models import path_of
from device.realtime import events as wire
from device.realtime.response_object import Response
from device.vad.endpointing import Doubted, Ended, SpeechRule, Started, Suspected
from device.vad.loudness import Loudness
from device.vad.silero import RATE_HZ, Silero
from device.vad.speech import SpeechPipeline
from device.workshop.simulation.acoustics import Shoebox
from device.workshop.simulation.hearing import EnergyVad

LEVELS_DBFS = (-45.0, -51.0, -57.0)
SEEDS = 10
TELEVISION_S = 180.0
ASKER_AT_1_M_DBFS = -28.0
"""Of a person who speaks to the appliance from 1 m, while they speak; measured figures of USB
microphones lie around it. What counts is how much louder that is than the television."""
ROOM_M = (5.0, 4.0, 2.5)
REVERB_S = 0.4
MICROPHONE_M = (1.0, 2.0, 1.0)
TELEVISION_M = (4.6, 3.4, 0.9)
HUM_DBFS = -72.0
EAR_DBFS = -60.0
BLOCK = 960
ANSWER_S = 2.0
THINKING_S = 0.6
TEXTS = (
    "The shop on the corner is open until eight o'clock today.",
    "It is open until eight. Shall I say how to get there?",
)
"""After the second one it listens longer."""
FOLLOW_UPS = 40
DISTANCES_M = (1.0, 1.5, 2.0, 2.5, 3.0)


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench television``."""
    parser = benches.add_parser(
        "television", help="what is sent and answered while others talk after an answer"
    )
    parser.add_argument(
        "--recordings", type=Path, required=True, metavar="DIR", help="recordings of people"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="television evenings")
    parser.add_argument("--seconds", type=float, default=TELEVISION_S, help="of television (180)")
    parser.add_argument(
        "--without", action="store_true", help="let any voice ask on, for comparison"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Run ``bench television``."""
    people = People(chosen.recordings)
    policy = Policy(chime=False, say_notices=False)
    if chosen.without:
        policy = Policy(
            chime=False,
            say_notices=False,
            follow_up_drop_db=200.0,
            follow_ups=1000,
            follow_up_limit_s=1000.0,
            turn_limit_s=1000.0,
        )
    rows: list[dict[str, Any]] = []
    for ends in ("server", "local"):
        for level in LEVELS_DBFS:
            evenings = [
                evening(people, seed, level, ends, policy, chosen.seconds)
                for seed in range(chosen.seeds)
            ]
            rows.append({"ends": ends, "television_dbfs": level, **_summary(evenings)})
    figures = {
        "television": rows,
        "asking_on": [
            asking_on(people, ends, level, policy)
            for ends in ("server", "local")
            for level in (None, *LEVELS_DBFS[:2])
        ],
    }
    print(json.dumps(figures, indent=2) if chosen.json else _table(figures))
    return 0


# -- sounds ----------------------------------------------------------------------------


class People:
    """Recordings of people: those who ask, and others who are on television."""

    def __init__(self, folder: Path) -> None:
        """Raises ``SystemExit`` with a sentence when there are none."""
        files = sorted((folder / "commands" / "coffee").glob("*.flac"))
        others = sorted((folder / "speech").glob("*.flac"))
        others += sorted((folder / "wake" / "smart_mirror").glob("*.flac"))
        if len(files) < 4 * FOLLOW_UPS:
            raise SystemExit(f"{folder} holds no commands/coffee/*.flac: recordings of people")
        self._asking = files[::2]
        self._talking = files[1::2] + others

    def question(self, number: int) -> Floats:
        """One utterance, without the quiet around it, at a level of 0 dB."""
        return _trimmed(self._asking[number % len(self._asking)])

    def television(self, seed: int, length_s: float) -> Floats:
        """Talk with short pauses, as on television, at a level of 0 dB while there is any."""
        chance = np.random.default_rng(seed)
        parts, length = [], 0
        while length < length_s * RATE_HZ:
            said = _trimmed(self._talking[int(chance.integers(len(self._talking)))])
            pause = np.zeros(round(chance.uniform(0.1, 0.9) * RATE_HZ), np.float32)
            parts += [said, pause]
            length += len(said) + len(pause)
        return np.concatenate(parts)[: round(length_s * RATE_HZ)]


def _trimmed(path: Path) -> Floats:
    from device.workshop.training.wake.corpus import active_level, read, span

    sound = read(path)
    begin, end = span(sound)
    cut = sound[begin:end].astype(np.float32)
    return cut / np.float32(max(active_level(cut), 1e-6))


def _level(dbfs: float) -> np.float32:
    return np.float32(32_768 * 10 ** (dbfs / 20))


@lru_cache
def _response(at_m: tuple[float, float, float]) -> Floats:
    box = Shoebox(ROOM_M, at_m, MICROPHONE_M, REVERB_S)
    return box.response(RATE_HZ).astype(np.float32)


def _in_room(sound: Floats, at_m: tuple[float, float, float]) -> Floats:
    """How it sounds at the microphone, as loud as its direct sound."""
    response = _response(at_m)
    size = 1 << (len(sound) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    wet = np.fft.irfft(spectrum, size)[: len(sound) + RATE_HZ // 4]
    return np.asarray(wet, dtype=np.float32)


def _asked(sound: Floats, distance_m: float) -> Floats:
    """A person at a distance; the direct sound falls with it, the room's does not."""
    at_m = (MICROPHONE_M[0] + distance_m, MICROPHONE_M[1], 1.4)
    return _in_room(sound, at_m) * _level(ASKER_AT_1_M_DBFS) / np.float32(distance_m)


# -- one evening -----------------------------------------------------------------------


@dataclass(frozen=True)
class TelevisionEvening:
    """What happened after the first answer, in the time of the sound."""

    mistaken: int
    """Turns that began, though nobody meant them to."""
    answers: int
    sent_s: float
    """Microphone sound that went to the endpoint."""
    idle_after_s: float
    """From the end of the first answer to idle; the length of the evening if never."""


class PaperAppliance:
    """The appliance's ears and core, on a sound, with a server and a speaker of paper."""

    def __init__(self, sound: Samples, ends: str, policy: Policy) -> None:
        self.plan = EndpointPlan("cloud", detects_turns=ends == "server")
        self.core = Assistant(policy, [self.plan])
        self.speech = SpeechPipeline(Silero(path_of("silero/silero_vad.onnx")), SpeechRule())
        self.ear = EnergyVad(EAR_DBFS, 500)
        self.now = 0
        self.sound = sound
        self.answer = TEXTS[0]
        self.uplink: list[int | None] | None = None
        """Next sample, and the last one that may be sent."""
        self.first_sample: int | None = None
        """Where the last uplink began."""
        self.sent = 0
        self.turns: list[str] = []
        self.answers = 0
        self._later: list[tuple[int, inputs.Input]] = []
        self._link = self._reached = 0
        self._responses = 0
        self._generating = False

    def feed(self, happened: inputs.Input) -> None:
        """Give the core an input, and carry out what it wants."""
        for effect in self.core.handle(happened, self.now / RATE_HZ):
            self._carry_out(effect)

    def run(self, until: int) -> None:
        """Let the sound pass, up to there."""
        for at in range(self.now, min(until, len(self.sound)) - BLOCK + 1, BLOCK):
            block = self.sound[at : at + BLOCK]
            for event in self.speech.process(block, at):
                self.feed(_as_input(event, (at + BLOCK) / RATE_HZ))
            self.now = at + BLOCK
            for due in [each for each in self._later if each[0] <= self.now]:
                self._later.remove(due)
                self.feed(due[1])
            while (due_s := self.core.deadline_s) is not None and due_s <= self.now / RATE_HZ:
                self.feed(inputs.TimePassed())
            self._send()

    # -- effects -----------------------------------------------------------------------

    def _carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.OpenLink(link=link):
                self._link = link
                self._soon(0.0, inputs.LinkReady(link))
            case do.ListenForSpeech(on=True, from_sample=from_sample):
                self._listen(from_sample)
            case do.ListenForSpeech():
                self.speech.end()
            case do.StartUplink():
                self._start(effect)
            case do.EndUplink(until_sample=until):
                self._end(until, effect.tail_silence_ms)
            case do.StopUplink():
                self.uplink = None
            case do.Send(event=wire.ResponseCreate()):
                self._answer()
            case do.Send(event=wire.InputAudioBufferClear()):
                self.ear.forget()
            case do.StopPlayback():
                self.feed(inputs.PlaybackStopped({}))
            case do.Tell(news=what):
                trigger = getattr(what, "trigger", None)
                if trigger is not None and type(what).__name__ == "TurnBegan":
                    self.turns.append(str(trigger))
            case _:
                pass

    def _listen(self, from_sample: int | None) -> None:
        begin = self.now if from_sample is None else from_sample
        self.speech.begin(begin)
        for event in self.speech.process(self.sound[begin : self.now], begin):
            self._soon(0.0, _as_input(event, self.now / RATE_HZ))

    def _soon(self, in_s: float, happened: inputs.Input) -> None:
        self._later.append((self.now + round(in_s * RATE_HZ), happened))

    # -- the uplink and the server -----------------------------------------------------

    def _start(self, effect: do.StartUplink) -> None:
        at = self.now if effect.from_sample is None else effect.from_sample
        at = max(at - effect.lead_ms * RATE_HZ // 1000, effect.floor_sample)
        if effect.is_more:
            at = max(at, self._reached)
        last = effect.until_sample
        if effect.bound is not None:
            furthest = effect.bound.begin_sample + effect.bound.most_ms * RATE_HZ // 1000
            last = furthest if last is None else min(furthest, last)
        self.uplink = [at, last]
        self.first_sample = at

    def _end(self, until: int | None, tail_silence_ms: int) -> None:
        if self.uplink is not None:
            last = self.now if until is None else until
            bound = self.uplink[1]
            self.uplink[1] = last if bound is None else min(last, bound)
            self._send()
        self.uplink = None
        self._hear(np.zeros(tail_silence_ms * RATE_HZ // 1000, np.int16))
        self._soon(0.0, inputs.UplinkDrained(self._link))

    def _send(self) -> None:
        if self.uplink is None or self.uplink[0] is None:
            return
        at, last = self.uplink
        assert at is not None
        until = self.now if last is None else min(last, self.now)
        if until > at:
            self.sent += until - at
            self.uplink[0] = self._reached = until
            self._hear(self.sound[at:until])

    def _hear(self, samples: Samples) -> None:
        """The server's ear, which is only asked where the server decides."""
        if not self.plan.detects_turns:
            return
        for edge in self.ear.hear(np.repeat(samples, 3)[::2]):
            if edge.what == "started":
                if self._generating:
                    self._cancel()
                self.feed(
                    self._said(wire.InputAudioBufferSpeechStarted(item_id="u", audio_start_ms=0))
                )
            else:
                self.feed(
                    self._said(wire.InputAudioBufferSpeechStopped(item_id="u", audio_end_ms=0))
                )
                self._answer()

    def _said(self, event: wire.LinkEvent) -> inputs.ServerSaid:
        return inputs.ServerSaid(self._link, event)

    def _cancel(self) -> None:
        self._generating = False
        self._later = [each for each in self._later if not isinstance(each[1], _OF_ANSWER)]
        done = Response(id=f"r{self._responses}", status="cancelled", output=[])
        self.feed(self._said(wire.ResponseDone(response=done)))

    def _answer(self) -> None:
        self._responses += 1
        self._generating = True
        self.answers += 1
        name = f"r{self._responses}"
        item = ItemKey(f"a{self._responses}")
        at: dict[str, Any] = {"response_id": name, "output_index": 0}
        audio = {**at, "item_id": item.item_id, "content_index": 0}
        begun = Response(id=name, status="in_progress")
        done = Response(id=name, status="completed", output=[])
        pcm = bytes(2 * round(24_000 * ANSWER_S))
        for event in (
            wire.ResponseCreated(response=begun),
            wire.ResponseOutputAudioTranscriptDelta(**audio, delta=self.answer),
            wire.AudioDelta(name, item.item_id, 0, pcm),
            wire.ResponseOutputAudioDone(**audio),
            wire.ResponseDone(response=done),
        ):
            self._soon(THINKING_S, self._said(event))
        begin = self.now + round(THINKING_S * RATE_HZ)
        end = begin + round(ANSWER_S * RATE_HZ)
        self._later.append((begin, inputs.PlaybackStarted(item, begin)))
        self._later.append((end, inputs.PlaybackFinished(item, end)))


_OF_ANSWER = (inputs.ServerSaid, inputs.PlaybackStarted, inputs.PlaybackFinished)


def _as_input(event: Suspected | Doubted | Started | Ended | Loudness, at_s: float) -> inputs.Input:
    match event:
        case Suspected():
            return inputs.VoiceSuspected()
        case Doubted():
            return inputs.VoiceDoubted()
        case Started(at_sample=at):
            return inputs.SpeechStarted(at, at_s)
        case Ended(at_sample=at):
            return inputs.SpeechEnded(at, at_s)
        case Loudness(from_sample=at, level_db=level_db):
            return inputs.VoiceMeasured(at, level_db)


def evening(
    people: People, seed: int, level_dbfs: float, ends: str, policy: Policy, length_s: float
) -> TelevisionEvening:
    """A question from 1 to 3 m, its answer, and a television from then on."""
    asked = _asked(people.question(seed), DISTANCES_M[seed // 2 % len(DISTANCES_M)])
    television = _in_room(people.television(seed, length_s), TELEVISION_M)
    television *= _level(level_dbfs) / np.float32(_active(television))
    stage = _begin(asked, television, ends, policy, seed)
    told, sent, answers = len(stage.turns), stage.sent, stage.answers
    over, idle = stage.now, None
    while stage.now + BLOCK <= len(stage.sound):
        stage.run(stage.now + BLOCK)
        if stage.core.state is State.IDLE and idle is None:
            idle = stage.now
        elif stage.core.state is not State.IDLE:
            idle = None
    after = len(stage.sound) if idle is None else idle
    return TelevisionEvening(
        len(stage.turns) - told,
        stage.answers - answers,
        round((stage.sent - sent) / RATE_HZ, 2),
        round((after - over) / RATE_HZ, 1),
    )


def _begin(asked: Floats, behind: Floats, ends: str, policy: Policy, seed: int) -> PaperAppliance:
    """A question up to the end of its answer; ``behind`` is heard from then on."""
    answer_s = 4.0 + ANSWER_S
    quiet = np.zeros(RATE_HZ, np.float32)
    sound = np.concatenate((quiet, asked, np.zeros(round(answer_s * RATE_HZ), np.float32), behind))
    hum = np.random.default_rng(seed).standard_normal(len(sound)).astype(np.float32)
    sound += hum * _level(HUM_DBFS)
    stage = PaperAppliance(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16), ends, policy)
    stage.answer = TEXTS[seed % 2]
    stage.run(RATE_HZ)
    word_end = stage.now
    stage.feed(inputs.WakeWordHeard("jarvis", 0.9, word_end, word_end / RATE_HZ))
    stage.feed(inputs.WakeWordEnded(word_end))
    behind_at = len(sound) - len(behind)
    while stage.core.state is not State.FOLLOW_UP and stage.now < behind_at:
        stage.run(stage.now + BLOCK)
    # The television is switched on when the answer is over: what lies between is left out.
    stage.sound = np.concatenate((stage.sound[: stage.now], stage.sound[behind_at:]))
    return stage


def _active(sound: Floats) -> float:
    from device.workshop.training.wake.corpus import active_level

    return max(float(active_level(sound)), 1e-6)


def _summary(evenings: Sequence[TelevisionEvening]) -> dict[str, Any]:
    return {
        "evenings": len(evenings),
        "most_mistaken_turns": max(each.mistaken for each in evenings),
        "mistaken_turns": sum(each.mistaken for each in evenings),
        "most_sent_s": max(each.sent_s for each in evenings),
        "latest_idle_s": max(each.idle_after_s for each in evenings),
    }


# -- asking on -------------------------------------------------------------------------


def asking_on(
    people: People,
    ends: str,
    television_dbfs: float | None,
    policy: Policy,
    count: int = FOLLOW_UPS,
) -> dict[str, Any]:
    """Follow-ups by whom was answered, each from another distance than the question."""
    taken, late = 0, []
    for number in range(count):
        chance = np.random.default_rng(number)
        near, far = chance.choice(DISTANCES_M, 2)
        asked = _asked(people.question(number), float(near))
        more = _asked(people.question(number), float(far))
        wait = np.zeros(round(chance.uniform(0.5, 3.0) * RATE_HZ), np.float32)
        behind = np.concatenate((wait, more, np.zeros(4 * RATE_HZ, np.float32)))
        if television_dbfs is not None:
            length_s = len(behind) / RATE_HZ
            talk = _in_room(people.television(number, length_s), TELEVISION_M)[: len(behind)]
            behind[: len(talk)] += talk * _level(television_dbfs) / np.float32(_active(talk))
        stage = _begin(asked, behind, ends, policy, number)
        began, told = stage.now, len(stage.turns)
        while len(stage.turns) == told and stage.now + BLOCK <= len(stage.sound):
            stage.run(stage.now + BLOCK)
        said = began + len(wait), began + len(wait) + len(more)
        first = stage.first_sample
        if len(stage.turns) > told and first is not None and first < said[1]:
            taken += 1
            late.append(max(0, first - said[0]) * 1000 // RATE_HZ)
    return {
        "ends": ends,
        "television_dbfs": television_dbfs,
        "follow_ups": count,
        "taken": taken,
        "begun_late_ms": max(late, default=None),
    }


def _table(figures: dict[str, Any]) -> str:
    lines = ["ends    television  turns  most turns  most sent  idle after"]
    lines += [
        f"{row['ends']:7} {row['television_dbfs']:6.0f} dBFS  {row['mistaken_turns']:4}"
        f"  {row['most_mistaken_turns']:9}  {row['most_sent_s']:7.1f} s"
        f"  {row['latest_idle_s']:7.1f} s"
        for row in figures["television"]
    ]
    for row in figures["asking_on"]:
        behind = row["television_dbfs"]
        place = "in quiet" if behind is None else f"over {behind:.0f} dBFS"
        lines.append(
            f"{row['ends']:7} follow-ups {place}: {row['taken']} of {row['follow_ups']} taken, "
            f"begun at most {row['begun_late_ms']} ms late"
        )
    return "\n".join(lines)

"""A speaker, a microphone and tools of paper for one core, in virtual time.

:class:`Household` carries out the core's effects as the room does, on a clock that jumps,
and notes what a person in it would notice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import numpy as np
from numpy.typing import NDArray

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.items import ItemKey
from device.realtime.events import InputAudioBufferAppend
from device.realtime.pcm import pcm_to_base64
from device.workshop.simulation.paper_link import PaperLink

RATE_HZ = 24_000
CHUNK_S = 0.1
LOUD = 3_000
"""Amplitude of whoever talks: −21 dBFS."""
NOTICE_S = 2.5


class Tape:
    """What the microphone has heard: silence, and where somebody talked."""

    def __init__(self) -> None:
        self._loud: list[tuple[int, int]] = []

    def talk(self, begin_sample: int, end_sample: int) -> None:
        """Somebody talks there."""
        self._loud.append((begin_sample, end_sample))

    def sound(self, begin_sample: int, end_sample: int) -> NDArray[np.int16]:
        """The sound of a stretch, mono at 24 kHz."""
        sound = np.zeros(end_sample - begin_sample, np.int16)
        for begin, end in self._loud:
            first, last = max(begin, begin_sample), min(end, end_sample)
            if first < last:
                sound[first - begin_sample : last - begin_sample : 2] = LOUD
        return sound


@dataclass(slots=True)
class _Sounding:
    item: ItemKey
    length_s: float = 0.0
    played_s: float = 0.0
    is_complete: bool = False
    is_begun: bool = False
    is_own: bool = False


@dataclass(slots=True)
class Noticed:
    """What somebody at home would notice."""

    done: Counter[int] = field(default_factory=Counter)
    """How often the thing of each question was done."""
    heard: int = 0
    """Sentences and answers that began to sound, error chimes among them."""
    is_listening: bool = False


class Household:
    """One core and its world."""

    def __init__(self, core: Assistant, random: Random, open_link: OpenLink) -> None:
        self.core = core
        self.tape = Tape()
        self.noticed = Noticed()
        self.links: dict[int, PaperLink] = {}
        self.on_effect: Callable[[do.Effect], None] = lambda _: None
        self._random = random
        self._open_link = open_link
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[inputs.Input] = deque()
        self._is_feeding = False
        self._alarm: asyncio.TimerHandle | None = None
        self._uplinks: dict[int, asyncio.Task[None]] = {}
        self._ends: dict[int, tuple[int, int]] = {}
        self._queue: list[_Sounding] = []
        self._has_sound = asyncio.Event()
        self._is_held = False
        self._tools: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._turning = asyncio.create_task(self._speaker(), name="speaker of paper")

    def now_sample(self) -> int:
        """The capture clock."""
        return round(self._loop.time() * RATE_HZ)

    # -- the core ----------------------------------------------------------------------

    def feed(self, happened: inputs.Input) -> None:
        """Give the core an input, and carry out what it wants."""
        self._inbox.append(happened)
        if self._is_feeding:
            return
        self._is_feeding = True
        try:
            while self._inbox:
                for effect in self.core.handle(self._inbox.popleft(), self._loop.time()):
                    self.on_effect(effect)
                    self._carry_out(effect)
        finally:
            self._is_feeding = False
        if self._alarm is not None:
            self._alarm.cancel()
        if (due_s := self.core.deadline_s) is not None:
            self._alarm = self._loop.call_at(due_s, self.feed, inputs.TimePassed())

    def _carry_out(self, effect: do.Effect) -> None:
        match effect:
            case do.OpenLink():
                self._chore(self._open_link(effect))
            case do.CloseLink(link=link):
                self._stop_uplink(link)
                if (open_link := self.links.pop(link, None)) is not None:
                    open_link.close()
            case do.Send(link=link, event=event):
                if link in self.links:
                    self.links[link].send(event)
            case do.StartUplink():
                self._start_uplink(effect)
            case do.EndUplink(link=link):
                until = effect.until_sample
                end = self.now_sample() if until is None else until
                self._ends[link] = end, effect.tail_silence_ms
            case do.StopUplink(link=link):
                self._stop_uplink(link)
            case do.ListenForSpeech(on=on):
                self.noticed.is_listening = on
            case do.RunTool():
                task = self._chore(self._tool(effect))
                self._tools.add(task)
            case do.CancelTools():
                for task in self._tools:
                    task.cancel()
            case _:
                self._to_speaker(effect)

    def _chore(self, work: object) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task

    async def close(self) -> None:
        """End everything."""
        if self._alarm is not None:
            self._alarm.cancel()
        for link in self.links.values():
            link.close()
        tasks = [self._turning, *self._chores, *self._uplinks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- tools -------------------------------------------------------------------------

    async def _tool(self, called: do.RunTool) -> None:
        """What is done is done, even if nobody waits for its outcome any more."""
        number = int(json.loads(called.arguments).get("number", 0))
        kind = self._random.random()
        if kind >= 0.1:
            self.noticed.done[number] += 1
        await asyncio.sleep(self._random.choice([0.05, 0.3, 3.0]))
        output: dict[str, object] = {"number": number}
        if kind < 0.1:
            output = {"error": "it did not work"}
        elif kind < 0.7:
            output["spoken"] = f"Number {number} is done."
        self.feed(inputs.ToolFinished(called.call_id, json.dumps(output), kind < 0.1))

    # -- the microphone's sound --------------------------------------------------------

    def _start_uplink(self, wanted: do.StartUplink) -> None:
        self._stop_uplink(wanted.link)
        self._ends.pop(wanted.link, None)
        begin = self.now_sample() if wanted.from_sample is None else wanted.from_sample
        begin = max(begin - wanted.lead_ms * RATE_HZ // 1000, wanted.floor_sample)
        if wanted.until_sample is not None:
            self._ends[wanted.link] = wanted.until_sample, wanted.tail_silence_ms
        task = asyncio.create_task(self._uplink(wanted, begin), name="uplink of paper")
        self._uplinks[wanted.link] = task

    def _stop_uplink(self, link: int) -> None:
        task = self._uplinks.pop(link, None)
        if task is not None:
            task.cancel()

    async def _uplink(self, wanted: do.StartUplink, at_sample: int) -> None:
        number, has_begun = wanted.link, False
        while True:
            end_sample, tail_ms = self._ends.get(number, (None, 0))
            limit = self.now_sample() if end_sample is None else end_sample
            until = min(limit, at_sample + round(CHUNK_S * RATE_HZ), self.now_sample())
            if at_sample < until:
                self._send_sound(number, self.tape.sound(at_sample, until))
                at_sample = until
                if not has_begun:
                    has_begun = True
                    self.feed(inputs.UplinkBegan(number))
            elif end_sample is not None and at_sample >= end_sample:
                break
            else:
                await asyncio.sleep(CHUNK_S)
        self._send_sound(number, np.zeros(tail_ms * RATE_HZ // 1000, np.int16))
        self._ends.pop(number, None)
        if wanted.until_sample is None:
            self.feed(inputs.UplinkDrained(number))

    def _send_sound(self, link: int, sound: NDArray[np.int16]) -> None:
        if link in self.links and len(sound):
            self.links[link].send(InputAudioBufferAppend(audio=pcm_to_base64(sound)))

    # -- the speaker -------------------------------------------------------------------

    def _to_speaker(self, effect: do.Effect) -> None:
        self._has_sound.set()
        match effect:
            case do.Play(item=item):
                self._entry(item).length_s += effect.samples / RATE_HZ
            case do.FinishItem(item=item):
                self._entry(item).is_complete = True
            case do.Notice(item=item):
                self._queue.append(_Sounding(item, NOTICE_S, is_complete=True, is_own=True))
            case do.SayText(item=item, text=text):
                self._queue.append(_Sounding(item, len(text) / 14, is_complete=True))
            case do.Chime(name="error"):
                self.noticed.heard += 1
            case do.HoldAnswer():
                self._is_held = True
            case do.ResumeAnswer():
                self._is_held = False
            case do.StopPlayback():
                self._is_held = False
                heard = {it.item: round(it.played_s * 1000) for it in self._queue if not it.is_own}
                self._queue.clear()
                # It is the next input, whatever waits already.
                self._inbox.appendleft(inputs.PlaybackStopped(heard))

    def _entry(self, item: ItemKey) -> _Sounding:
        for sounding in self._queue:
            if sounding.item == item:
                return sounding
        self._queue.append(_Sounding(item))
        return self._queue[-1]

    async def _speaker(self) -> None:
        step_s = 0.05
        while True:
            await self._has_sound.wait()
            await asyncio.sleep(step_s)
            if self._is_held:
                continue
            if not self._queue:
                self._has_sound.clear()
                continue
            sounding = self._queue[0]
            if not sounding.is_begun and sounding.length_s:
                sounding.is_begun = True
                self.noticed.heard += 1
                self.feed(inputs.PlaybackStarted(sounding.item, self.now_sample()))
            sounding.played_s = min(sounding.played_s + step_s, sounding.length_s)
            is_over = sounding.is_complete and sounding.played_s >= sounding.length_s
            if is_over and self._queue and self._queue[0] is sounding:
                self._queue.pop(0)
                self.feed(inputs.PlaybackFinished(sounding.item, self.now_sample()))


OpenLink = Callable[[do.OpenLink], object]
"""A coroutine function that opens a link, and tells the household of it."""

"""The conductor: feeds the core, one input after the other, and carries out its effects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.news import NoticeSaid, TurnBegan
from device.audio.capture import Capture
from device.clocks import SessionClock
from device.errors import BitternError
from device.realtime.link import Link
from device.realtime.pcm import bytes_to_pcm
from device.reports import Reporter
from device.room.focus import Channel
from device.room.inbox import Inbox
from device.room.links import EndpointEntry, Links
from device.room.mouth import Mouth
from device.room.speaking import NO_VOICE, Speaking, VoiceOfHouse, no_voice
from device.room.uplinks import Uplinks
from device.tools.registry import Registry

log = logging.getLogger(__name__)


class Ears(Protocol):
    """The listening thread, as far as the conductor steers it."""

    def listen_for_speech(self, on: bool, from_sample: int | None = None) -> None:
        """Switch the voice detector on, from a position of the capture clock, or off."""


@dataclass(slots=True)
class ConductorParts:
    """Everything the effects need; built by the daemon."""

    capture: Capture
    mouth: Mouth
    ears: Ears
    registry: Registry
    show: Callable[[do.Show], None]
    report: Reporter
    clock: SessionClock
    voice: VoiceOfHouse = no_voice


class Conductor:
    """One core, one event loop, and the parts its effects move.

    All methods but :meth:`feed_soon` belong to the thread of the event loop.
    """

    def __init__(
        self,
        core: Assistant,
        parts: ConductorParts,
        endpoints: Mapping[str, EndpointEntry],
        inbox: Inbox,
    ) -> None:
        self.core = core
        self.parts = parts
        self._loop = asyncio.get_running_loop()
        self._inbox = inbox
        self.broken = inbox.broken
        self.links = Links(endpoints, self.feed)
        self.uplinks = Uplinks(lambda: parts.capture.ring, self._link, self.feed)
        self._speaking = Speaking(parts.voice, parts.mouth, self._had_no_voice)
        self._alarm: asyncio.TimerHandle | None = None
        self._tools: set[asyncio.Task[None]] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._forget_tools = parts.registry.watch(lambda: self.feed(inputs.ToolsChanged()))
        inbox.read(self._step, self._set_alarm)

    # -- inputs ------------------------------------------------------------------------

    def feed_soon(self, happened: inputs.Input) -> None:
        """Feed from another thread."""
        self._inbox.feed_soon(happened)

    def feed(self, happened: inputs.Input) -> None:
        """Give the core an input and carry out what it wants; inputs made on the way wait."""
        self._inbox.feed(happened)

    def _step(self, happened: inputs.Input) -> None:
        for effect in self.core.handle(happened, self.parts.clock.now_s()):
            self._carry_out(effect)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_s = self.core.deadline_s
        if due_s is not None:
            wait_s = max(due_s - self.parts.clock.now_s(), 0.0)
            self._alarm = self._loop.call_later(wait_s, self.feed, inputs.TimePassed())

    def now_sample(self) -> int:
        """The place in the captured sound that is being heard now."""
        return self.parts.capture.ring.end_sample

    async def close(self) -> None:
        """Stop everything that was begun here, in bounded time; from now on nothing happens."""
        self._inbox.close()
        self._forget_tools()
        if self._alarm is not None:
            self._alarm.cancel()
        self.uplinks.stop_all()
        self._speaking.stop()
        self.parts.mouth.close()
        for task in self._tools:
            task.cancel()
        await self.links.close_all()
        await self.parts.registry.close()
        if self._chores:
            await asyncio.wait(self._chores, timeout=0.5)

    # -- effects -----------------------------------------------------------------------

    def _carry_out(self, effect: do.Effect) -> None:
        if isinstance(effect, do.ToLink):
            self._to_link(effect)
        elif isinstance(effect, do.ToSpeaker):
            self._to_speaker(effect)
        else:
            self._to_house(effect)

    def _to_link(self, effect: do.ToLink) -> None:
        match effect:
            case do.OpenLink():
                self._open_link(effect)
            case do.CloseLink():
                self._close_link(effect)
            case do.Send():
                self._send(effect)
            case do.UpdateTools():
                self._update_tools(effect)
            case do.StartUplink():
                self._start_uplink(effect)
            case do.EndUplink():
                self._end_uplink(effect)
            case do.StopUplink():
                self._stop_uplink(effect)
            case _:
                assert_never(effect)

    def _to_speaker(self, effect: do.ToSpeaker) -> None:
        match effect:
            case do.Play():
                self._play(effect)
            case do.FinishItem():
                self._finish_item(effect)
            case do.StopPlayback():
                self._stop_playback(effect)
            case do.DuckAnswer():
                self.parts.mouth.duck_answer()
            case do.HoldAnswer():
                self.parts.mouth.hold_answer()
            case do.ResumeAnswer():
                self.parts.mouth.resume_answer()
            case do.Chime():
                self._chime(effect)
            case do.Notice():
                self._notice(effect)
            case do.SayText():
                self._speaking.speak(effect)
            case _:
                assert_never(effect)

    def _to_house(self, effect: do.ToHouse) -> None:
        match effect:
            case do.ListenForSpeech():
                self._listen_for_speech(effect)
            case do.OpenMicrophone():
                self._open_microphone(effect)
            case do.CloseMicrophone():
                self._close_microphone(effect)
            case do.RunTool():
                self._run_tool(effect)
            case do.CancelTools():
                self._cancel_tools(effect)
            case do.Show():
                self._show(effect)
            case do.Tell():
                self._tell(effect)
            case _:
                assert_never(effect)

    def _link(self, number: int) -> Link | None:
        return self.links.get(number)

    def _open_link(self, effect: do.OpenLink) -> None:
        self.links.open(effect.link, effect.endpoint, effect.profile)

    def _close_link(self, effect: do.CloseLink) -> None:
        self.uplinks.stop(effect.link)
        self.links.close(effect.link)

    def _send(self, effect: do.Send) -> None:
        self.links.send(effect.link, effect.event)

    def _update_tools(self, effect: do.UpdateTools) -> None:
        self.links.update_tools(effect.link)

    def _start_uplink(self, effect: do.StartUplink) -> None:
        self.uplinks.start(effect)

    def _end_uplink(self, effect: do.EndUplink) -> None:
        self.uplinks.end(effect)

    def _stop_uplink(self, effect: do.StopUplink) -> None:
        self.uplinks.stop(effect.link)

    def _play(self, effect: do.Play) -> None:
        self.parts.mouth.feed_answer(effect.item, bytes_to_pcm(effect.pcm))

    def _finish_item(self, effect: do.FinishItem) -> None:
        self.parts.mouth.finish_answer(effect.item)

    def _stop_playback(self, _: do.StopPlayback) -> None:
        self._speaking.stop()
        heard = self.parts.mouth.stop_conversation()
        self.links.drop_unplayed()
        self.feed(inputs.PlaybackStopped(heard))

    def _chime(self, effect: do.Chime) -> None:
        self.parts.mouth.chime(effect.name)

    def _notice(self, effect: do.Notice) -> None:
        text, samples = self.parts.mouth.sounds.notice(effect.name)
        self.parts.report(NoticeSaid(effect.turn, effect.name, text))
        self.parts.mouth.say(Channel.NOTICE, effect.item, samples)

    def _had_no_voice(self, sentence: str) -> None:
        turn = self.core.status.turn or 0
        self.parts.report(NoticeSaid(turn, NO_VOICE, sentence))

    def _listen_for_speech(self, effect: do.ListenForSpeech) -> None:
        self.parts.ears.listen_for_speech(effect.on, effect.from_sample)

    def _open_microphone(self, _: do.OpenMicrophone) -> None:
        self._chore(self._reopen(), "open the microphone")

    def _close_microphone(self, _: do.CloseMicrophone) -> None:
        self._chore(self._close_capture(), "close the microphone")

    async def _reopen(self) -> None:
        try:
            await asyncio.to_thread(self.parts.capture.open)
        except BitternError as failure:
            self.feed(inputs.MicrophoneFailed(str(failure)))

    async def _close_capture(self) -> None:
        try:
            await asyncio.to_thread(self.parts.capture.close)
        except BitternError as failure:
            # Nothing enters the ring any more; only the driver did not let go.
            log.error("the microphone did not close: %s", failure)

    def _chore(self, work: Any, name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    def _run_tool(self, effect: do.RunTool) -> None:
        task = asyncio.create_task(self._tool(effect), name=f"tool {effect.name}")
        self._tools.add(task)
        task.add_done_callback(self._tools.discard)

    async def _tool(self, effect: do.RunTool) -> None:
        outcome = await self.parts.registry.run(effect.name, effect.arguments, effect.call_id)
        self.feed(
            inputs.ToolFinished(
                effect.call_id, outcome.output_json, outcome.is_error, outcome.jpegs
            )
        )

    def _cancel_tools(self, _: do.CancelTools) -> None:
        for task in self._tools:
            task.cancel()

    def _show(self, effect: do.Show) -> None:
        self.parts.mouth.follow(effect.state)
        self.parts.show(effect)

    def _tell(self, effect: do.Tell) -> None:
        if isinstance(effect.news, TurnBegan):
            self.parts.registry.new_turn()
        self.parts.report(effect.news)

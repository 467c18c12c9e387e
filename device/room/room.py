"""A room: one microphone, one speaker, one conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from device.appliance.service_manager import EarsProgress
from device.assistant import effects as do
from device.assistant.states import State
from device.audio.capture import Capture
from device.audio.microphone import Microphone
from device.audio.playback import Playback
from device.audio.speaker import Speaker
from device.ears.thread import ListeningThread
from device.reports import Reporter
from device.room.alarms import Alarms
from device.room.conductor import Conductor
from device.room.mouth import Mouth
from device.room.speaking import VoiceOfHouse
from device.room.stopping import Stops
from device.room.untold import Untold
from device.room.watch import SoundWatch


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """What is to be opened, and who is told of it."""

    microphone: Microphone
    speaker: Speaker
    report: Reporter
    show: Callable[[do.Show], None] = lambda _: None
    is_muted: Callable[[], bool] = lambda: False
    """Whether to begin with the microphone closed."""
    may_be_deaf: bool = False
    """A microphone that cannot be opened is told and waited for, instead of ending it all."""
    hangs: Callable[[], bool] = lambda: False
    """Whether the sound library is stuck beyond help."""
    attend: Callable[[bool], None] = lambda _: None
    """Shows whether something waits to be told."""
    watches_sound: bool = True
    """Whether a microphone and a speaker that fall silent are opened again."""


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """A room that is open, complete; :meth:`stop` takes less than two seconds whatever hangs."""

    name: str
    conductor: Conductor
    listening: ListeningThread
    alarms: Alarms
    untold: Untold
    quieten: Callable[[], bool]
    """Somebody is there: what rings has done its duty. False when nothing rang."""
    sound_watch: SoundWatch | None
    watching: asyncio.Task[None] | None
    stops: Stops

    @property
    def capture(self) -> Capture:
        """Its microphone."""
        return self.conductor.parts.capture

    @property
    def mouth(self) -> Mouth:
        """What owns its speaker."""
        return self.conductor.parts.mouth

    @property
    def playback(self) -> Playback:
        """Its speaker."""
        return self.mouth.playback

    @property
    def speak(self) -> VoiceOfHouse:
        """The brain's voice, for sentences of our own."""
        return self.conductor.parts.voice

    @property
    def state(self) -> State:
        """What its conversation is doing."""
        return self.conductor.core.state

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is asked or answered, and settings may change."""
        return self.conductor.core.status.is_between_turns

    @property
    def is_mending(self) -> bool:
        """Whether the microphone is broken, and somebody goes on trying to have it back."""
        return self.sound_watch is not None and self.sound_watch.is_mending

    @property
    def progress(self) -> EarsProgress:
        """How far its ears have come."""
        counts, state = self.listening.counts, self.state
        return EarsProgress(
            self.capture.health().blocks,
            counts.blocks,
            counts.seconds_scored,
            is_excused=state is State.MUTED or (state is State.FAULTED and self.is_mending),
            is_muted=state is State.MUTED,
        )

    async def wait(self) -> None:
        """Return never; raise what broke it."""
        watched = {self.conductor.broken, *({self.watching} if self.watching else ())}
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()

    async def stop(self) -> None:
        """Stop it all; raise the first ``BitternError`` of what could not be closed."""
        await self.stops.close()

"""Builds the appliance from its settings, starts it, and stops it in order."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import cached_property
from pathlib import Path

from device.appliance.brain_process import BrainProcess
from device.appliance.voice import Voice
from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.news import News
from device.audio.capture import Capture
from device.audio.echo.monitor import Quality
from device.audio.microphone import Microphone
from device.audio.playback import Playback
from device.audio.sounds import Sounds
from device.audio.speaker import Speaker
from device.clocks import SessionClock
from device.ears.heard import (
    EchoChanged,
    ListeningEvent,
    NearlyHeard,
    SpeechEnded,
    SpeechStarted,
    WakeWordEnded,
    WakeWordHeard,
)
from device.ears.opening import listening_thread
from device.ears.thread import ListeningThread
from device.errors import BitternError
from device.house.endpoints import Roster, roster
from device.house.for_tools import ConductedHouse
from device.house.standby import Standby
from device.models.location import chosen_folder
from device.nearmisses.folder import FOLDER, Kind, RecordingFolder
from device.nearmisses.keeper import Keeper
from device.reports import Reporter
from device.room.alarms import Alarms
from device.room.conductor import Conductor, Parts
from device.room.links import EndpointEntry
from device.room.mouth import Mouth
from device.room.policy import brain_arguments, policy_from, quiet_hours
from device.room.untold import Untold
from device.room.watch import SoundWatch
from device.settings import LoadedSettings
from device.settings.places import brain_socket, state_folder
from device.spending.ledger import FILE as SPENDING_FILE
from device.spending.meter import Spending
from device.spending.prices import prices
from device.tools.alarms.ringer import Ringer
from device.tools.builtin import add_builtin_tools
from device.tools.lists import Lists
from device.tools.moments import SystemClock
from device.tools.registry import Registry
from device.tools.store import Store

log = logging.getLogger(__name__)

ENDS_WITHIN_S = 1.6
"""How long whatever is stopped may take: the process has two seconds from SIGTERM on."""
WARM_WITHIN_S = 20.0
"""How long a brain may take to load when nobody waits for it yet."""


class Daemon:
    """The whole appliance around one microphone and one speaker.

    ``await start()``, then :meth:`wait` (which raises what broke it), then ``await
    stop()``, which takes less than two seconds whatever hangs.
    """

    def __init__(
        self,
        loaded: LoadedSettings,
        microphone: Microphone,
        speaker: Speaker,
        report: Reporter,
        show: Callable[[do.Show], None] = lambda _: None,
        only_endpoint: str | None = None,
        is_private: bool = False,
        is_muted: Callable[[], bool] = lambda: False,
        may_be_deaf: bool = False,
        hangs: Callable[[], bool] = lambda: False,
        attend: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """``is_private``: use no brain but one of its own, so as to disturb nobody.

        ``is_muted``: whether to begin with the microphone closed. ``may_be_deaf``: a
        microphone that cannot be opened is told and waited for, instead of ending it all.
        ``hangs``: whether the sound library is stuck beyond help. ``attend``: shows whether
        something waits to be told.
        """
        self._hangs = hangs
        self._loaded = loaded
        self._settings = loaded.settings
        self._report_outside = report
        self._attend = attend
        self._show = show
        self._only_endpoint = only_endpoint
        self._is_private = is_private
        self._is_muted = is_muted
        self._may_be_deaf = may_be_deaf
        self._deafness = ""
        self.capture = Capture(microphone, ring_s=self._settings.microphone.ring_s)
        self.playback = Playback(
            speaker,
            volume_percent=self._settings.speaker.volume_percent,
            cushion_s=self._settings.speaker.cushion_ms / 1000,
        )
        self._tasks = AsyncExitStack()
        self._sound = AsyncExitStack()
        self._talk = AsyncExitStack()
        self._thought = AsyncExitStack()
        self._house = AsyncExitStack()
        self._sound_watch: SoundWatch | None = None
        self._watch: asyncio.Task[None] | None = None
        self._keeper: Keeper | None = None
        self.brain: BrainProcess
        self.voice: Voice
        self.conductor: Conductor
        self.listening: ListeningThread
        self.alarms: Alarms
        self.mouth: Mouth
        self.ringer: Ringer
        self.untold: Untold
        self.spending: Spending
        self._ringing: asyncio.Task[None]
        self._quietening: asyncio.Task[object] | None = None

    # -- life --------------------------------------------------------------------------

    async def start(self, watch_sound: bool = True) -> None:
        """Build, wire and start everything; raises a ``BitternError`` that says what is missing."""
        try:
            await self._start(watch_sound)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, watch_sound: bool) -> None:
        self.brain = brain = self._brain()
        self.voice = Voice(brain.socket_path, brain.ensure)
        clock = SessionClock()
        sounds = Sounds.of_store(chosen_folder(self._settings.paths.models))
        registry = await self._tools(sounds)
        await self._open_spending()
        chosen = roster(
            self._loaded,
            f"unix:{brain.socket_path}",
            brain,
            registry.tools,
            self._only_endpoint,
            self.spending,
        )
        core = Assistant(policy_from(self._settings), chosen.plans, chosen.profiles)
        self.listening = self._listening_thread()
        parts = Parts(
            self.capture,
            self.mouth,
            self.listening,
            registry,
            self._show,
            self._report,
            clock,
        )
        self.conductor = Conductor(core, parts, chosen.entries)
        self._talk.push_async_callback(self.conductor.close)
        self._spent(self.spending.month_usd)
        # What rings needs a speaker and nothing else: it comes before all that takes time.
        await self._open_speaker()
        await self._begin_ringing()
        local = next((plan for plan in chosen.first_choices if plan.is_local), None)
        if local is not None:
            warming = self._warm(brain, chosen.entries[local.name])
            await self._in_background(warming, is_waited_for=self._is_private)
        await self._open_ears(clock)
        if watch_sound:
            self._begin_watch()
            await self._stand_by(brain, chosen)

    def _brain(self) -> BrainProcess:
        path = brain_socket(self._settings.paths)
        if self._is_private:
            path = self._scratch() / "brain.sock"
        may_start = self._settings.brain.autostart or self._is_private
        brain = BrainProcess(path, brain_arguments(self._settings), may_start=may_start)
        self._thought.push_async_callback(brain.stop)
        return brain

    async def _tools(self, sounds: Sounds) -> Registry:
        """The tools, and what rings: the first to be ready and the last to end."""
        store = Store(self._state / "house.sqlite3")
        await store.open()  # the ringer tells what was wrong with it
        self._house.push_async_callback(store.close)
        self.mouth = Mouth(
            self.playback,
            sounds,
            feed=lambda happened: self.conductor.feed(happened),
            now_sample=lambda: self.capture.ring.end_sample,
            is_quiet=quiet_hours(self._settings.speaker),
        )
        self.alarms = Alarms(self.mouth, sounds.chime("timer"), self.voice.speak)
        clock = SystemClock()
        self.ringer = Ringer(
            store,
            clock,
            self.alarms.ring,
            self.alarms.silence,
            on_missed=self.alarms.missed,
            on_trouble=self.alarms.trouble,
        )
        self.untold = Untold(self.mouth, self.ringer, self.voice.speak, self._attend)
        self.alarms.on_change = self.untold.look
        registry = Registry()
        house = ConductedHouse(lambda: self.conductor)
        add_builtin_tools(
            registry, house=house, clock=clock, ringer=self.ringer, lists=Lists(store)
        )
        return registry

    async def _open_spending(self) -> None:
        self.spending = Spending(
            self._state / SPENDING_FILE, prices(self._settings.price), self._spent
        )
        await self.spending.open()
        self._house.push_async_callback(self.spending.close)
        turning = asyncio.create_task(self.spending.run(), name="months")
        self._tasks.push_async_callback(_cancelled, turning)

    def _spent(self, month_usd: float) -> None:
        self.conductor.feed(inputs.Spent(month_usd))

    @cached_property
    def _state(self) -> Path:
        state = self._scratch() if self._is_private else state_folder(self._settings.paths)
        try:
            state.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as failure:
            # What is kept there says by itself that it cannot be kept.
            log.error("the state folder %s cannot be made: %s", state, failure.strerror)
        return state

    def _scratch(self) -> Path:
        folder = tempfile.TemporaryDirectory(prefix="bittern-")
        return Path(self._house.enter_context(folder))

    async def _begin_ringing(self) -> None:
        await self.ringer.start()
        self.untold.look()
        self._talk.callback(self.untold.close)
        self._ringing = asyncio.create_task(self.ringer.run(), name="ringer")
        self._house.push_async_callback(self.ringer.close)
        self._tasks.push_async_callback(_cancelled, self._ringing)

    async def _warm(self, brain: BrainProcess, entry: EndpointEntry) -> None:
        """The brain is the first choice: have it ready before it is asked."""
        patient = dataclasses.replace(
            entry.endpoint, connect_timeout_s=WARM_WITHIN_S, handshake_timeout_s=WARM_WITHIN_S
        )
        try:
            await brain.ensure()
            link = await entry.opener(patient, entry.session(patient))
        except BitternError as failure:
            log.error("%s", failure)
        else:
            await link.close()

    async def _in_background(
        self, work: Coroutine[None, None, None], *, is_waited_for: bool
    ) -> None:
        task = asyncio.create_task(work, name="warm the brain")
        self._tasks.push_async_callback(_cancelled, task)
        if is_waited_for:
            await task

    async def _open_speaker(self) -> None:
        await asyncio.to_thread(self.playback.open)
        self._sound.push_async_callback(asyncio.to_thread, self.playback.close)

    async def _open_ears(self, clock: SessionClock) -> None:
        self._keeper = self._open_keeper()
        self.listening.start()
        self._sound.push_async_callback(asyncio.to_thread, self.listening.stop)
        clock.restart()
        if self._is_muted():
            self.conductor.feed(inputs.MuteChanged(True, is_told=False))
        else:
            await self._open_microphone()
        self._sound.push_async_callback(asyncio.to_thread, self.capture.close)

    async def _open_microphone(self) -> None:
        try:
            await asyncio.to_thread(self.capture.open)
        except BitternError as failure:
            if not self._may_be_deaf:
                raise
            self._deafness = str(failure)

    async def _stand_by(self, brain: BrainProcess, chosen: Roster) -> None:
        """A brain that is not the first choice gets ready when the network goes."""
        local = next((plan for plan in chosen.plans if plan.is_local), None)
        if local is None or local is chosen.plans[0]:
            return
        entry = chosen.entries[local.name]
        standby = Standby(lambda: self._warm(brain, entry))
        await self._in_background(standby.run(), is_waited_for=False)

    def _begin_watch(self) -> None:
        self._sound_watch = watch = SoundWatch(
            self.capture, self.playback, self.conductor.feed, self._hangs
        )
        if self._deafness:
            watch.fault(self._deafness)
        self._watch = asyncio.create_task(watch.run(), name="sound watch")
        self._tasks.push_async_callback(_cancelled, self._watch)

    @property
    def is_mending(self) -> bool:
        """Whether the microphone is broken, and somebody goes on trying to have it back."""
        return self._sound_watch is not None and self._sound_watch.is_mending

    async def wait(self) -> None:
        """Return never; raise what broke the appliance."""
        watched = {self.conductor.broken, self._ringing, *({self._watch} if self._watch else ())}
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()

    async def stop(self) -> None:
        """Stop everything; raise the first ``BitternError`` of what could not be closed.

        What may hang (a sound card, a network, a brain) is stopped side by side, so that
        two that hang take no longer than one.
        """
        await self._tasks.aclose()
        slow = (self._sound, self._talk, self._thought)
        outcomes = await asyncio.gather(*map(_stopped, slow), return_exceptions=True)
        await _stopped(self._house)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    # -- ears --------------------------------------------------------------------------

    def _listening_thread(self) -> ListeningThread:
        loop = asyncio.get_running_loop()

        def on_event(event: ListeningEvent) -> None:
            loop.call_soon_threadsafe(self._heard, event)

        def on_failure(failure: BaseException) -> None:
            loop.call_soon_threadsafe(self._deaf, failure)

        return listening_thread(self._settings, self.capture, self.playback, on_event, on_failure)

    def _heard(self, event: ListeningEvent) -> None:
        moment_s = self.conductor.moment_of
        match event:
            case WakeWordHeard(word=word, score=score, end_sample=end_sample, at_sample=at_sample):
                self.quieten()
                heard = inputs.WakeWordHeard(word, score, end_sample, round(moment_s(at_sample), 3))
                self.conductor.feed(heard)
                self._keep("trigger", word, score, at_sample)
            case NearlyHeard(word=word, score=score, at_sample=at_sample):
                self._keep("near_miss", word, score, at_sample)
            case WakeWordEnded(end_sample=end_sample):
                self.conductor.feed(inputs.WakeWordEnded(end_sample))
            case SpeechStarted(at_sample=at_sample):
                self.conductor.feed(inputs.SpeechStarted(at_sample, moment_s(at_sample)))
            case SpeechEnded(at_sample=at_sample):
                self.conductor.feed(inputs.SpeechEnded(at_sample, moment_s(at_sample)))
            case EchoChanged(quality=quality) if self._settings.echo.mode == "auto":
                self.conductor.feed(inputs.EchoChanged(quality is not Quality.NOT_WORKING))

    def _keep(self, kind: Kind, word: str, score: float, at_sample: int) -> None:
        """Keep the sound of it, where the owner wants that."""
        if self._keeper is not None:
            self._keeper.keep(kind, word, score, at_sample)

    def _open_keeper(self) -> Keeper | None:
        wake = self._settings.wake
        if not wake.keep_recordings or self._is_private:
            return None
        folder = RecordingFolder(
            state_folder(self._settings.paths) / FOLDER,
            wake.keep_recordings,
            wake.keep_recordings_mb * 1_000_000,
        )
        keeper = Keeper(folder, lambda: self.capture.ring, lambda: self.capture.rate_hz)
        keeper.start()
        self._sound.push_async_callback(asyncio.to_thread, keeper.close)
        return keeper

    def _report(self, what: News) -> None:
        self._report_outside(what)
        self.untold.heard_of(what)

    def quieten(self) -> bool:
        """Somebody is there: what rings has done its duty. False when nothing rang."""
        if not self.alarms.is_ringing:
            return False
        self._quietening = asyncio.create_task(self.ringer.stop(), name="stop ringing")
        return True

    def _deaf(self, failure: BaseException) -> None:
        if not self.conductor.broken.done():
            self.conductor.broken.set_exception(failure)


async def _stopped(parts: AsyncExitStack) -> None:
    """Wait no longer than that, however many of them hang one after the other."""
    closing = asyncio.create_task(parts.aclose(), name="close")
    try:
        await asyncio.wait({closing}, timeout=ENDS_WITHIN_S)
        if closing.done():
            closing.result()
        else:
            log.error("something did not stop within %g s; it ends with the process", ENDS_WITHIN_S)
    finally:
        # Not awaited: the next one that hangs would have no limit.
        closing.cancel()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=1.0)

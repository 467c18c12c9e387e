"""Builds a room of a house: every part complete before the next one gets it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections.abc import Callable

from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.news import News
from device.audio.capture import Capture
from device.audio.leveller import Leveller
from device.audio.playback import Playback
from device.audio.sounds import Sounds
from device.clocks import SessionClock
from device.ears.opening import listening_thread
from device.ears.thread import ListeningThread
from device.errors import BitternError
from device.house.endpoints import Roster, roster
from device.house.for_tools import RoomForTools
from device.house.services import Services
from device.house.standby import Standby
from device.models.location import chosen_folder
from device.nearmisses.folder import FOLDER, RecordingFolder
from device.nearmisses.keeper import Keeper
from device.room.alarms import Alarms
from device.room.conductor import Conductor, ConductorParts
from device.room.hearing import Hearing
from device.room.inbox import Inbox
from device.room.links import EndpointEntry
from device.room.mouth import Mouth
from device.room.policy import policy_from, quiet_hours
from device.room.room import Room, RoomPlan
from device.room.stopping import Stage, Stops
from device.room.untold import Untold
from device.room.watch import SoundWatch
from device.settings import LoadedSettings
from device.tools.builtin import add_builtin_tools
from device.tools.facts import told
from device.tools.policy import ToolPolicy
from device.tools.registry import Registry

log = logging.getLogger(__name__)

WARM_WITHIN_S = 20.0
"""How long a brain may take to load when nobody waits for it yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the whole house, whatever its settings say."""

    only_endpoint: str | None = None
    """The one endpoint that is asked, by its name."""
    is_private: bool = False
    """No brain and no store but its own, so as to disturb nobody."""


class RoomOpening:
    """The opening of one room, step by step; :meth:`room` is the last."""

    def __init__(
        self, name: str, loaded: LoadedSettings, plan: RoomPlan, services: Services, terms: Terms
    ) -> None:
        self._name = name
        self._loaded, self._settings = loaded, loaded.settings
        self._plan, self._services, self._terms = plan, services, terms
        self.stops = Stops()
        self._inbox = Inbox()
        self._clock = SessionClock()
        self._capture = Capture(plan.microphone, ring_s=self._settings.microphone.ring_s)
        self._playback = Playback(
            plan.speaker,
            volume_percent=services.volumes.of(name),
            cushion_s=self._settings.speaker.cushion_ms / 1000,
            rest_s=self._settings.speaker.rest_s or None,
        )
        sounds = Sounds.of_store(chosen_folder(self._settings.paths.models))
        self._mouth = Mouth(
            self._playback,
            sounds,
            feed=self._inbox.feed,
            now_sample=lambda: self._capture.ring.end_sample,
            level=Leveller(),
            is_quiet=quiet_hours(self._settings.speaker),
            ceiling_percent=self._settings.speaker.quiet_volume_percent,
            keep_volume=lambda percent: services.volumes.keep(name, percent),
        )
        voice = services.voice
        self._untold = Untold(self._mouth, services.ringer, voice.speak, plan.attend)
        self._alarms = Alarms(
            self._mouth, sounds.chime("timer"), voice.speak_first, self._untold.look
        )
        self._quietening: set[asyncio.Task[object]] = set()

    async def room(self) -> Room:
        """Open it; raises a ``BitternError`` that says what is missing."""
        registry = Registry(policy=ToolPolicy(self._settings.tools.deny))
        chosen = self._roster(registry)
        listening = self._listening()
        conductor = self._conductor(chosen, registry, listening)
        # What rings needs a speaker and nothing else: it comes before all that takes time.
        await asyncio.to_thread(self._playback.open)
        self.stops.add(Stage.SOUND, asyncio.to_thread, self._playback.close)
        self._services.rings.join(self._alarms)
        self.stops.add(Stage.WATCHES, self._services.rings.leave, self._alarms)
        self._untold.look()
        await self._warm_first_choice(chosen)
        deafness = await self._open_ears(listening)
        watch = self._sound_watch(deafness)
        watching: asyncio.Task[None] | None = None
        if watch is not None:
            watching = self.stops.watch(asyncio.create_task(watch.run(), name="sound watch"))
            self._stand_by(chosen)
        return Room(
            self._name,
            conductor,
            listening,
            self._alarms,
            self._untold,
            self._quieten,
            watch,
            watching,
            self.stops,
        )

    def _roster(self, registry: Registry) -> Roster:
        services = self._services
        url = f"unix:{services.brain.socket_path}"
        only = self._terms.only_endpoint
        return roster(
            self._loaded,
            url,
            services.brain,
            registry.tools,
            only,
            services.spending,
            facts=lambda: told(services.facts.known),
            memory=services.memory,
        )

    def _conductor(
        self, chosen: Roster, registry: Registry, listening: ListeningThread
    ) -> Conductor:
        services, plan = self._services, self._plan
        core = Assistant(
            policy_from(self._settings), chosen.plans, chosen.profiles, chance=random.random
        )
        add_builtin_tools(
            registry,
            house=RoomForTools(
                core,
                self._mouth,
                self._inbox.feed,
                self._settings.speaker.spoken_volume_limit_percent,
            ),
            clock=services.ringer.clock,
            ringer=services.ringer,
            lists=services.lists,
            facts=services.facts,
        )
        self._add_camera(registry, core)
        services.others.attach_to(registry)
        parts = ConductorParts(
            self._capture,
            self._mouth,
            listening,
            registry,
            plan.show,
            self._report,
            self._clock,
            services.voice.speak,
        )
        conductor = Conductor(core, parts, chosen.entries, self._inbox)
        self.stops.add(Stage.CONVERSATION, conductor.close)
        services.spending.followers.append(self._spent)
        self.stops.add(Stage.WATCHES, self._no_more_told)
        self._spent(services.spending.month_usd)
        return conductor

    def _add_camera(self, registry: Registry, core: Assistant) -> None:
        """Offer what looks, where the owner has named a camera; else nothing of it is loaded."""
        chosen = self._settings.camera
        if not chosen.is_wanted:
            return
        from device.house.looking import add_camera_tools

        add_camera_tools(
            registry,
            self._settings,
            self._mouth,
            self._inbox.feed,
            lambda: core.status.is_muted,
        )

    def _spent(self, month_usd: float) -> None:
        self._inbox.feed(inputs.Spent(month_usd))

    def _report(self, what: News) -> None:
        self._plan.report(what)
        self._untold.heard_of(what)

    async def _no_more_told(self) -> None:
        self._untold.close()
        self._services.spending.followers.remove(self._spent)

    def _quieten(self) -> bool:
        if not self._services.rings.is_ringing:
            return False
        task = asyncio.create_task(self._services.ringer.stop(), name="stop ringing")
        self._quietening.add(task)
        task.add_done_callback(self._quietening.discard)
        return True

    # -- ears --------------------------------------------------------------------------

    def _listening(self) -> ListeningThread:
        loop, inbox = asyncio.get_running_loop(), self._inbox
        hearing = Hearing(
            self._capture,
            self._clock,
            inbox.feed,
            self._quieten,
            self._keeper(),
            tells_of_echo=self._settings.echo.mode == "auto",
        )
        return listening_thread(
            self._settings,
            self._capture,
            self._playback,
            lambda event: _handed_over(loop, hearing.take, event),
            lambda failure: _handed_over(loop, inbox.break_down, failure),
        )

    def _keeper(self) -> Keeper | None:
        wake = self._settings.wake
        if not wake.keep_recordings or self._terms.is_private:
            return None
        folder = RecordingFolder(
            self._services.state / FOLDER,
            wake.keep_recordings,
            wake.keep_recordings_mb * 1_000_000,
        )
        keeper = Keeper(folder, lambda: self._capture.ring, lambda: self._capture.rate_hz)
        keeper.start()
        self.stops.add(Stage.SOUND, asyncio.to_thread, keeper.close)
        return keeper

    async def _open_ears(self, listening: ListeningThread) -> str:
        """Begin to listen; return why the microphone could not be opened, where it may be deaf."""
        listening.start()
        self.stops.add(Stage.SOUND, asyncio.to_thread, listening.stop)
        self._clock.restart()
        self.stops.add(Stage.SOUND, asyncio.to_thread, self._capture.close)
        if self._plan.is_muted():
            self._inbox.feed(inputs.MuteChanged(True, is_told=False))
            return ""
        try:
            await asyncio.to_thread(self._capture.open)
        except BitternError as failure:
            if not self._plan.may_be_deaf:
                raise
            return str(failure)
        return ""

    def _sound_watch(self, deafness: str) -> SoundWatch | None:
        if not self._plan.watches_sound:
            return None
        watch = SoundWatch(self._capture, self._playback, self._inbox.feed, self._plan.hangs)
        if deafness:
            watch.fault(deafness)
        return watch

    # -- the brain ---------------------------------------------------------------------

    async def _warm_first_choice(self, chosen: Roster) -> None:
        """Where the brain is the first choice, have it ready before it is asked."""
        local = next((plan for plan in chosen.first_choices if plan.is_local), None)
        if local is None:
            return
        warming = self.stops.watch(
            asyncio.create_task(self._warm(chosen.entries[local.name]), name="warm the brain")
        )
        if self._terms.is_private:
            await warming

    async def _warm(self, entry: EndpointEntry) -> None:
        patient = dataclasses.replace(
            entry.endpoint, connect_timeout_s=WARM_WITHIN_S, handshake_timeout_s=WARM_WITHIN_S
        )
        try:
            await self._services.brain.ensure()
            link = await entry.opener(patient, entry.session(patient))
        except BitternError as failure:
            log.error("%s", failure)
        else:
            await link.close()

    def _stand_by(self, chosen: Roster) -> None:
        """A brain that is not the first choice gets ready when the network goes."""
        local = next((plan for plan in chosen.plans if plan.is_local), None)
        if local is None or local is chosen.plans[0]:
            return
        standby = Standby(lambda: self._warm(chosen.entries[local.name]))
        self.stops.watch(asyncio.create_task(standby.run(), name="stand by"))


def _handed_over(loop: asyncio.AbstractEventLoop, take: Callable[..., None], what: object) -> None:
    loop.call_soon_threadsafe(take, what)

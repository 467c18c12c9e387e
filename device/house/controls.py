"""What a finger on the panel does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device.appliance.voice import NoVoiceError
from device.assistant import inputs
from device.house.introduction import own_introduction
from device.house.resetting import Resetting
from device.panel.actions import Action
from device.panel.gestures import Gesture
from device.panel.panel import Panel
from device.panel.watchers import ButtonDown, ButtonEvent
from device.phrases.book import Phrase
from device.phrases.en import ENGLISH
from device.room.focus import Channel
from device.room.room import Room

log = logging.getLogger(__name__)

VOLUME_STEP_PERCENT = 10


class Controls:
    """Carries out the actions of buttons and of the mute switch.

    ``button`` and ``mute_switch`` may be called from any thread, also before there is a
    room: a switch that is on from the start closes the microphone as soon as there is
    one. The switch wins over software.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        forget: Callable[[], None] = lambda: None,
        invite: Callable[[], list[Phrase]] = list,
    ) -> None:
        """``forget``: does the factory reset, or has it done; called on the loop.

        ``invite``: lets in who is told what it returns, where browsers may come at all.
        """
        self._loop = loop
        self._invite = invite
        self.resetting = Resetting(loop, forget)
        self._introducing: asyncio.Task[None] | None = None
        self._room: Room | None = None
        self._panel: Panel | None = None
        self._is_switched_off = False
        self._was_muted_by_hand = False
        self.listeners: set[Callable[[ButtonEvent], None]] = set()
        """Are told of every gesture that means something."""

    def take(self, room: Room, panel: Panel) -> None:
        """From now on there is an appliance to control."""
        self._room, self._panel = room, panel
        self.resetting.take(room, panel)
        if self._is_switched_off:
            self._mute(True)

    @property
    def is_switched_off(self) -> bool:
        """Whether the mute switch is on: then no software opens the microphone."""
        return self._is_switched_off

    @property
    def is_muted_by_hand(self) -> bool:
        """Whether somebody here has closed the microphone, by the switch or by a button."""
        return self._is_switched_off or self._was_muted_by_hand

    def unmute(self) -> None:
        """Open the microphone, by an order; whoever orders it has asked whether that may be."""
        self._mute(False)

    def button(self, event: ButtonEvent) -> None:
        """A gesture on a button, from the panel's thread."""
        self._loop.call_soon_threadsafe(self._pressed, event)

    def down(self, down: ButtonDown) -> None:
        """A button went down, from the panel's thread."""
        self._loop.call_soon_threadsafe(self.resetting.down, down)

    def mute_switch(self, muted: bool) -> None:
        """The position of the mute switch, from the panel's thread."""
        self._loop.call_soon_threadsafe(self._switched, muted)

    def close(self) -> None:
        """Do nothing more by oneself."""
        self.resetting.close()
        if self._introducing is not None:
            self._introducing.cancel()

    def _pressed(self, event: ButtonEvent) -> None:
        if self.resetting.button(event):
            return
        if event.gesture not in (Gesture.VERY_LONG_COMING, Gesture.VERY_LONG_CANCELLED):
            for listener in tuple(self.listeners):
                listener(event)
            self.act(event.action)

    def act(self, action: Action) -> None:
        """Carry out an action, on the thread of the event loop."""
        if action is Action.NONE:
            return
        perform = _ACTIONS.get(action)
        if self._room is None or perform is None:
            log.info("nothing to do for %s", action)
            return
        perform(self, self._room)

    def _switched(self, muted: bool) -> None:
        self._is_switched_off = muted
        self._mute(muted)

    def _mute(self, muted: bool) -> None:
        if not muted:
            self._was_muted_by_hand = False
        if self._room is not None:
            self._room.conductor.feed(inputs.MuteChanged(muted))

    def _talk(self, room: Room) -> None:
        if room.quieten():
            return
        conductor = room.conductor
        conductor.feed(inputs.TalkPressed(conductor.now_sample()))

    def _stop(self, room: Room) -> None:
        if not room.quieten():
            room.untold.somebody_is_there()
        room.mouth.stop_announcements()
        room.conductor.feed(inputs.StopRequested())

    def _toggle_mute(self, room: Room) -> None:
        if self._is_switched_off:
            log.info("the mute switch is on; only it can open the microphone")
            return
        is_muted = room.conductor.core.status.is_muted
        self._mute(not is_muted)
        self._was_muted_by_hand = not is_muted

    def _louder(self, room: Room) -> None:
        self._change_volume(room, VOLUME_STEP_PERCENT)

    def _quieter(self, room: Room) -> None:
        self._change_volume(room, -VOLUME_STEP_PERCENT)

    def _pair(self, room: Room) -> None:
        room.quieten()
        room.conductor.feed(inputs.StopRequested())
        if (why := room.mouth.refusal(Channel.ANNOUNCEMENT)) is not None:
            log.info("the address is not said: %s", why)
            return
        self._introducing = asyncio.create_task(self._introduce(room), name="introduction")

    async def _introduce(self, room: Room) -> None:
        text = ENGLISH.say(await asyncio.to_thread(own_introduction))
        log.info("%s", text)
        try:
            # The code is for who is there, and has no place in a log.
            samples = await room.speak(f"{text} {ENGLISH.say(self._invite())}".strip())
        except NoVoiceError as failure:
            log.warning("the address is not said: %s", failure)
            room.mouth.chime("error")
            return
        room.mouth.say(Channel.ANNOUNCEMENT, "introduction", samples)

    def _change_volume(self, room: Room, by_percent: int) -> None:
        volume = min(max(room.mouth.volume_percent + by_percent, 0), 100)
        room.mouth.volume_percent = volume
        if self._panel is not None:
            self._panel.show_volume(volume / 100)


_ACTIONS: dict[Action, Callable[[Controls, Room], None]] = {
    Action.TALK: Controls._talk,
    Action.STOP: Controls._stop,
    Action.MUTE: Controls._toggle_mute,
    Action.VOLUME_UP: Controls._louder,
    Action.VOLUME_DOWN: Controls._quieter,
    Action.PAIR: Controls._pair,
}

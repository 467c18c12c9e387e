"""The panel of a house: built by the settings, and built anew when these change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from device.assistant.effects import Show
from device.assistant.states import State
from device.house.controls import Controls
from device.panel.boards import load_board, with_actions
from device.panel.dimming import dimming
from device.panel.front import Front
from device.panel.gpio import Pins
from device.room.loudness import loudness
from device.room.room import Room
from device.settings import tree

SWITCH_WITHIN_S = 2.0
"""How long the position of a mute switch may take to be known."""


class HouseFront:
    """Lights and buttons, whichever board has them now. Lit from the beginning."""

    def __init__(
        self,
        panel: tree.Panel,
        controls: Controls,
        pins: Pins | None,
        room: Callable[[], Room | None],
    ) -> None:
        """``pins``: gpiozero's, in place of the Raspberry Pi's.

        ``room``: the one with whose voices the lights grow, while there is one.
        """
        self._controls = controls
        self._pins = pins
        self._room = room
        self.front = self._lit(panel)

    def _lit(self, panel: tree.Panel) -> Front:
        controls = self._controls
        front = Front(
            with_actions(
                load_board(panel.board),
                press=panel.press,
                double=panel.double,
                long=panel.long,
                very_long=panel.very_long,
            ),
            on_button=controls.button,
            on_mute_switch=controls.mute_switch,
            on_down=controls.down,
            dimming=dimming(
                panel.brightness_percent, panel.night_percent, panel.night_from, panel.night_to
            ),
            terminal=panel.terminal,
            pins=self._pins,
        )
        front.start()
        front.panel.follow(self._loudness)
        return front

    def _loudness(self, state: State) -> float:
        """For the panel, on its thread."""
        room = self._room()
        return loudness(room, state) if room is not None else 0.0

    async def until_switch_is_known(self) -> None:
        """Return when it is known whether a switch mutes, or nobody tells in time."""
        await asyncio.to_thread(self.front.buttons.wait_until_known, SWITCH_WITHIN_S)

    def rebuild(self, panel: tree.Panel, show: Show) -> None:
        """Another board, or other colours; it shows at once how things are."""
        self.front.close()
        self.front = self._lit(panel)
        self.show(show)

    def show(self, what: Show) -> None:
        """Light the state of the conversation."""
        self.front.panel.show(
            what.state, is_local=what.is_local, fault=what.fault, looks=what.looks
        )

    def attend(self, is_wanted: bool) -> None:
        """Show whether something waits to be told."""
        self.front.panel.attend(is_wanted)

    def close(self) -> None:
        """Go dark."""
        self.front.close()

"""Tools that touch the appliance itself: its loudness, its last answer, its state."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from device.phrases.book import Phrase, phrase
from device.tools.answers import Answer
from device.tools.house import HouseForTools, HouseStatus
from device.tools.undo import UndoLog

_AFTER_MUTE = 50
"""The volume after a mute that nobody remembers the volume before of."""
Percent = Annotated[int, Meta(ge=0, le=100)]


class ApplianceTools:
    """The volume, the microphone, ``repeat_last`` and ``device_status``."""

    def __init__(self, house: HouseForTools, changes: UndoLog | None = None) -> None:
        self._house = house
        self._changes = changes or UndoLog()
        self._before_mute = _AFTER_MUTE

    async def set_volume(self, percent: Percent) -> Answer:
        """Set how loud this device speaks and plays.

        Args:
            percent: The new volume from 0 (silent) to 100 (loudest). A number from 1 to 10 said
                without "percent" is out of ten: "volume five" is 50.
        """
        return await self._set(percent)

    async def change_volume(
        self, direction: Literal["up", "down"], percent: Percent = 10
    ) -> Answer:
        """Make this device louder or quieter.

        Args:
            direction: up is louder, down is quieter.
            percent: By how many percent of the loudest; 10 unless the user says otherwise.
        """
        step = percent if direction == "up" else -percent
        return await self._set(max(0, min(100, self._house.volume() + step)))

    async def mute_volume(self) -> Answer:
        """Make this device silent until it is unmuted; alarms still ring."""
        before = self._house.volume()
        if before:
            self._before_mute = before
        return await self._set(0)

    async def unmute_volume(self) -> Answer:
        """Have the loudness back that there was before this device was muted."""
        now = self._house.volume()
        return await self._set(now or self._before_mute)

    async def mute_microphone(self) -> Answer:
        """Stop listening: close the microphone until a button or the control program opens it."""
        await self._house.mute_microphone()
        facts = {"is_muted": True}
        return Answer(facts, phrase("microphone_muted"))

    async def _set(self, percent: int) -> Answer:
        before = self._house.volume()
        if percent != before:
            await self._house.set_volume(percent)
        if self._house.volume() != before:
            self._changes.note(phrase("did_change_volume"), lambda: self._have_volume(before))
        now = self._house.volume()
        if now < percent:
            said = phrase("volume_limited", percent=now)
        elif percent == before and percent in (0, 100):
            said = phrase("volume_loudest") if percent else phrase("volume_silent")
        else:
            said = phrase("volume_is_now", percent=now)
        return Answer({"volume_percent": now, "before_percent": before}, said)

    async def _have_volume(self, percent: int) -> bool:
        await self._house.set_volume(percent)
        return True

    async def repeat_last(self) -> Answer:
        """Say again what this device said last, when the user did not catch it."""
        answer = self._house.last_answer()
        if not answer:
            return Answer({"last_answer": None}, phrase("nothing_said"))
        return Answer({"last_answer": answer}, answer)

    async def device_status(self) -> Answer:
        """Tell how this device is: online or offline, network, volume, faults, uptime."""
        status = self._house.status()
        volume = self._house.volume()
        return Answer({**status, "volume_percent": volume}, _status_sentences(status, volume))


def _status_sentences(status: HouseStatus, volume: int) -> list[Phrase]:
    sentences = []
    if "is_online" in status:
        sentences.append(_online_sentence(status))
    if status.get("fault"):
        sentences.append(phrase("status_fault", fault=status["fault"]))
    if status.get("is_muted"):
        sentences.append(phrase("status_muted"))
    sentences.append(phrase("status_volume", percent=volume))
    if "running_s" in status:
        sentences.append(phrase("status_running", time=status["running_s"]))
    return sentences


def _online_sentence(status: HouseStatus) -> Phrase:
    network = status.get("network")
    if not status["is_online"]:
        return phrase("status_offline")
    if network and status.get("is_local"):
        return phrase("status_online_by_local", network=network)
    if network:
        return phrase("status_online_by", network=network)
    return phrase("status_online_local") if status.get("is_local") else phrase("status_online")

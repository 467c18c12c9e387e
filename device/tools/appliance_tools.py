"""Tools that touch the appliance itself: its loudness, its last answer, its state."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from device.tools import spoken
from device.tools.answers import Answer
from device.tools.house import House, HouseStatus

Percent = Annotated[int, Meta(ge=0, le=100)]


class ApplianceTools:
    """``set_volume``, ``change_volume``, ``repeat_last`` and ``device_status``."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def set_volume(self, percent: Percent) -> Answer:
        """Set how loud this device speaks and plays.

        Args:
            percent: The new volume from 0 (silent) to 100 (loudest).
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

    async def _set(self, percent: int) -> Answer:
        before = self._house.volume()
        if percent != before:
            await self._house.set_volume(percent)
        now = self._house.volume()
        if percent == before and percent in (0, 100):
            sentence = "That's as loud as I get." if percent else "I'm silent already."
        else:
            sentence = f"Volume {spoken.number(now)} percent."
        return Answer({"volume_percent": now, "before_percent": before}, sentence)

    async def repeat_last(self) -> Answer:
        """Say again what this device said last, when the user did not catch it."""
        answer = self._house.last_answer()
        if not answer:
            return Answer({"last_answer": None}, "I haven't said anything yet.")
        return Answer({"last_answer": answer}, answer)

    async def device_status(self) -> Answer:
        """Tell how this device is: online or offline, network, volume, faults, uptime."""
        status = self._house.status()
        volume = self._house.volume()
        return Answer({**status, "volume_percent": volume}, _status_sentences(status, volume))


def _status_sentences(status: HouseStatus, volume: int) -> str:
    sentences = []
    if "is_online" in status:
        sentences.append(_online_sentence(status))
    if status.get("fault"):
        sentences.append(f"Something is wrong: {status['fault']}.")
    if status.get("is_muted"):
        sentences.append("My microphone is off.")
    sentences.append(f"The volume is {spoken.number(volume)} percent.")
    if "running_s" in status:
        sentences.append(f"I've been running for {spoken.remaining(status['running_s'])}.")
    return " ".join(sentences)


def _online_sentence(status: HouseStatus) -> str:
    network = status.get("network")
    where = f" through {network}" if network else ""
    if not status["is_online"]:
        return "I'm offline, and answer by myself."
    if status.get("is_local"):
        return f"I'm online{where}, but answer by myself at the moment."
    return f"I'm online{where}."

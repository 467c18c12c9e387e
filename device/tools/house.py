"""What tools need of the appliance around them; the daemon provides it."""

from __future__ import annotations

from typing import NoReturn, Protocol, TypedDict

from device.phrases.book import phrase
from device.tools.answers import ToolError


class HouseStatus(TypedDict, total=False):
    """What ``device_status`` tells; the appliance leaves out what it does not know."""

    is_online: bool
    """Whether an endpoint beyond this machine answers."""
    endpoint: str
    """Name of the endpoint that answers now."""
    is_local: bool
    """Whether that is the brain on this machine."""
    network: str
    """Name of the network."""
    address: str
    """Address of the appliance in its network."""
    is_muted: bool
    fault: str
    """What is broken, in a few words; empty when nothing is."""
    version: str
    running_s: float
    """How long the appliance has been running."""
    temperature_c: float
    """Of the processor."""


class HouseForTools(Protocol):
    """The appliance, as far as a tool may touch it. Failures are ``BitternError``."""

    def volume(self) -> int:
        """Loudness of the speaker in percent, 0 to 100."""

    async def set_volume(self, percent: int) -> None:
        """Set the loudness of the speaker, 0 to 100, or to the loudest that a tool may."""

    def last_answer(self) -> str | None:
        """What was said last, as far as it was heard; None when nothing was said yet."""

    def status(self) -> HouseStatus:
        """How the appliance is."""

    async def stop_playback(self) -> bool:
        """Silence what is being played or said; False when all was silent already."""

    async def mute_microphone(self) -> None:
        """Close the microphone, as the button and the control program do."""


class NoHouse:
    """Stands in where the appliance is not running: every request is refused, with the reason."""

    def volume(self) -> int:
        """Refuse."""
        self._refuse()

    async def set_volume(self, percent: int) -> None:  # noqa: ARG002
        """Refuse."""
        self._refuse()

    def last_answer(self) -> str | None:
        """Refuse."""
        self._refuse()

    def status(self) -> HouseStatus:
        """Refuse."""
        self._refuse()

    async def stop_playback(self) -> bool:
        """Refuse."""
        self._refuse()

    async def mute_microphone(self) -> None:
        """Refuse."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ToolError(
            "the appliance is not running here: only the running daemon can do this",
            spoken=phrase("not_running"),
            try_again=False,
        )

"""Tools that look: one picture when somebody asks for it, or a few in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta

from device.tools.answers import Answer

FOR_WHO_SEES = frozenset({"look", "watch_this"})
"""Offered to nobody who could make nothing of a picture."""

LONGEST_WATCH_S = 12
"""Whoever asked waits for the answer, and so does the endpoint."""


class CameraForTools(Protocol):
    """The camera of a room, with all that must happen before it looks."""

    async def pictures(self, count: int) -> Sequence[bytes]:
        """Take pictures, evenly spaced: JPEGs that may be sent, at most ``count``.

        Raises ``ToolError`` while it may not look, and ``BitternError`` where it cannot.
        """


class CameraTools:
    """``look`` and ``watch_this``. Nothing of a picture is kept."""

    def __init__(self, camera: CameraForTools, every_s: float, most: int) -> None:
        self._camera = camera
        self._every_s = every_s
        self._most = most

    async def look(self) -> Answer:
        """Look through this device's camera, when the user asks what you see or shows something.

        The picture is then in the conversation, until you have answered.
        """
        return _attached(await self._camera.pictures(1))

    async def watch_this(
        self, seconds: Annotated[int, Meta(ge=1, le=LONGEST_WATCH_S)] = 8
    ) -> Answer:
        """Take several pictures in a row, when the user asks you to watch what happens.

        Args:
            seconds: For how long; 8 unless the user says otherwise.
        """
        count = min(max(round(seconds / self._every_s), 2), self._most)
        return _attached(await self._camera.pictures(count))


def _attached(jpegs: Sequence[bytes]) -> Answer:
    return Answer({"pictures_attached": len(jpegs)}, jpegs=tuple(jpegs))

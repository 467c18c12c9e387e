"""The camera of a room: sound and light first, never while muted, and nothing is kept."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

from device.appliance.secrecy import for_children
from device.assistant import inputs
from device.camera.commands import command_for
from device.camera.taking import WITHIN_S, CommandCamera, PictureSource, SocketCamera
from device.phrases.book import phrase
from device.settings import tree
from device.settings.places import SYSTEMD_CAMERA, camera_socket
from device.tools.answers import ToolError
from device.tools.camera_tools import LONGEST_WATCH_S, CameraTools
from device.tools.registry import Registry

T = TypeVar("T")

WARNING_S = 0.4
"""The shutter is heard, and the light seen, so long before the camera looks."""
LOOKED_AFTER_S = 0.05
"""How often it is looked after whether the microphone is still open: mute shuts both."""


class Sounding(Protocol):
    """The mouth, as far as it is needed here."""

    def chime(self, name: str) -> None:
        """A short sound, now."""


def camera_of(settings: tree.Settings, *, is_appliance: bool = True) -> PictureSource:
    """Return the camera that the settings name; raises ``PictureError``.

    ``is_appliance``: False for a person, who may ask the appliance's unit all the same.
    """
    socket = camera_socket(settings.paths) if is_appliance else _unit_of_others()
    if socket is not None:
        return SocketCamera(socket)
    chosen = settings.camera
    return CommandCamera(command_for(chosen.source, chosen.command), for_children())


def _unit_of_others() -> Path | None:
    may_ask = SYSTEMD_CAMERA.is_socket() and os.access(SYSTEMD_CAMERA, os.W_OK)
    return SYSTEMD_CAMERA if may_ask else None


def add_camera_tools(
    registry: Registry,
    settings: tree.Settings,
    mouth: Sounding,
    feed: Callable[[inputs.Input], None],
    is_muted: Callable[[], bool],
) -> None:
    """Offer a model the camera that the settings name."""
    chosen = settings.camera
    camera = RoomCamera(lambda: camera_of(settings), mouth, feed, is_muted, chosen.every_s)
    tools = CameraTools(camera, chosen.every_s, chosen.most_pictures)
    registry.add(tools.look, timeout_s=WITHIN_S + 2.0)
    registry.add(tools.watch_this, timeout_s=LONGEST_WATCH_S + WITHIN_S / 2)


class RoomCamera:
    """What the tools of a room may do with its camera; see ``CameraForTools``."""

    def __init__(
        self,
        camera: Callable[[], PictureSource],
        mouth: Sounding,
        feed: Callable[[inputs.Input], None],
        is_muted: Callable[[], bool],
        every_s: float,
    ) -> None:
        """``camera``: opens it for one request; raises ``PictureError``."""
        self._camera = camera
        self._mouth = mouth
        self._feed = feed
        self._is_muted = is_muted
        self._every_s = every_s
        self._one_at_a_time = asyncio.Lock()

    async def pictures(self, count: int) -> list[bytes]:
        """Take pictures; see ``CameraForTools``."""
        async with self._one_at_a_time:
            self._may_look()
            camera = self._camera()
            self._feed(inputs.CameraChanged(True))
            try:
                self._mouth.chime("shutter")
                await self._while_open(asyncio.sleep(WARNING_S))
                taken: list[bytes] = []
                while len(taken) < count:
                    pause = asyncio.create_task(asyncio.sleep(self._every_s))
                    taken.append(await self._while_open(camera.picture()))
                    if len(taken) < count:
                        await self._while_open(_over(pause))
                    pause.cancel()
            finally:
                self._feed(inputs.CameraChanged(False))
        return taken

    def _may_look(self) -> None:
        if self._is_muted():
            raise ToolError(
                "the device is muted, and its camera is shut with its microphone",
                spoken=phrase("camera_muted"),
                try_again=False,
            )

    async def _while_open(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something as long as nobody mutes; then it is broken off, and comes to nothing."""
        task = asyncio.create_task(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOKED_AFTER_S)
                self._may_look()
            return task.result()
        finally:
            task.cancel()


async def _over(pause: asyncio.Task[None]) -> None:
    await pause

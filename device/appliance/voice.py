"""Sentences of the appliance's own, spoken by the local brain.

The voice takes 185 MB. It is loaded once on the machine, in the brain's process and memory,
so that the ears never have to share with it; sentences are spoken one after the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np

from device.audio.samples import Samples
from device.errors import BitternError
from device.realtime.speech import LONGEST_TEXT, MOST_WAITING, SPEECH_PATH, SPOKEN_WITHIN_S

log = logging.getLogger(__name__)

_MOST_BYTES = 8 << 20
"""Of an answer: three minutes of sound, which no sentence takes."""
_ATTEMPTS = 2
"""A brain that was killed in the middle (memory) is back when it is asked again."""


class NoVoiceError(BitternError):
    """The sentence could not be spoken."""


class Voice:
    """Speaks by way of the brain at a Unix socket; sentences wait for one another.

    ``ensure`` makes sure that a brain is there, or raises a ``BitternError``.
    """

    def __init__(self, socket_path: Path, ensure: Callable[[], Awaitable[None]]) -> None:
        self._socket_path = socket_path
        self._ensure = ensure
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def speak(self, text: str) -> Samples:
        """Return the sound of a text (mono int16, 24 kHz); raises :class:`NoVoiceError`."""
        text = text.strip()
        if not text or len(text) > LONGEST_TEXT:
            raise NoVoiceError(f"a text of 1 to {LONGEST_TEXT} characters is needed")
        if self._waiting >= MOST_WAITING:
            raise NoVoiceError(
                f"{MOST_WAITING} sentences wait for the voice already", "Try again in a moment."
            )
        self._waiting += 1
        try:
            async with asyncio.timeout(SPOKEN_WITHIN_S), self._turn:
                return await self._spoken(text)
        except TimeoutError:
            raise NoVoiceError(f"the voice took more than {SPOKEN_WITHIN_S:g} s") from None
        finally:
            self._waiting -= 1

    async def speak_first(self, text: str) -> Samples:
        """As :meth:`speak`, before all that waits here: for what rings."""
        try:
            async with asyncio.timeout(SPOKEN_WITHIN_S):
                return await self._spoken(text.strip()[:LONGEST_TEXT])
        except TimeoutError:
            raise NoVoiceError(f"the voice took more than {SPOKEN_WITHIN_S:g} s") from None

    async def _spoken(self, text: str) -> Samples:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await self._ensure()
                return await _fetch(self._socket_path, text)
            except BitternError as failure:
                if isinstance(failure, NoVoiceError):
                    raise
                raise NoVoiceError(f"no voice: {failure.what}", failure.advice) from failure
            except (OSError, asyncio.IncompleteReadError) as failure:
                log.warning("the brain hung up on a sentence (%d): %s", attempt, failure)
        raise NoVoiceError(
            "the local brain ended while it spoke",
            "`journalctl -u bittern-brain` says why; the machine may be short of memory.",
        )


async def _fetch(socket_path: Path, text: str) -> Samples:
    reader, writer = await asyncio.open_unix_connection(socket_path)
    try:
        path = f"{SPEECH_PATH}?text={quote(text, safe='')}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: brain\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        names = (line.partition(":") for line in head[1:])
        headers = {name.lower(): value.strip() for name, _, value in names}
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            raise NoVoiceError(f"the brain sends no sound: {head[0]!r}")
        body = await reader.readexactly(int(length))
    finally:
        writer.transport.abort()
    status = head[0].split(" ")[1:2]
    if status == ["404"] or status == ["426"]:
        raise NoVoiceError(
            "the brain that answers cannot speak for others", "Restart it: `bittern restart-brain`."
        )
    if status != ["200"] or len(body) % 2:
        raise NoVoiceError(
            f"the voice could not speak: {body[:200].decode(errors='replace')}",
            "It belongs to the brain: is its voice installed?",
        )
    return np.frombuffer(body, "<i2").astype(np.int16)

"""How an alarm, a timer or a reminder is heard: a tone that repeats until somebody stops it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import numpy as np

from device.audio.samples import Samples
from device.tools.alarms.decisions import Ring, Silence

log = logging.getLogger(__name__)

PERIOD_S = 2.5
"""From one tone to the next: a pause in which "stop" can be heard."""
QUIETEST = 0.25
"""Of full scale, where the loudness of a ringing begins."""


class Alarms:
    """Sounds what the ringer decides. Needs a speaker, and nothing else of the appliance.

    ``mix_in`` plays a short sound over whatever plays; ``tone`` is that sound, int16 at
    24 kHz. On the thread of the event loop.
    """

    def __init__(self, mix_in: Callable[[Samples], None], tone: Samples) -> None:
        self._mix_in = mix_in
        self._tone = tone
        self._sounding: dict[int, float] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_ringing(self) -> bool:
        """Whether anything rings."""
        return bool(self._sounding)

    def ring(self, ring: Ring) -> None:
        """Begin, or go on louder."""
        self._sounding[ring.ringing.entry.id] = ring.loudness
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._repeat(), name="alarm tone")

    def silence(self, silence: Silence) -> None:
        """One of them is over."""
        self._sounding.pop(silence.ringing.entry.id, None)
        if not self._sounding and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _repeat(self) -> None:
        while self._sounding:
            gain = QUIETEST + (1 - QUIETEST) * max(self._sounding.values())
            self._mix_in((self._tone * gain).astype(np.int16))
            await asyncio.sleep(PERIOD_S)

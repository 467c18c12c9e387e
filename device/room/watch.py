"""Watches the microphone and the speaker, and mends them: a deaf appliance is no appliance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from device.appliance.service_manager import Efforts
from device.assistant import inputs
from device.audio.capture import Capture
from device.audio.microphone import MicrophoneWatch, WatchVerdict
from device.audio.playback import Playback
from device.errors import BitternError

log = logging.getLogger(__name__)

POLL_S = 0.5
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
"""How long between attempts to reopen: soon at first, then without burning the processor."""
SPEAKER_STALL_S = 3.0


_CONSTANT = (WatchVerdict.SILENT, WatchVerdict.STUCK)


class SoundSystemHungError(BitternError):
    """A driver's thread never came back; nothing in this process can mend that."""


class SoundWatch:
    """Polls the health of microphone and speaker; reopens what has died.

    A microphone that a first reopening mends is nobody's business but the log's. One
    that stays broken is told to the core, as is its recovery.
    """

    def __init__(
        self,
        capture: Capture,
        playback: Playback,
        feed: Callable[[inputs.Input], None],
        hangs: Callable[[], bool] = lambda: False,
    ) -> None:
        """``hangs``: whether the sound library is stuck in a call that never comes back."""
        self._capture = capture
        self._playback = playback
        self._feed = feed
        self._hangs = hangs
        self._watch = MicrophoneWatch()
        self._is_faulted = False
        self._told_at = capture.closings
        """When the core was told: a mute makes it forget that the microphone is broken."""
        self._retry_s = FIRST_RETRY_S
        self._efforts = Efforts()

    @property
    def is_mending(self) -> bool:
        """Whether the microphone is broken, and this goes on trying to have it back."""
        return self._is_faulted and self._efforts.go_on

    async def run(self) -> None:
        """Watch until cancelled; raise ``SoundSystemHungError`` when only a new process helps."""
        while True:
            await asyncio.sleep(POLL_S)
            self._efforts.made()
            if self._hangs():
                raise SoundSystemHungError(
                    "the sound library hangs and cannot be brought back",
                    "The appliance ends, so that its supervisor starts it anew.",
                )
            if self._capture.is_open:
                await self._look_at_microphone()
            elif self._capture.is_missing:
                # Opening it failed, here or where the owner ended the mute; nobody knows it yet.
                self._note("closed")
                await self._mend("closed")
            self._efforts.made()
            await self._look_at_speaker()

    async def _look_at_microphone(self) -> None:
        health = self._capture.health()
        verdict = self._watch.judge(health)
        if verdict is WatchVerdict.HEALTHY:
            if not health.never_sounded:
                self._recovered()
        elif verdict in _CONSTANT and self._is_faulted:
            # Reopening did not help, and sound may return by itself: wait for it.
            self._note(str(verdict), is_certain=verdict is not WatchVerdict.SILENT)
            await asyncio.sleep(self._retry_s)
        else:
            log.warning("the microphone is %s: %s", verdict, health)
            await self._mend(str(verdict))

    def _recovered(self) -> None:
        self._retry_s = FIRST_RETRY_S
        if self._is_faulted:
            self._is_faulted = False
            self._feed(inputs.MicrophoneRecovered())

    async def _mend(self, verdict: str) -> None:
        try:
            await asyncio.to_thread(self._capture.reopen)
        except BitternError as failure:
            self.fault(f"{verdict}: {failure}")
        else:
            await asyncio.sleep(min(self._retry_s, self._watch.stall_s))
            if not self._capture.is_open:
                return  # It was muted meanwhile.
            health = self._capture.health()
            # The count of equal samples began anew; a sound is what shows that it helped.
            is_constant = verdict in _CONSTANT and health.never_sounded
            if is_constant or self._watch.judge(health) is not WatchVerdict.HEALTHY:
                # Nothing but zeros may be a switch on the microphone: a light, and no words.
                is_certain = verdict != str(WatchVerdict.SILENT)
                detail = f"{verdict}, and reopening it did not help"
                self.fault(detail, is_certain=is_certain)

    def fault(self, detail: str, *, is_certain: bool = True) -> None:
        """The microphone is broken for now; tell the core, once, and once more after a mute."""
        self._note(detail, is_certain=is_certain)
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    def _note(self, detail: str, *, is_certain: bool = True) -> None:
        if not self._is_faulted or self._told_at != self._capture.closings:
            self._is_faulted = True
            self._told_at = self._capture.closings
            self._feed(inputs.MicrophoneFailed(detail, is_certain))

    async def _look_at_speaker(self) -> None:
        health = self._playback.speaker_health()
        if health.is_active and health.last_pull_age_s < SPEAKER_STALL_S:
            return
        try:
            await asyncio.to_thread(self._playback.reopen)
            log.warning("the speaker had stopped (%s); it was opened again", health)
        except BitternError as failure:
            log.error("the speaker cannot be opened: %s", failure)
            await asyncio.sleep(self._retry_s)

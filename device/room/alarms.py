"""How an alarm, a timer or a reminder is heard: a tone, what it is about, and the tone again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import numpy as np

from device.audio.samples import Samples
from device.errors import BitternError
from device.phrases.book import PhraseBook, Said
from device.phrases.en import ENGLISH
from device.room.focus import Channel
from device.room.mouth import Mouth
from device.tools.alarms.decisions import NoteMissed, SilenceAlarm, SoundAlarm
from device.tools.alarms.sentences import announcement

log = logging.getLogger(__name__)

PERIOD_S = 2.5
"""From one tone to the next: a pause in which "stop" can be heard."""
QUIETEST = 0.25
"""Of full scale, where the loudness of a ringing begins."""


class Alarms:
    """Sounds what the ringer decides. Needs a speaker, and nothing else of the appliance.

    ``tone`` is int16 at 24 kHz. ``speak`` gives the sound of a sentence (int16, 24 kHz) or
    raises a ``BitternError``: then the tone is all there is. ``is_worth_knowing`` is called when
    there is something that somebody should know. On the event loop's thread.
    """

    def __init__(
        self,
        mouth: Mouth,
        tone: Samples,
        speak: Callable[[str], Awaitable[Samples]],
        is_worth_knowing: Callable[[], None],
        phrases: PhraseBook = ENGLISH,
    ) -> None:
        self._phrases = phrases
        self._mouth = mouth
        self._tone = tone
        self._speak = speak
        self._sounding: dict[int, float] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_worth_knowing = is_worth_knowing

    @property
    def is_ringing(self) -> bool:
        """Whether anything rings."""
        return bool(self._sounding)

    def ring(self, ring: SoundAlarm) -> None:
        """Begin, or go on louder."""
        number = ring.ringing.id
        is_new = number not in self._sounding
        self._sounding[number] = ring.loudness
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._repeat(), name="alarm tone")
        if is_new:
            key, sentence = _key(number), self._phrases.say(announcement(ring.ringing))
            words = self._say(Channel.ALARM, key, sentence, lambda: self._rings(number))
            self._tasks[number] = asyncio.create_task(words, name="alarm sentence")

    def silence(self, silence: SilenceAlarm) -> None:
        """One of them is over."""
        number = silence.ringing.id
        self._sounding.pop(number, None)
        task = self._tasks.pop(number, None)
        if task is not None:
            task.cancel()
        self._mouth.silence([_key(number)])
        if not self._sounding and self._task is not None:
            self._task.cancel()
            self._task = None
            # One tone is two seconds long: whoever speaks now is to be heard.
            self._mouth.end_tone()

    def close(self) -> None:
        """Sound nothing more here; what rings is not stopped by it."""
        tasks = [*self._tasks.values(), *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        self._sounding.clear()
        self._mouth.end_tone()

    def missed(self, miss: NoteMissed) -> None:
        """Nobody heard it: told when somebody is there (:mod:`device.room.untold`)."""
        log.warning("missed: %s", self._phrases.say(announcement(miss.ringing)))
        self._is_worth_knowing()

    def trouble(self, what: Said) -> None:
        """The store failed: a person must know."""
        sentence = self._phrases.say(what)
        log.error("%s", sentence)
        self._is_worth_knowing()
        task = asyncio.create_task(
            self._say(Channel.TROUBLE, "alarm trouble", sentence, lambda: True)
        )
        self._tasks[-1] = task

    def _rings(self, number: int) -> bool:
        return number in self._sounding

    async def _say(
        self, channel: Channel, key: str, sentence: str, is_wanted: Callable[[], bool]
    ) -> None:
        try:
            sound = await self._speak(sentence)
        except BitternError as failure:
            log.warning("%s is not said: %s", sentence, failure)
            if channel is not Channel.ALARM:  # what rings is heard anyway
                self._mouth.chime("error")
            return
        if is_wanted():
            self._mouth.say(channel, key, sound)

    async def _repeat(self) -> None:
        while self._sounding:
            gain = QUIETEST + (1 - QUIETEST) * max(self._sounding.values())
            self._mouth.tone((self._tone * gain).astype(np.int16))
            await asyncio.sleep(PERIOD_S)


def _key(number: int) -> str:
    return f"alarm {number}"

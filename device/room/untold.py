"""What nobody was there to hear, told when somebody is: by voice, and by a light until then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from device.assistant.news import News, NobodySpoke, TurnEnded
from device.audio.samples import Samples
from device.errors import BitternError
from device.phrases.book import PhraseBook, Said, phrase
from device.phrases.en import ENGLISH
from device.room.focus import Channel
from device.room.mouth import Mouth
from device.tools.alarms.ringer import Ringer
from device.tools.alarms.sentences import missed_sentence

log = logging.getLogger(__name__)

_KEY = "missed"
_TOLD_WITHIN_S = 60.0
_MOST_SENTENCES = 4
"""What more was missed is in ``list_alarms``; nobody listens to a longer list."""


class Untold:
    """Missed alarms, timers and reminders. On the event loop's thread.

    ``attend`` is told whether anything waits for somebody: for the lights.
    """

    def __init__(
        self,
        mouth: Mouth,
        ringer: Ringer,
        speak: Callable[[str], Awaitable[Samples]],
        attend: Callable[[bool], None],
        phrases: PhraseBook = ENGLISH,
    ) -> None:
        self._phrases = phrases
        self._mouth = mouth
        self._ringer = ringer
        self._speak = speak
        self._attend = attend
        self._telling: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Light up when there is something, go dark when there is nothing."""
        self._attend(bool(self._ringer.missed or self._ringer.trouble))

    def heard_of(self, what: News) -> None:
        """Somebody was there: the conversation is over, and they are still near."""
        if isinstance(what, TurnEnded | NobodySpoke):
            self.somebody_is_there()

    def somebody_is_there(self) -> None:
        """Tell now, if there is anything to tell and nobody does it already."""
        self.look()
        if self._ringer.missed and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="tell what was missed")

    def close(self) -> None:
        """Say no more."""
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self) -> None:
        missed, now = self._ringer.missed, self._ringer.now()
        today = now.local.date()
        told: list[Said] = [missed_sentence(one, now.zone, today) for one in missed]
        if len(told) > _MOST_SENTENCES:
            told[_MOST_SENTENCES:] = [phrase("missed_more", count=len(told) - _MOST_SENTENCES)]
        try:
            sounds = [await self._speak(self._phrases.say(one)) for one in told]
        except BitternError as failure:
            log.warning("what was missed is not said: %s", failure)
            self._mouth.chime("error")
            return
        for number, sound in enumerate(sounds):
            if self._mouth.say(Channel.NOTICE, f"{_KEY} {number}", sound) is not None:
                return  # muted: the light goes on saying that there is something
        if await self._mouth.said(f"{_KEY} {len(sounds) - 1}", _TOLD_WITHIN_S):
            await self._ringer.acknowledge_missed(missed)
        self.look()

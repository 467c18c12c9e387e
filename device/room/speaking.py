"""Answers that came in writing, spoken by the voice of the house."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterator

from device.assistant.effects import SayText
from device.audio.samples import Samples
from device.errors import BitternError
from device.realtime.speech import LONGEST_TEXT
from device.room.focus import Channel
from device.room.mouth import Mouth

log = logging.getLogger(__name__)

NO_VOICE = "no_voice"
"""The notice that is said in the place of a text."""
_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+(?=\s)|$)", re.DOTALL)

VoiceOfHouse = Callable[[str], Awaitable[Samples]]
"""Gives the sound of a text of at most ``LONGEST_TEXT`` characters (int16, 24 kHz), or raises a
``BitternError``."""


async def no_voice(_: str) -> Samples:
    """Speak nothing, where there is nobody to speak."""
    raise BitternError("there is no voice in this house", "Install the brain's: `bittern doctor`.")


class Speaking:
    """Has one text after the other spoken, piece by piece, so that the first is heard soon."""

    def __init__(self, voice: VoiceOfHouse, mouth: Mouth, on_notice: Callable[[str], None]) -> None:
        """``on_notice`` gets the sentence that was said because there was no voice."""
        self._voice = voice
        self._mouth = mouth
        self._on_notice = on_notice
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()

    def speak(self, wanted: SayText) -> None:
        """Begin to speak; what is queued comes first."""
        task = asyncio.create_task(self._say(wanted), name="speak a written answer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Nobody wants to hear any more of it."""
        for task in self._tasks:
            task.cancel()

    async def _say(self, wanted: SayText) -> None:
        has_begun = False
        async with self._in_order:
            try:
                for piece in pieces(wanted.text):
                    sound = await self._voice(piece)
                    self._mouth.feed_answer(wanted.item, sound)
                    has_begun = True
            except BitternError as failure:
                log.warning("a written answer is not spoken to its end: %s", failure)
            if has_begun:
                self._mouth.finish_answer(wanted.item)
            else:
                sentence, sound = self._mouth.sounds.notice(NO_VOICE)
                self._on_notice(sentence)
                self._mouth.say(Channel.NOTICE, wanted.item, sound)


def pieces(text: str) -> Iterator[str]:
    """Cut a text into sentences, and those that are too long for the voice between words."""
    for found in _SENTENCE.finditer(text):
        sentence = " ".join(found[0].split())
        while len(sentence) > LONGEST_TEXT:
            cut = sentence.rfind(" ", 0, LONGEST_TEXT + 1)
            cut = cut if cut > 0 else LONGEST_TEXT
            yield sentence[:cut]
            sentence = sentence[cut:].lstrip()
        if sentence:
            yield sentence


__all__ = ["NO_VOICE", "Speaking", "VoiceOfHouse", "no_voice", "pieces"]

"""Answers in writing get a voice: in order, in pieces, and never in silence."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from device.assistant.effects import SayText
from device.assistant.items import ItemKey
from device.errors import BitternError
from device.realtime.speech import LONGEST_TEXT
from device.room.speaking import NO_VOICE, Speaking, pieces

ITEM = ItemKey("spoken-1")


class MouthOfPaper:
    """Notes what it is to say."""

    def __init__(self) -> None:
        self.did: list[tuple[str, Any]] = []
        self.sounds = self

    def notice(self, name: str) -> tuple[str, Any]:
        return f"the notice {name}", np.zeros(1, np.int16)

    def feed_answer(self, item: ItemKey, sound: Any) -> None:
        self.did.append(("feed", len(sound)))

    def finish_answer(self, item: ItemKey) -> None:
        self.did.append(("finish", item))

    def say(self, channel: object, item: ItemKey, sound: Any) -> None:
        self.did.append(("say", item))


async def letters(text: str) -> Any:
    await asyncio.sleep(0)
    return np.zeros(len(text), np.int16)


async def nobody(_: str) -> Any:
    raise BitternError("there is no voice", "test")


def speaking(voice: Any) -> tuple[Speaking, MouthOfPaper, list[str]]:
    mouth, told = MouthOfPaper(), []
    return Speaking(voice, mouth, told.append), mouth, told  # type: ignore[arg-type]


async def test_sentences_are_spoken_one_after_the_other_as_one_item() -> None:
    house, mouth, told = speaking(letters)
    house.speak(SayText("It is noon. Time to eat!", ITEM))
    await asyncio.sleep(0.01)
    assert mouth.did == [("feed", 11), ("feed", 12), ("finish", ITEM)]
    assert told == []


async def test_where_there_is_no_voice_a_notice_stands_in_for_it() -> None:
    house, mouth, told = speaking(nobody)
    house.speak(SayText("It is noon.", ITEM))
    await asyncio.sleep(0.01)
    assert mouth.did == [("say", ITEM)], "under the same key, so that its end is told"
    assert told == [f"the notice {NO_VOICE}"]


async def test_a_voice_that_is_lost_in_the_middle_ends_the_item() -> None:
    async def once(text: str) -> Any:
        return await (letters if text.startswith("One") else nobody)(text)

    house, mouth, _ = speaking(once)
    house.speak(SayText("One. Two.", ITEM))
    await asyncio.sleep(0.01)
    assert mouth.did == [("feed", 4), ("finish", ITEM)]


async def test_who_interrupts_hears_no_more() -> None:
    house, mouth, _ = speaking(letters)
    house.speak(SayText("It is noon.", ITEM))
    house.stop()
    await asyncio.sleep(0.01)
    assert mouth.did == []


@pytest.mark.parametrize("text", ["word " * 400, "x" * 1500, "A short one. " + "long " * 200])
def test_no_piece_is_too_long_for_the_voice_and_no_letter_is_lost(text: str) -> None:
    found = list(pieces(text))
    assert all(0 < len(piece) <= LONGEST_TEXT for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())

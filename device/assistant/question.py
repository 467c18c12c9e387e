"""What a question consists of: sound, text, or a picture with text."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from device.assistant.stretch import Stretch
from device.realtime.events import ConversationItemCreate
from device.realtime.items import Content, InputImage, InputText, MessageItem


@dataclass(frozen=True, slots=True)
class AwaitedQuestion:
    """The ears still listen whether the wake word is over: nothing may be sent yet."""

    guess_sample: int
    """Where it seems to end; holds when the ears do not tell in time."""


@dataclass(frozen=True, slots=True)
class SoundQuestion:
    """It is spoken."""

    stretch: Stretch


@dataclass(frozen=True, slots=True)
class TypedQuestion:
    """It was typed: over as soon as it is there, and no microphone has a part in it."""

    text: str


@dataclass(frozen=True, slots=True)
class PictureQuestion:
    """A picture, and what is asked about it."""

    jpeg: bytes
    text: str


WrittenQuestion = TypedQuestion | PictureQuestion
"""What is sent as an item of the conversation, and not by the uplink."""

Question = AwaitedQuestion | SoundQuestion | WrittenQuestion


def words_of(transcript: str) -> ConversationItemCreate:
    """The event that repeats a spoken question, for which something was done already, in words.

    ``transcript``: what was understood of it; empty where nobody has said.
    """
    if transcript:
        return ConversationItemCreate(
            item=MessageItem(role="user", content=[InputText(text=transcript)])
        )
    return ConversationItemCreate(
        item=MessageItem(role="system", content=[InputText(text=_NOT_UNDERSTOOD)])
    )


_NOT_UNDERSTOOD = (
    "The words of the user's last question were lost. What follows was done for it already: "
    "say in one short sentence what came of it, and do none of it again."
)


def item_of(question: TypedQuestion) -> ConversationItemCreate:
    """The event that asks a question without sound."""
    text = [InputText(text=question.text)] if question.text else []
    return ConversationItemCreate(item=MessageItem(role="user", content=[*text]))


def picture_item(item_id: str, jpeg: bytes, text: str = "") -> ConversationItemCreate:
    """The event that shows a picture, and what is asked about it, as an item of that id."""
    url = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    content: list[Content] = [InputImage(image_url=url)]
    if text:
        content.append(InputText(text=text))
    return ConversationItemCreate(item=MessageItem(role="user", content=content, id=item_id))

"""Turning the user's sound into words, and telling the client where it asked for that."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from device.brain.base.abilities import Transcript
from device.brain.sessions.items import Item
from device.brain.sessions.outbox import Outbox
from device.brain.work.jobs import DropTranscription

_DELTA = re.compile(r"\S+\s*(?:\S+\s*){0,3}")
"""A transcript is handed out in bits of a few words, as the cloud's models do."""


@dataclass(slots=True)
class _Expected:
    item: Item
    index: int
    is_announced: bool


class Words:
    """Knows which transcript belongs to which sound of which item."""

    def __init__(
        self,
        outbox: Outbox,
        understood: Callable[[Item], None],
        not_understood: Callable[[Item, str, str], None],
    ) -> None:
        self._outbox = outbox
        self._understood = understood
        self._not_understood = not_understood
        self._expected: dict[int, _Expected] = {}

    def expect(self, stream: int, item: Item, index: int, is_announced: bool) -> None:
        """Wait for the words of a sound; ``is_announced``: the client wants to read them."""
        self._expected[stream] = _Expected(item, index, is_announced)

    def forget(self, item: Item) -> None:
        """Drop what is still awaited for an item that is gone."""
        for stream in [key for key, value in self._expected.items() if value.item is item]:
            del self._expected[stream]
            self._outbox.start(DropTranscription(stream))

    def transcribed(self, stream: int, transcript: Transcript) -> None:
        """Take the words."""
        expected = self._expected.pop(stream, None)
        if expected is None:
            return
        item, index = expected.item, expected.index
        item.sounds[index].words = transcript.text
        if expected.is_announced:
            item.fields["content"][index]["transcript"] = transcript.text
            self._announce(item, index, transcript)
        self._understood(item)

    def failed(self, stream: int, code: str, message: str) -> None:
        """Take note that there will be no words."""
        expected = self._expected.pop(stream, None)
        if expected is None:
            return
        item, index = expected.item, expected.index
        item.sounds[index].words = ""
        if expected.is_announced:
            self._outbox.emit(
                "conversation.item.input_audio_transcription.failed",
                item_id=item.id,
                content_index=index,
                error={
                    "type": "transcription_error",
                    "code": code,
                    "message": message,
                    "param": None,
                },
            )
        self._not_understood(item, code, message)

    def _announce(self, item: Item, index: int, transcript: Transcript) -> None:
        kind = "conversation.item.input_audio_transcription"
        at = {"item_id": item.id, "content_index": index}
        for delta in _DELTA.findall(transcript.text):
            self._outbox.emit(f"{kind}.delta", **at, delta=delta)
        seconds = round(item.sounds[index].duration_ms / 1000, 3)
        usage = {"type": "duration", "seconds": seconds}
        self._outbox.emit(f"{kind}.completed", **at, transcript=transcript.text, usage=usage)

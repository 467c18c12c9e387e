"""Heard-audio accounting: what the user received, heard and missed of each item.

The server keeps the transcript of everything it generated. What was not heard must be
taken back, or the model believes that the user knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.assistant.items import ItemKey
from device.realtime.events import ConversationItemDelete, ConversationItemTruncate

SAMPLES_PER_MS = 24
"""At the wire's 24 kHz."""


@dataclass(slots=True)
class _Item:
    received_samples: int = 0
    transcript: str = ""
    is_complete: bool = False
    """All its audio has been received."""
    is_played: bool = False

    @property
    def received_ms(self) -> int:
        return self.received_samples // SAMPLES_PER_MS


class HeardAudio:
    """The audio items of the answer that is being given, in the order of their arrival."""

    def __init__(self) -> None:
        self._items: dict[ItemKey, _Item] = {}

    def received(self, key: ItemKey, samples: int) -> float:
        """Count a piece of sound; return its length in seconds."""
        self._items.setdefault(key, _Item()).received_samples += samples
        return samples / SAMPLES_PER_MS / 1000

    def said(self, key: ItemKey, text: str) -> None:
        """Add to the transcript of an item."""
        self._items.setdefault(key, _Item()).transcript += text

    def corrected(self, key: ItemKey, text: str) -> None:
        """Replace the transcript of an item by the final one."""
        self._items.setdefault(key, _Item()).transcript = text

    def completed(self, key: ItemKey) -> bool:
        """No more audio will come for an item; False if none came or it was known."""
        item = self._items.get(key)
        if item is None or item.is_complete or not item.received_samples:
            return False
        item.is_complete = True
        return True

    def played(self, key: ItemKey) -> None:
        """The last sample of a completed item has left the speaker."""
        if key in self._items:
            self._items[key].is_played = True

    @property
    def unplayed(self) -> tuple[ItemKey, ...]:
        """Items with audio that has not all been played."""
        return tuple(k for k, i in self._items.items() if i.received_samples and not i.is_played)

    @property
    def incomplete(self) -> tuple[ItemKey, ...]:
        """Items with audio whose end has not been received."""
        return tuple(k for k, i in self._items.items() if i.received_samples and not i.is_complete)

    def unspoken(self) -> str:
        """The words of the items that came without sound, from now on taken for spoken."""
        silent = [i for i in self._items.values() if i.transcript and not i.received_samples]
        text = " ".join(item.transcript.strip() for item in silent)
        for item in silent:
            item.transcript = ""
        return text.strip()

    @property
    def has_audio(self) -> bool:
        """Whether any audio was received for this answer."""
        return any(item.received_samples for item in self._items.values())

    def text(self, key: ItemKey) -> str:
        """The transcript of an item so far."""
        return self._items[key].transcript if key in self._items else ""

    def texts(self) -> list[str]:
        """Transcripts of the items that have one, in order."""
        return [item.transcript for item in self._items.values() if item.transcript]

    def heard_texts(self, heard_ms: Mapping[ItemKey, int]) -> list[str]:
        """What was heard of each transcript, estimated by the share of its time."""
        return [text for key in self._items if (text := self._heard_text(key, heard_ms))]

    def _heard_text(self, key: ItemKey, heard_ms: Mapping[ItemKey, int]) -> str:
        item = self._items[key]
        if item.is_played or not item.received_ms:
            return item.transcript
        words = item.transcript.split()
        share = min(heard_ms.get(key, 0) / item.received_ms, 1.0)
        return " ".join(words[: int(len(words) * share)])

    def corrections(
        self, heard_ms: Mapping[ItemKey, int]
    ) -> list[ConversationItemTruncate | ConversationItemDelete]:
        """The events that tell a server what was not heard, after an interruption.

        Nothing for an item that was heard to its end; a deletion for one not begun
        (a truncation to 0 ms is refused by servers); never more than was received.
        """
        events: list[ConversationItemTruncate | ConversationItemDelete] = []
        for key, item in self._items.items():
            if not item.received_samples or item.is_played:
                continue
            heard = min(heard_ms.get(key, 0), item.received_ms)
            if heard <= 0:
                events.append(ConversationItemDelete(item_id=key.item_id))
            elif heard < item.received_ms or not item.is_complete:
                events.append(
                    ConversationItemTruncate(
                        item_id=key.item_id, content_index=key.content_index, audio_end_ms=heard
                    )
                )
        return events

"""The name of one stretch of audio that is played and accounted for by itself."""

from __future__ import annotations

from typing import NamedTuple


class ItemKey(NamedTuple):
    """An audio part of a conversation item, or a sound of our own.

    Truncation is addressed in exactly these two values, so playback counts by them.
    """

    item_id: str
    content_index: int = 0

"""A level meter on one line of a plain terminal."""

from __future__ import annotations

from typing import TextIO

import numpy as np

from device.audio.levels import CLIPPED, dbfs
from device.audio.samples import Samples

EVERY_S = 0.1
"""Ten times a second: quick for the eye, slow for a line over ssh."""
LOWEST_DBFS = -70.0
WIDTH = 40
CLEAR = "\r\x1b[K"


def bar(level_dbfs: float, is_clipping: bool = False) -> str:
    """One line: a bar as long as the sound is loud."""
    share = min(max((level_dbfs - LOWEST_DBFS) / -LOWEST_DBFS, 0.0), 1.0)
    lit = round(share * WIDTH)
    mark = " too loud" if is_clipping else ""
    return f"[{'#' * lit}{'-' * (WIDTH - lit)}] {level_dbfs:4.0f} dBFS{mark}"


class Meter:
    """Collects blocks and draws over its own last line."""

    def __init__(self, stream: TextIO, rate_hz: int) -> None:
        self._stream = stream
        self._wanted = round(EVERY_S * rate_hz)
        self._blocks: list[Samples] = []

    def show(self, block: Samples) -> None:
        """Take a block; draw when there is enough."""
        self._blocks.append(block)
        if sum(map(len, self._blocks)) < self._wanted:
            return
        sound = np.concatenate(self._blocks)
        self._blocks.clear()
        is_clipping = bool(np.abs(sound.astype(np.int32)).max() >= CLIPPED)
        self._stream.write(f"{CLEAR}{bar(dbfs(sound), is_clipping)}")
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        self._stream.write(CLEAR)
        self._stream.flush()

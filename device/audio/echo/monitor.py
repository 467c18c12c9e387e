"""Does the cancelling work? How much softer is what is left than what was heard."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

BLOCK_SAMPLES = 1600
"""A tenth of a second at 16 kHz: what one judgement is made on."""
BLOCKS = 30
"""Judgements that count: the last 3 s in which the echo could be heard."""
RECENT_BLOCKS = 8
ENOUGH_BLOCKS = 8
"""Fewer say nothing."""
UPPER_SHARE = 0.7
"""Somebody who speaks into the answer makes most blocks look bad, so the better ones count."""


class Quality(StrEnum):
    """How it stands with the echo."""

    CONVERGING = "converging"
    """Not known yet: little was played so far, or the delay has changed."""
    GOOD = "good"
    """It is removed, or there is none."""
    NOT_WORKING = "not_working"
    """It is there, and stays: what is heard while something plays cannot be relied on."""


@dataclass(frozen=True, slots=True)
class MonitorRule:
    """When cancelling counts as working."""

    good_db: float = 14.0
    """With 10 dB a bathroom's first answer still interrupted itself now and then."""
    bad_db: float = 6.0
    """Between the two the judgement stays as it was."""
    audible_db: float = 8.0
    """A block so far above the quiet room has an echo (or a person) in it."""
    drowned_db: float = 4.0
    """What is left of an echo, no louder than this beside the room, counts as gone."""
    patience_blocks: int = 35
    """So many audible blocks may pass before it must have begun to work."""
    unheard_share: float = 0.1
    """No echo is to be heard at all when fewer of the blocks are audible."""
    unheard_blocks: int = 20


class Monitor:
    """Judges blocks in which something is played, and remembers how loud the room is."""

    def __init__(self, rule: MonitorRule | None = None) -> None:
        self.rule = rule or MonitorRule()
        self.floor_db: float | None = None
        """Level of the room with nothing played; of full scale."""
        self.quality = Quality.CONVERGING
        self._removed: deque[float] = deque(maxlen=BLOCKS)
        self._played = 0
        self._audible = 0

    @property
    def removed_db(self) -> float | None:
        """How much of the echo goes, at present; None while too little was heard."""
        return _upper(list(self._removed))

    @property
    def is_failing(self) -> bool:
        """Whether next to nothing was removed in the last second, for whatever reason."""
        removed_db = _upper(list(self._removed)[-RECENT_BLOCKS:])
        return removed_db is not None and removed_db < self.rule.bad_db

    def begin_again(self) -> None:
        """The canceller was reset: what it did before says nothing any more.

        A verdict that it does not work stays until there is a better one.
        """
        self._removed.clear()
        if self.quality is Quality.GOOD:
            self.quality = Quality.CONVERGING
            self._played = self._audible = 0

    def quiet(self, heard: NDArray[np.int16]) -> None:
        """Take a block in which nothing is played: the room itself, or somebody in it."""
        level = level_db(heard)
        if self.floor_db is None or level < self.floor_db:
            self.floor_db = level
        else:
            self.floor_db += min(level - self.floor_db, 0.1)

    def playing(self, heard: NDArray[np.int16], left: NDArray[np.int16] | None) -> Quality:
        """Take a block in which something is played; ``left`` is None while nothing is done."""
        self._played += 1
        level = level_db(heard)
        if level > (-75.0 if self.floor_db is None else self.floor_db) + self.rule.audible_db:
            self._audible += 1
            self._removed.append(0.0 if left is None else self._gone_db(level, level_db(left)))
        self.quality = self._judge()
        return self.quality

    def _gone_db(self, heard_db: float, left_db: float) -> float:
        removed_db = heard_db - left_db
        if self.floor_db is not None and left_db < self.floor_db + self.rule.drowned_db:
            return max(removed_db, self.rule.good_db)
        return removed_db

    def _judge(self) -> Quality:
        removed_db = self.removed_db
        is_unheard = self._audible < self.rule.unheard_share * self._played
        if self._played >= self.rule.unheard_blocks and is_unheard:
            return Quality.GOOD
        if removed_db is None:
            return self.quality
        if removed_db >= self.rule.good_db:
            return Quality.GOOD
        has_had_time = self._audible >= self.rule.patience_blocks
        if removed_db < self.rule.bad_db and has_had_time and len(self._removed) == BLOCKS:
            return Quality.NOT_WORKING
        return self.quality


def _upper(removed: list[float]) -> float | None:
    if len(removed) < ENOUGH_BLOCKS:
        return None
    return sorted(removed)[int(UPPER_SHARE * len(removed))]


def level_db(block: NDArray[np.int16]) -> float:
    """The level of a block, in dB of full scale; a digital silence is -96."""
    sound = block.astype(np.float32)
    power = float(sound @ sound) / max(1, len(sound))
    return 10.0 * math.log10(max(power, 0.25)) - 90.3

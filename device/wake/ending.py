"""Where the wake word ends: right after it, a little before it, or not to be seen.

An engine decides at a moment of its own. On "hey jarvis" followed by a pause the score
crosses while the last syllable, drawn out as it is before a pause, is still sounding; on
"hey jarvis what time is it" the word is short and the score crosses when the question has
begun. So the decision alone does not tell where to cut. What follows it does: if the
sound falls silent soon, the word ended where the silence begins; if it goes on, the
question followed in the same breath, and the engine's usual lag in that case is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.wake.engine import RATE_HZ

FRAME_SAMPLES = 160
"""10 ms."""
MEMORY_FRAMES = 120
"""Level of the last 1.2 s: the wake word, and the decision."""
_FULL_SCALE_DB = 90.3
"""20 log10(32768)."""


MOST_BEFORE_MS = 250
"""No end lies further before the decision, whatever a rule or a word's card says: docs/privacy.md
promises how much of the word can be taken for the question."""


@dataclass(frozen=True, slots=True)
class EndingRule:
    """How the end of a word is looked for.

    Chosen on synthesized "hey jarvis", 72 phrases at three speeds, three pitches and two
    levels of noise. Followed by a pause the end is found within 10 ms (in noise at
    -45 dBFS up to 150 ms early), known 110 ms after it in the middle and after 200 ms at
    the latest of 95 %. With the question in the same breath it is 80 ms early to 20 ms
    late, known after 380 ms.
    """

    quiet_below_peak_db: float = 32.0
    """Frames this far below the loudest of the last 0.8 s are silence."""
    quiet_below_peak_over_playback_db: float = 26.0
    """The same while the speaker sounds: what is left of its echo fills the pause, and a
    pause that is not seen has the last syllable sent as if it were the question. The s of a
    word that dies away lies 24 dB below its vowels."""
    quiet_above_floor_db: float = 4.0
    """So are frames hardly louder than the quietest of the last 1.2 s."""
    quiet_ms: int = 80
    """Silence that long is a pause; the closure of a t or a p is mostly shorter."""
    before_ms: int = MOST_BEFORE_MS
    """A pause may have begun that long before the decision."""
    after_ms: int = 120
    """Or that long after it; later it would be the pause after a short question."""
    lag_ms: int = 150
    """How far the decision lies behind the word when the question follows in one breath."""


class RecentLevels:
    """The level of the latest sound, at most 1.2 s, in 10 ms frames and dB of full scale."""

    def __init__(self, samples: NDArray[np.int16], end_sample: int) -> None:
        """``samples``: mono 16 kHz, a multiple of 160 of them, the last at ``end_sample``."""
        frames = samples[-MEMORY_FRAMES * FRAME_SAMPLES :].reshape(-1, FRAME_SAMPLES)
        sound = frames.astype(np.float32)
        power = np.einsum("ij,ij->i", sound, sound) / FRAME_SAMPLES
        self.levels_db: NDArray[np.float32] = 10.0 * np.log10(power + 1e-3) - _FULL_SCALE_DB
        self.end_sample = end_sample

    def since(self, sample: int) -> tuple[NDArray[np.float32], int]:
        """Levels from the frame that holds ``sample`` on, and where that frame begins."""
        first = self.end_sample - len(self.levels_db) * FRAME_SAMPLES
        skip = min(len(self.levels_db), max(0, (sample - first) // FRAME_SAMPLES))
        return self.levels_db[skip:], first + skip * FRAME_SAMPLES


def find_end(
    levels: RecentLevels, decided_at: int, rule: EndingRule, *, is_over_playback: bool = False
) -> tuple[int, bool]:
    """Where the word ends as far as is known now, and whether more sound may change that."""
    per_ms = RATE_HZ // 1000
    earliest = max(0, decided_at - MOST_BEFORE_MS * per_ms)
    fallback = max(earliest, decided_at - rule.lag_ms * per_ms)
    everything = levels.levels_db
    if len(everything) == 0:
        return fallback, False
    peak = everything[-80:].max()
    floor = everything.min()
    below_db = rule.quiet_below_peak_db
    if is_over_playback:
        below_db = rule.quiet_below_peak_over_playback_db
    limit = max(peak - below_db, floor + rule.quiet_above_floor_db)
    recent, first = levels.since(decided_at - rule.before_ms * per_ms)
    pause = _first_pause(recent < limit, rule.quiet_ms // 10)
    latest = decided_at + rule.after_ms * per_ms
    if pause is not None and first + pause * FRAME_SAMPLES <= latest:
        return max(earliest, first + pause * FRAME_SAMPLES), False
    # A pause that begins at the last moment is only known when it has lasted.
    return fallback, levels.end_sample < latest + rule.quiet_ms * per_ms


def _first_pause(quiet: NDArray[np.bool_], needed: int) -> int | None:
    run = 0
    for index, is_quiet in enumerate(quiet.tolist()):
        run = run + 1 if is_quiet else 0
        if run == needed:
            return index + 1 - needed
    return None

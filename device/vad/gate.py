"""The cheap look that decides whether the wake model needs to look at all.

It may be wrong in one direction only. A gate that opens for nothing costs a millisecond;
one that stays shut for a voice makes the appliance deaf. So it opens on anything that
stands out: louder than the room by a little, or like a voice to WebRTC's detector. It
shuts only after a second and a half of neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import webrtcvad
from numpy.typing import NDArray

RATE_HZ = 16_000
BLOCK_SAMPLES = 960
"""60 ms: what one decision is made on."""
_VAD_FRAME_SAMPLES = 480
_FRAMES = BLOCK_SAMPLES // 160
_FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class GateRule:
    """When sound is worth a look."""

    silence_dbfs: float = -72.0
    """Below this, no block is worth a look: the hiss of a good microphone in a still room
    lies there, speech across a room lies above -60."""
    rise_db: float = 3.0
    """A 10 ms frame that much above the room's usual level opens."""
    vad_mode: int = 2
    """WebRTC's aggressiveness, 0 to 3."""
    hangover_s: float = 1.5
    """How long it stays open after the last reason."""
    floor_rise_db_per_s: float = 1.5
    """How fast the idea of the room's level follows a room that became louder."""


class Gate:
    """Open or shut, decided block by block (960 samples of 16 kHz mono)."""

    def __init__(self, rule: GateRule | None = None) -> None:
        self.rule = rule or GateRule()
        self._vad = webrtcvad.Vad(self.rule.vad_mode)
        self._hangover_blocks = round(self.rule.hangover_s * RATE_HZ / BLOCK_SAMPLES)
        self._rise_per_block = self.rule.floor_rise_db_per_s * BLOCK_SAMPLES / RATE_HZ
        self.reset()

    def reset(self) -> None:
        """Forget the room; open until something is known about it."""
        self._floor_db = 0.0
        self._blocks_known = 0
        self._hangover = self._hangover_blocks

    @property
    def is_open(self) -> bool:
        """Whether the last block was worth a look, or follows one that was."""
        return self._hangover > 0

    def update(self, block: NDArray[np.int16]) -> bool:
        """Judge the next 960 samples; returns whether the gate is open for them."""
        if self._stands_out(block):
            self._hangover = self._hangover_blocks
        elif self._hangover > 0:
            self._hangover -= 1
        return self._hangover > 0

    def _stands_out(self, block: NDArray[np.int16]) -> bool:
        quietest_db, loudest_db = _levels_db(block)
        self._follow(quietest_db)
        if loudest_db < self.rule.silence_dbfs:
            return False
        if loudest_db > self._floor_db + self.rule.rise_db:
            return True
        sound = block.tobytes()
        half = _VAD_FRAME_SAMPLES * 2
        return bool(
            self._vad.is_speech(sound[:half], RATE_HZ) or self._vad.is_speech(sound[half:], RATE_HZ)
        )

    def _follow(self, level_db: float) -> None:
        """Down at once, up slowly: the floor is the quietest the room has lately been."""
        if self._blocks_known == 0:
            self._floor_db = level_db
        self._blocks_known += 1
        self._floor_db = min(level_db, self._floor_db + self._rise_per_block)


def _levels_db(block: NDArray[np.int16]) -> tuple[float, float]:
    """The quietest and the loudest of six frames of 10 ms, in dB of full scale, DC removed."""
    frames = block.reshape(_FRAMES, -1).astype(np.float32)
    frames -= frames.mean()
    power = np.einsum("ij,ij->i", frames, frames) / (frames.shape[1] * _FULL_SCALE**2)
    quietest, loudest = float(power.min()), float(power.max())
    return 10.0 * np.log10(quietest + 1e-12), 10.0 * np.log10(loudest + 1e-12)

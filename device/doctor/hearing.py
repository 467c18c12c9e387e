"""Whether a microphone that hears this much is fit."""

from __future__ import annotations

from dataclasses import dataclass

from device.audio.levels import Levels
from device.doctor.findings import Verdict

CLIPPED_SHARE = 0.001
LOUD_ROOM_DBFS = -35.0
"""Beyond it a voice at two metres (some -30 dBFS on common microphones) drowns."""
FAINT_DBFS = -50.0
"""Whoever spoke into a microphone from near and stayed below this was not heard."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the levels mean."""

    verdict: Verdict
    found: str
    advice: str = ""


def judge(levels: Levels, *, was_spoken: bool = False) -> Judgement:
    """Say whether a microphone that hears this is fit; ``was_spoken``: somebody talked to it."""
    found = f"noise {levels.noise_dbfs:.0f} dBFS, peak {levels.peak_dbfs:.0f} dBFS"
    if levels.is_dead:
        advice = "Is it muted, or is this the wrong channel ([microphone] channel)?"
        return Judgement(Verdict.BAD, "dead, every sample the same", advice)
    if levels.clipped_share > CLIPPED_SHARE:
        return Judgement(Verdict.WARNING, f"{found}, clipping", "Lower its gain (alsamixer).")
    if levels.noise_dbfs > LOUD_ROOM_DBFS:
        return Judgement(Verdict.WARNING, f"{found}, loud", "Lower its gain, or try later.")
    if was_spoken and levels.loudest_dbfs < FAINT_DBFS:
        advice = "Raise its gain (alsamixer, or [microphone] gain_db), or speak up."
        return Judgement(Verdict.WARNING, f"{found}, faint", advice)
    return Judgement(Verdict.GOOD, found)

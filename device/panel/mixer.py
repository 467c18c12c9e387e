"""The levels of a sound card: what the board's description says, through ``amixer``.

Some codecs start with every input and output disconnected (the WM8960 does), so that a
HAT is deaf and mute until somebody has set them; and the next boot begins anew.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from device.panel.boards import MixerSpec, SoundSpec

PROGRAM = "amixer"
WITHIN_S = 5.0
_VALUES = re.compile(r"^\s*: values=(.*)$", re.MULTILINE)
_RANGE = re.compile(r"min=(-?\d+),max=(-?\d+)")
_ITEM = re.compile(r"; Item #(\d+) '([^']*)'")


@dataclass(frozen=True, slots=True)
class MixerLevel:
    """One control as it should be and as it is."""

    control: str
    wanted: str
    found: str
    """Empty where it cannot be read."""
    trouble: str = ""
    is_right: bool = False
    """Whether every channel has the wanted value."""


def is_available() -> bool:
    """Whether this machine has ``amixer`` (package alsa-utils)."""
    return shutil.which(PROGRAM) is not None


def levels(sound: SoundSpec) -> list[MixerLevel]:
    """Read every control that the board describes."""
    return [_read(sound.card, spec) for spec in sound.mixer]


def apply(sound: SoundSpec) -> list[MixerLevel]:
    """Set what is not as described; return what is still not right."""
    for level in levels(sound):
        if not level.is_right and not level.trouble:
            _amixer(sound.card, "cset", level.control, level.wanted)
    return [level for level in levels(sound) if not level.is_right]


def _read(card: str, spec: MixerSpec) -> MixerLevel:
    said, trouble = _amixer(card, "cget", spec.control)
    values = _VALUES.search(said)
    if values is None:
        return MixerLevel(spec.control, spec.value, "", trouble or "it has no values")
    found, wanted = values[1].strip().split(","), spec.value.split(",")
    if len(wanted) == 1:
        wanted *= len(found)
    is_right = len(wanted) == len(found) and all(
        _fits(one, other, said) for one, other in zip(found, wanted, strict=True)
    )
    return MixerLevel(spec.control, spec.value, ",".join(found), is_right=is_right)


def _fits(found: str, wanted: str, said: str) -> bool:
    """Compare one channel; wanted may be a share of the range, or the name of an item."""
    if wanted.endswith("%") and (bounds := _RANGE.search(said)) is not None:
        low, high = int(bounds[1]), int(bounds[2])
        share = low + (high - low) * float(wanted[:-1]) / 100
        # amixer rounds in its own way.
        return found.lstrip("-").isdigit() and abs(int(found) - share) <= 1
    names: dict[str, str] = {name: number for number, name in _ITEM.findall(said)}
    return found == names.get(wanted, wanted)


def _amixer(card: str, verb: str, control: str, *more: str) -> tuple[str, str]:
    """Return what it says, and why it failed."""
    command = [PROGRAM, *(["--card", card] if card else []), verb, f"name='{control}'", *more]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        return "", str(failure)
    return done.stdout, done.stderr.strip().splitlines()[-1] if done.returncode else ""

"""Versions of releases, and which is newer."""

from __future__ import annotations

import re
from dataclasses import dataclass

FORM = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:(a|b|rc)(\d{1,6}))?")
_FINAL = "z"
"""Sorts behind every mark of a release that comes before the final one."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """``1.2.3`` or, before it, ``1.2.3a1``, ``1.2.3b1``, ``1.2.3rc1``."""

    numbers: tuple[int, int, int]
    stage: str
    count: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read a version; raises ``ValueError``."""
        found = FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a version such as 1.2.3 or 1.2.3rc1")
        major, minor, patch, stage, count = found.groups()
        return cls((int(major), int(minor), int(patch)), stage or _FINAL, int(count or 0))

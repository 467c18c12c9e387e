"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """How good it is; the worst decides how ``bittern doctor`` ends."""

    GOOD = 0
    SKIPPED = 1
    """Not to be had on this machine, or not now."""
    WARNING = 2
    BAD = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def exit_code(findings: list[Finding]) -> int:
    """0: good, 1: something is bad, 2: there are warnings and nothing worse."""
    worst = max((finding.verdict for finding in findings), default=Verdict.GOOD)
    return {Verdict.BAD: 1, Verdict.WARNING: 2}.get(worst, 0)

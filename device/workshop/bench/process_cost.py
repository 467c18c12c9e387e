"""What a process costs: its time on the processor, its wake-ups and its memory, from /proc."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A process at one moment."""

    at_s: float
    threads: dict[str, tuple[float, int]]
    """For each thread, by number and name: seconds on the processor since it began, in user
    and kernel mode, and wake-ups: voluntary context switches, after each of which it began to
    run again."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took between two moments."""

    cpu_ms_per_s: float
    wake_ups_per_s: float
    threads: int
    """How many there were at the end."""


def snapshot(pid: int) -> Snapshot:
    """Look at a process; raises ``OSError`` when it is gone."""
    threads: dict[str, tuple[float, int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            ran_ns = int((task / "schedstat").read_text().split()[0])
            name = f"{task.name} {(task / 'comm').read_text().strip()}"
            threads[name] = ran_ns * 1e-9, _switches((task / "status").read_text())
        except FileNotFoundError:
            continue  # it ended a moment ago
    return Snapshot(time.monotonic(), threads)


def _switches(status: str) -> int:
    line = next(x for x in status.splitlines() if x.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])


def cost(before: Snapshot, after: Snapshot) -> Cost:
    """The difference, thread by thread, so that one that ended does not count backwards."""
    took_s = after.at_s - before.at_s
    differences = list(_differences(before, after).values())
    cpu_s = sum(ran_s for ran_s, _ in differences)
    wake_ups = sum(switches for _, switches in differences)
    return Cost(1000 * cpu_s / took_s, wake_ups / took_s, len(after.threads))


def costs_of_threads(before: Snapshot, after: Snapshot) -> dict[str, dict[str, float]]:
    """Milliseconds on the processor and wake-ups per second of each thread, the dear ones first."""
    took_s = after.at_s - before.at_s
    found = {
        name: {
            "cpu_ms_per_s": round(1000 * ran_s / took_s, 2),
            "wake_ups_per_s": round(switches / took_s, 1),
        }
        for name, (ran_s, switches) in _differences(before, after).items()
    }
    return dict(sorted(found.items(), key=lambda each: -each[1]["cpu_ms_per_s"]))


def _differences(before: Snapshot, after: Snapshot) -> dict[str, tuple[float, int]]:
    found = {}
    for name, (ran_s, switches) in after.threads.items():
        ran_before_s, switches_before = before.threads.get(name, (0.0, 0))
        found[name] = ran_s - ran_before_s, switches - switches_before
    return found


def memory_mb(pid: int) -> dict[str, float] | None:
    """PSS, resident and private memory; None where this user may not look."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return {
        "pss_mb": round(kb["Pss"] / 1024, 1),
        "resident_mb": round(kb["Rss"] / 1024, 1),
        "private_mb": round((kb["Private_Clean"] + kb["Private_Dirty"]) / 1024, 1),
    }

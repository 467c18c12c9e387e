"""What a process borrowed while it began is given back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BORROWS = """
import gc, sys
from device.memory import settle

def resident_mb():
    pages = int(open("/proc/self/statm").read().split()[1])
    return pages * 4096 / 1e6

class Node:
    pass

gc.disable()
before, kept = resident_mb(), []
for number in range(40_000):
    node = Node()
    node.itself, node.text = node, bytes(1_000)
    if number % 1_000 == 0:
        kept.append(bytes(1_000))
full = resident_mb()
del node
settle()
print(full - before, resident_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_was_only_borrowed_goes_back_to_the_system() -> None:
    told = subprocess.run(
        [sys.executable, "-c", BORROWS], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    borrowed_mb, kept_mb = (float(each) for each in told.split())
    assert borrowed_mb > 35
    assert kept_mb < borrowed_mb / 2

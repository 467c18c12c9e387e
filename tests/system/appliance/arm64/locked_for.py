"""The part of a lock that one Python on one machine needs: ``locked_for.py LOCK 3.13``.

``pip --platform`` chooses the wheels of another machine and reads the markers of a lock
as if they were of this one. So they are read here, for a 64-bit ARM with that Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement


def needed(lock: str, version: str) -> str:
    """Return the entries of a lock whose markers hold, with their hashes."""
    environment = {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "platform_machine": "aarch64",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for entry in lock.replace("\\\n", " ").splitlines():
        words = entry.split(" --hash=")
        if not words[0].strip() or entry.startswith("#"):
            continue
        marker = Requirement(words[0].strip()).marker
        if marker is None or marker.evaluate(environment):
            hashes = (f"--hash={word.strip()}" for word in words[1:])
            kept.append(" ".join((words[0].split(";")[0].strip(), *hashes)))
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    print(needed(Path(sys.argv[1]).read_text(), sys.argv[2]), end="")

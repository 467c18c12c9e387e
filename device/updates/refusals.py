"""Releases that a timer must not try again: they did not prove themselves, or were left."""

from __future__ import annotations

import json
from pathlib import Path

from device.updates.durable import write_whole
from device.updates.manifest import is_id

_MOST = 20


class Refusals:
    """A small file: for each release that was given up, why."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "refused.json"

    def read(self) -> dict[str, str]:
        """Return the reasons by release; a file that cannot be read counts as empty."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(document, dict):
            return {}
        return {str(name): str(why) for name, why in document.items() if is_id(str(name))}

    def add(self, release: str, reason: str) -> None:
        """Remember one."""
        known = {name: why for name, why in self.read().items() if name != release}
        known[release] = reason
        self._write(dict(list(known.items())[-_MOST:]))

    def remove(self, release: str) -> None:
        """It is in use after all."""
        known = self.read()
        if known.pop(release, None) is not None:
            self._write(known)

    def _write(self, known: dict[str, str]) -> None:
        write_whole(self._path, json.dumps(known, indent=1).encode() + b"\n")

"""Where an update is: one small file that is on the disk before the next step is taken."""

from __future__ import annotations

import dataclasses
import json
import logging
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from device.updates.durable import forget, write_whole
from device.updates.manifest import is_id

log = logging.getLogger(__name__)

FILE_NAME = "journal.json"


class UpdatePhase(StrEnum):
    """How far it has come, in order."""

    PREPARING = "preparing"
    """The new release is brought and tried out beside the old one, which serves."""
    SWITCHING = "switching"
    """The old one is stopped, the state saved, the link about to be switched."""
    PROVING = "proving"
    """The link is switched, and the new one owes a proof that it works."""
    RETURNING = "returning"
    """It did not: everything goes back."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One update that has begun and not ended."""

    phase: UpdatePhase
    old: str
    new: str
    was_running: bool = False
    """Whether the appliance ran, or its safe mode, so that it is started afterwards."""
    was_up: bool = False
    """Whether it was ready, so that it must be ready afterwards: a new release is not to blame
    for a microphone that is not there."""
    is_rollback: bool = False
    """The new release is the previous one, and was there before."""
    older_data: bool = False
    """The data of the house go back too, to when that release last ran."""
    attempts: int = 0
    """How often the proof was begun: what takes the machine down with it is not tried for ever."""
    reason: str = ""
    """Why it goes back."""
    is_refused: bool = False
    """It goes back because the release did not prove itself: a timer must not try it again."""


class Journal:
    """The file, in a folder that belongs to root."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def read(self) -> JournalEntry | None:
        """Return what has begun; None when nothing has, or nothing that can be understood."""
        try:
            document: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            entry = JournalEntry(**{**document, "phase": UpdatePhase(document["phase"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            # It is never written in part: somebody else did this, and we know nothing of it.
            log.error("%s cannot be understood and counts for nothing: %s", self.path, error)
            return None
        return entry if is_id(entry.old) and is_id(entry.new) else None

    def write(self, entry: JournalEntry) -> JournalEntry:
        """Have it on the disk before returning."""
        write_whole(self.path, json.dumps(dataclasses.asdict(entry)).encode() + b"\n")
        return entry

    def clear(self) -> None:
        """It has ended."""
        forget(self.path)

"""Whether what a place offers is of today: a signature alone would hold for ever.

Whoever stands between an appliance and its makers, or keeps a mirror of them, could offer the
release of last year for ever, with its good signature. So a manifest says until when it holds,
and what was seen once is remembered: nothing lower is taken after it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from device.updates.durable import write_whole
from device.updates.errors import Stale
from device.updates.manifest import ReleaseManifest
from device.updates.version import Version

LOOKS_EVERY = timedelta(days=1)
"""What the timer is set to."""
PATIENCE = timedelta(days=3)
"""After so long without an answer to the timer its owner is told."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of the places that were looked at."""

    highest: str = ""
    """The highest version that was offered, by a good signature."""
    valid_until: str = ""
    """Until when the newest word of the makers holds."""
    looked_at: str = ""
    """When a place last had something fresh to say (UTC)."""
    trouble: str = ""
    """Why the last look of the timer came to nothing."""


class Memory:
    """A small file, in a folder of root's, that everybody may read."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "seen.json"

    def read(self) -> Seen:
        """Return what is known; a file that cannot be read counts as nothing."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            seen = Seen(**{name: str(value) for name, value in document.items()})
            if seen.highest:
                Version.parse(seen.highest)
        except (OSError, ValueError, TypeError, AttributeError):
            return Seen()
        return seen

    def note(self, offer: ReleaseManifest, now: datetime) -> None:
        """Remember an offer that was fresh."""
        before = self.read()
        known = [version for version in (before.highest, offer.version) if version]
        self._write(
            Seen(
                highest=max(known, key=Version.parse),
                valid_until=max(before.valid_until, offer.valid_until),
                looked_at=now.astimezone(UTC).isoformat(timespec="seconds"),
            )
        )

    def note_trouble(self, what: str) -> None:
        """Remember that the timer has looked in vain."""
        self._write(dataclasses.replace(self.read(), trouble=what))

    def _write(self, seen: Seen) -> None:
        if not self._path.parent.is_dir():
            return  # nothing was ever installed here
        write_whole(self._path, json.dumps(dataclasses.asdict(seen), indent=1).encode() + b"\n")


def must_be_fresh(offer: ReleaseManifest, seen: Seen, today: date, *, allow_older: bool) -> None:
    """Raise Stale for an offer that has run out, or that is older than what was seen before.

    ``allow_older``: its owner wants an older one, by a word of their own.
    """
    if not offer.valid_until:
        raise Stale(f"release {offer.version} does not say until when it holds", _TELL)
    if date.fromisoformat(offer.valid_until) < today:
        raise Stale(
            f"what is offered held until {offer.valid_until}: the place is frozen, or its makers "
            "have stopped",
            f"{_TELL} Is the date of this machine right (`timedatectl`)?",
        )
    if allow_older or not seen.highest:
        return
    if Version.parse(offer.version) < Version.parse(seen.highest):
        raise Stale(
            f"release {offer.version} is offered, and {seen.highest} was offered before: "
            "somebody shows an old state of the place",
            f"{_TELL} To install it all the same: --allow-older.",
        )
    if offer.version == seen.highest and offer.valid_until < seen.valid_until:
        raise Stale(
            f"the offer of {offer.version} is an older one: it held until {offer.valid_until}, "
            f"a newer one until {seen.valid_until}",
            _TELL,
        )


def complaint(seen: Seen, now: datetime) -> str:
    """Say what is wrong with the looks of the timer, which is on; "" if nothing is."""
    why = f" ({seen.trouble})" if seen.trouble else ""
    if not seen.looked_at:
        return f"the timer has found nothing yet{why}" if seen.trouble else ""
    age = now.astimezone(UTC) - datetime.fromisoformat(seen.looked_at)
    if age > PATIENCE + LOOKS_EVERY:
        return f"no answer for {age.days} days{why}"
    if date.fromisoformat(seen.valid_until) < now.date():
        return f"what is offered held until {seen.valid_until}: the place is frozen{why}"
    return ""


_TELL = "Nothing of it was used. Ask the makers by another way."

"""What changes between two sets of settings, and what has to be built anew for it."""

from __future__ import annotations

import dataclasses

from device.settings.tree import Settings

NEEDS_RESTART = frozenset({"log.format", "paths.runtime", "paths.state"})
"""Log, control socket and stores are opened once, at the start: they belong to no room."""
AT_ONCE = frozenset(
    {
        *("log.level", "log.transcripts", "speaker.volume_percent", "update.url"),
        *("page.enabled", "page.pairing", "page.names"),
    }
)

BESIDE = ("mqtt.", "panel.")
"""Tables of what stands beside the rooms."""


@dataclasses.dataclass(frozen=True)
class Changes:
    """The keys that differ, as ``table.key``; a change of any endpoint is ``endpoint``."""

    keys: tuple[str, ...]

    @property
    def need_restart(self) -> tuple[str, ...]:
        """Those that only a restart of the process applies."""
        return tuple(key for key in self.keys if key in NEEDS_RESTART)

    @property
    def touch_panel(self) -> bool:
        """Lights and buttons must be built anew."""
        return any(key.startswith("panel.") for key in self.keys)

    @property
    def touch_rooms(self) -> bool:
        """Ears, sound, endpoints and tools must be built anew."""
        at_once = AT_ONCE | NEEDS_RESTART
        return any(key not in at_once and not key.startswith(BESIDE) for key in self.keys)


def changes(old: Settings, new: Settings) -> Changes:
    """Compare key by key."""
    found: list[str] = []
    for table in dataclasses.fields(Settings):
        before, after = getattr(old, table.name), getattr(new, table.name)
        if before == after:
            continue
        if isinstance(before, tuple):
            found.append(table.name)
            continue
        found += [
            f"{table.name}.{key.name}"
            for key in dataclasses.fields(before)
            if getattr(before, key.name) != getattr(after, key.name)
        ]
    return Changes(tuple(found))

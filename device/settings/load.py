"""Which files are read, and how the user's lies over the shipped one.

The shipped ``bittern.toml`` comes first. Over it lies one user file, the first of:
``--config FILE``, ``$BITTERN_CONFIG``, ``/etc/bittern/bittern.toml`` and
``~/.config/bittern/bittern.toml``. Tables lie over each other key by key.

Endpoints lie over each other by name: an ``[[endpoint]]`` with the name of a shipped one
changes only the keys it gives, a new name adds one. They are tried in the order of the
user's file; shipped ones it does not name follow, and the shipped brain stays last
unless the file puts another endpoint behind it. ``enabled = false`` takes one away.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.firmware import FIRMWARE
from device.schema.checker import Checker, GivenTable, build, overlay
from device.schema.document import Document, read_document
from device.schema.mistakes import Mistake, MistakesError
from device.settings.endpoints import default_endpoints, mistaken_entries, overlay_endpoints
from device.settings.rules import broken_rules
from device.settings.tree import Mcp, Profile, Settings
from device.spending.prices import Price

SHIPPED = FIRMWARE / "bittern.toml"
SYSTEM = Path("/etc/bittern/bittern.toml")
VARIABLE = "BITTERN_CONFIG"
NAMED: Mapping[str, type[Any]] = {"profile": Profile, "mcp": Mcp, "price": Price}
"""Tables that come several times, each with a name of its own, and of which none is shipped."""

RETIRED: Mapping[str, str] = {
    "microphone.preroll_s": "has no effect any more: how much of the sound before a question is "
    "sent is decided by the wake word; take the line out",
}
"""Keys of older releases: a file that holds one is read all the same, and its owner is told."""


class SettingsError(MistakesError):
    """The settings cannot be used; the process ends with 78, for a restart cannot help."""


@dataclasses.dataclass(frozen=True)
class LoadedSettings:
    """Settings, and for each key that somebody wrote, where."""

    settings: Settings
    user_file: Path | None
    given: GivenTable
    retired: tuple[Mistake, ...] = ()
    """Keys of older releases that somebody still writes, and what became of each."""


def load_settings(
    config: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    system: Path = SYSTEM,
) -> LoadedSettings:
    """Load the effective settings, or raise :class:`SettingsError` with every mistake."""
    user_file = find_user_file(config, environ, system)
    try:
        shipped = read_document(SHIPPED) if SHIPPED.exists() else None
        user = None if user_file is None else read_document(user_file)
    except MistakesError as unusable:
        raise SettingsError(unusable.mistakes) from None
    return assemble(shipped, user, user_file)


def find_user_file(
    config: Path | None, environ: Mapping[str, str], system: Path = SYSTEM
) -> Path | None:
    """Return the one user file that counts; named ones must exist, usual places need not."""
    if config is not None:
        return config
    if named := environ.get(VARIABLE):
        return Path(named)
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", "/"), ".config")
    usual = (system, Path(base) / "bittern" / "bittern.toml")
    return next((path for path in usual if os.path.lexists(path)), None)


def assemble(
    shipped: Document | None, user: Document | None, user_file: Path | None = None
) -> LoadedSettings:
    """Check both documents, lay one over the other, and check what they say together."""
    given: GivenTable = {"endpoint": default_endpoints()}
    mistakes: list[Mistake] = []
    retired: list[Mistake] = []
    for document in (shipped, user):
        if document is not None:
            checker = Checker(document, Settings, retired=RETIRED)
            given, found = _lay_over(given, checker, is_first=document is shipped)
            mistakes += found
            retired += checker.retired
    if any(mistake.path.startswith(("endpoint", *NAMED)) for mistake in mistakes):
        raise SettingsError(mistakes)
    settings = build(Settings, given)
    # A rule about a table that holds mistakes would be judged by values nobody wrote.
    mistaken = {mistake.path.partition(".")[0] for mistake in mistakes}
    broken = broken_rules(settings, given, str(SHIPPED))
    mistakes += [rule for rule in broken if rule.path.partition(".")[0] not in mistaken]
    if mistakes:
        raise SettingsError(mistakes)
    return LoadedSettings(settings, user_file, given, tuple(retired))


def _lay_over(
    below: GivenTable, checker: Checker, *, is_first: bool
) -> tuple[GivenTable, list[Mistake]]:
    document = checker.document
    above = dict(checker.given)
    mistakes = list(checker.mistakes)
    for kind, shape in NAMED.items():
        if (entries := above.get(kind)) is not None:
            mistakes += mistaken_entries(entries, entries, document.file, kind, shape)
    own = above.get("endpoint")
    if own is not None:
        merged = own if is_first else overlay_endpoints(below["endpoint"], own)
        above["endpoint"] = merged
        if not any(mistake.path.startswith("endpoint") for mistake in mistakes):
            mistakes += mistaken_entries(own, merged, document.file)
    return overlay(below, above), mistakes

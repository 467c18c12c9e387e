"""What is installed to run, each with its licence and the text of it.

Packages are those of the lock file (``requirements/run.txt``), as far as they are installed
here, and what their own metadata says of them; ``firmware_config/licences.toml`` knows what
metadata does not. Models are those of the manifest.
"""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, cast

from device.errors import BitternError
from device.firmware import FIRMWARE
from device.models.manifest import ModelManifest, ModelSet

LOCK = FIRMWARE.parent / "requirements" / "run.txt"
FACTS = FIRMWARE / "licences.toml"
TEXTS = FIRMWARE / "licences"

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_TEXT_NAME = re.compile(r"(licen[cs]e|copying|notice|authors|third.?party)", re.IGNORECASE)
_NO_TEXT = (".py", ".pyc", ".so", ".toml")
_COPYLEFT = re.compile(r"GNU (LESSER |LIBRARY )?GENERAL PUBLIC LICENSE\s+Version \d", re.I)
_SPDX = {
    "mit license": "MIT",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
}
"""What packages of before SPDX call it."""


class PapersError(BitternError):
    """The papers cannot be made from what is here."""


@dataclass(frozen=True, slots=True)
class Text:
    """One licence or notice, as it came."""

    name: str
    content: str


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that runs in the appliance."""

    name: str
    version: str
    licence: str
    """An SPDX expression; empty where nobody knows it."""
    homepage: str = ""
    texts: tuple[Text, ...] = field(default=(), repr=False)

    @property
    def purl(self) -> str:
        """Its name in the world of SBOMs (package-url)."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"


@dataclass(frozen=True, slots=True)
class Part:
    """A library whose licence asks something of who passes it on."""

    name: str
    within: str
    how: str
    licence: str
    source: str
    duty: str


@dataclass(frozen=True, slots=True)
class Model:
    """A set of models, and whose work it is."""

    set: ModelSet
    copyright: str
    text: Text | None
    address: str = ""
    """Where the text is, for what is not shipped and only fetched on request."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All of it."""

    packages: tuple[Package, ...]
    models: tuple[Model, ...]
    parts: tuple[Part, ...]
    system: Mapping[str, str]
    """Debian packages, with the licence of each."""

    @property
    def gaps(self) -> list[str]:
        """What is missing before anybody may pass it on, in sentences."""
        found = [
            f"{each.name}: its licence is not known" for each in self.packages if not each.licence
        ]
        found += [f"{each.name}: no licence text" for each in self.packages if not each.texts]
        named = {part.within for part in self.parts}
        found += [
            f"{each.name}: carries a text of the GNU licences, and no [part] says what of"
            for each in self.packages
            if each.name not in named and any(_COPYLEFT.search(text.content) for text in each.texts)
        ]
        found += [
            f"model {each.set.name}: no copyright holder, or no text"
            for each in self.models
            if not each.copyright or (each.text is None and (each.set.default or not each.address))
        ]
        return found


def inventory(
    manifest: ModelManifest, lock: Path = LOCK, facts: Path = FACTS, texts: Path = TEXTS
) -> Inventory:
    """Look at what is installed; raises :class:`PapersError` where that cannot be read."""
    try:
        known = tomllib.loads(facts.read_text(encoding="utf-8"))
        names = dict.fromkeys(name for name, _ in _PINNED.findall(lock.read_text(encoding="utf-8")))
    except (OSError, ValueError) as failure:
        raise PapersError(f"no papers without {lock} and {facts}: {failure}") from None
    packages = [_package(name, known["package"].get(name, {}), texts) for name in names]
    return Inventory(
        tuple(each for each in packages if each is not None),
        tuple(
            _model(each, known["model"].get(each.name, {}), texts)
            for each in manifest.sets.values()
        ),
        tuple(Part(name, **table) for name, table in known["part"].items()),
        known["system"],
    )


def _package(name: str, facts: Mapping[str, Any], texts: Path) -> Package | None:
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None  # not wanted by this Python, or this processor
    told = cast(Message, found.metadata)
    own = tuple(_texts_of(found))
    if not own and "text" in facts:
        own = (_text(texts, facts["text"]),)
    said = told.get("License-Expression") or facts.get("licence")
    licence = said or _spdx(told.get("License") or "")
    links = told.get_all("Project-URL") or []
    home = told.get("Home-page") or (links[0].partition(", ")[2] if links else "")
    home = "" if home == "UNKNOWN" else home
    return Package(name, found.version, licence, home, own)


def _texts_of(found: importlib.metadata.Distribution) -> Iterator[Text]:
    seen: set[str] = set()
    for file in found.files or ():
        if not _TEXT_NAME.search(file.name) or file.name.lower().endswith(_NO_TEXT):
            continue
        try:
            content = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if content.strip() and content not in seen:
            seen.add(content)
            yield Text(file.name, content)


def _spdx(said: str) -> str:
    first = said.strip().partition("\n")[0].strip()
    return _SPDX.get(first.lower(), first)


def _model(chosen: ModelSet, facts: Mapping[str, Any], texts: Path) -> Model:
    named = facts.get("text", "")
    if "://" in named:
        return Model(chosen, facts.get("copyright", ""), None, named)
    return Model(chosen, facts.get("copyright", ""), _text(texts, named) if named else None)


def _text(folder: Path, name: str) -> Text:
    try:
        return Text(name, (folder / name).read_text(encoding="utf-8"))
    except OSError as failure:
        raise PapersError(f"no papers without {folder / name}: {failure.strerror}") from None

"""Who may import whom, as data; the table in docs/architecture.md says the same, and no circle.

A folder may know less than it is allowed to; it may not know more. Imports that only type
checkers follow count, too: who names a thing knows it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BASICS = {
    "__version__",
    "clocks",
    "errors",
    "firmware",
    "locks",
    "logs",
    "memory",
    "ownership",
    "plain_text",
}
"""Modules beside the folders that everybody may use, and that use one another only."""

MAY_IMPORT: dict[str, set[str]] = {
    "papers": {"models", "updates"},
    "phrases": set(),
    "schema": set(),
    "realtime": set(),
    "assistant": {"realtime"},
    "reports": {"assistant"},
    "tools": {"phrases"},
    "audio": {"phrases"},
    "wake": {"audio", "models"},
    "vad": {"models", "wake"},
    "models": set(),
    "panel": {"assistant", "schema"},
    "spending": {"assistant", "realtime", "schema"},
    "settings": {"models", "panel", "schema", "spending"},
    "nearmisses": {"audio", "settings"},
    "ears": {"audio", "models", "nearmisses", "settings", "vad", "wake"},
    "brain": {"models", "phrases", "realtime", "tools", "vad"},
    "appliance": {"audio", "realtime"},
    "camera": {"settings"},
    "room": {
        *{"appliance", "assistant", "audio", "ears", "models", "nearmisses", "phrases"},
        *{"realtime", "reports", "settings", "tools"},
    },
    "house": {
        *{"appliance", "assistant", "audio", "ears", "homeassistant", "models", "nearmisses"},
        *{"panel", "phrases", "realtime", "reports", "room", "schema", "settings", "spending"},
        "tools",
        "camera",
    },
    "homeassistant": set(),
    "daemon": {
        *{"appliance", "assistant", "audio", "ears", "house", "models", "reports", "room"},
        *{"schema", "settings", "wake"},
    },
    "toolhost": {"settings", "tools"},
    "updates": {
        *{"appliance", "assistant", "audio", "daemon", "models", "settings", "tools"},
    },
    "doctor": {
        *{"appliance", "assistant", "audio", "homeassistant", "house", "models", "panel"},
        *{"realtime", "room", "settings", "spending", "tools", "updates"},
        "camera",
    },
    "workshop": {
        *{"appliance", "assistant", "audio", "brain", "daemon", "ears", "house", "models", "panel"},
        *{"realtime", "room", "settings", "tools", "vad", "wake"},
    },
    "setup": {
        *{"appliance", "assistant", "audio", "doctor", "ears", "house", "models", "panel"},
        *{"realtime", "room", "schema", "settings", "tools", "wake", "workshop"},
    },
}
"""``cli`` may use all of them, and none of them uses it."""

ONLY_IN: dict[str, set[str]] = {
    "gpiozero": {"panel"},
    "spidev": {"panel"},
    "lgpio": {"panel"},
    "pyaudio": {"audio", "workshop"},
    "websockets": {"realtime", "brain", "workshop"},
    "systemd": {"appliance"},
    "aiohttp": set(),
    "aiomqtt": {"homeassistant"},
    "paho": {"homeassistant"},
    "mcp": {"toolhost"},
    "httpx2": {"toolhost"},
    "anyio": {"toolhost"},
}
"""What touches the world, and the folders that may. The workshop measures against others."""

READ_THE_ENVIRONMENT = {"appliance", "cli", "daemon", "settings", "updates", "workshop"}
"""At the border of the process: systemd's own variables, and where files lie."""
BEYOND_THE_BORDER = {
    "device/camera/__main__.py": "what systemd passes a unit",
    "device/__init__.py": "sets what onnxruntime takes by no other way",
    "device/__main__.py": "sets what OpenBLAS takes by no other way",
    "device/audio/chatter.py": "sets what JACK's library takes by no other way",
    "device/panel/gpio.py": "sets what lgpio takes by no other way",
    "device/models/location.py": "where caches lie (XDG)",
    "device/models/pip_settings.py": "pip's own settings, to fetch as pip does",
    "device/toolhost/__main__.py": "what systemd passes a unit; keys of servers, for them alone",
    "device/tools/moments.py": "the time zone (TZ), as the C library reads it",
}
"""Single files that touch the environment, and why."""


def room_of(module: str) -> str:
    """The folder, or the module beside the folders, that a dotted name belongs to."""
    return module.split(".")[1] if "." in module else ""


@dataclass(frozen=True)
class Source:
    """What one file knows."""

    folder: str
    path: str
    imports: frozenset[str]
    touches_environment: bool


@cache
def sources() -> tuple[Source, ...]:
    return tuple(_read(path) for path in sorted((ROOT / "device").rglob("*.py")))


def _read(path: Path) -> Source:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    folder = path.relative_to(ROOT / "device").with_suffix("").parts[0]
    return Source(
        folder,
        str(path.relative_to(ROOT)),
        frozenset(_imported(nodes)),
        any(map(_is_environment, nodes)),
    )


def _is_environment(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv", "environb")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )


def _imported(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            if node.module == "device":
                yield from (f"device.{alias.name}" for alias in node.names)
            else:
                yield node.module


FOLDERS = {path.name for path in (ROOT / "device").iterdir() if (path / "__init__.py").exists()}


def edges() -> dict[str, dict[str, set[str]]]:
    """Folder to folder to the files that make it so."""
    found: dict[str, dict[str, set[str]]] = {}
    for source in sources():
        for name in source.imports:
            other = room_of(name) if name.startswith("device.") else ""
            if other and other != source.folder:
                found.setdefault(source.folder, {}).setdefault(other, set()).add(source.path)
    return found


def test_every_folder_has_its_rule() -> None:
    assert FOLDERS - {"cli"} == set(MAY_IMPORT) - {"reports"}


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_nobody_knows_more_than_is_allowed(folder: str) -> None:
    known = edges().get(folder, {})
    too_many = {
        other: sorted(paths)
        for other, paths in known.items()
        if other not in MAY_IMPORT[folder] | BASICS
    }
    assert not too_many


def test_the_basics_know_only_one_another() -> None:
    found = edges()
    assert {each: set(found.get(each, ())) - BASICS for each in sorted(BASICS)} == {
        each: set() for each in sorted(BASICS)
    }


def test_the_rules_themselves_have_no_circle() -> None:
    order = list(TopologicalSorter(MAY_IMPORT).static_order())
    assert order.index("room") < order.index("house") < order.index("daemon")


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_what_touches_the_world_stays_in_its_rooms(library: str) -> None:
    strangers = [
        source.path
        for source in sources()
        if source.folder not in ONLY_IN[library]
        and any(name.split(".")[0] == library for name in source.imports)
    ]
    assert not strangers


def test_the_environment_is_read_at_the_border_only() -> None:
    strangers = [
        source.path
        for source in sources()
        if source.touches_environment and source.folder not in READ_THE_ENVIRONMENT
    ]
    assert set(strangers) == set(BEYOND_THE_BORDER)


def test_the_table_of_the_page_says_the_same() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.split("## Who may import whom")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \| (.*?) \|$", section, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in rows}
    assert told == MAY_IMPORT


def test_the_files_that_the_page_names_are_there() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", page))
    missing = [
        name for name in named if not any((ROOT / at / name).exists() for at in ("device", "."))
    ]
    assert len(named) > 20
    assert not missing


def test_only_who_builds_reads_the_settings() -> None:
    """All the others take plain arguments, and can be tested with plain arguments."""
    builds = {"cli", "daemon", "doctor", "house", "settings", "setup", "updates", "workshop"}
    readers = {
        each.path
        for each in sources()
        if each.folder not in builds and any("device.settings" in name for name in each.imports)
    }
    assert readers == {
        "device/ears/opening.py",
        "device/nearmisses/review.py",  # a command
        "device/room/cards.py",
        "device/room/policy.py",
        "device/camera/__main__.py",
        "device/toolhost/opening.py",
    }


def test_what_scripts_and_tests_import_in_a_string_is_there() -> None:
    """No checker reads the Python inside a shell script, or a program that a test writes."""
    places = [*(ROOT / "scripts").rglob("*"), *(ROOT / "tests").rglob("*.*")]
    files = [file for file in places if file.is_file() and file.suffix in ("", ".sh", ".py")]
    found = [
        (file, module, name.split(" as ")[0].strip())
        for file in files
        for module, names in re.findall(
            r"^\s*from (device[\w.]*) import ([\w, ]+)$", file.read_text(), re.MULTILINE
        )
        for name in names.split(",")
    ]
    assert len(found) > 100
    lacking = [
        f"{file.relative_to(ROOT)}: {module}.{name}"
        for file, module, name in found
        if not hasattr(importlib.import_module(module), name)
        and importlib.util.find_spec(f"{module}.{name}") is None
    ]
    assert lacking == []

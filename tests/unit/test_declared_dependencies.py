"""Whatever the package imports, the project asks for: what works here works in a fresh clone."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = {"device", "pip"}
"""pip comes with every virtual environment."""
FROM_DEBIAN = {"pyaudio", "systemd", "lgpio", "spidev"}
"""Packages of the operating system (scripts/lib/system.sh), compiled for its Python."""


def imported() -> dict[str, str]:
    """Return every top-level module that ``device`` imports, and one file that does."""
    found: dict[str, str] = {}
    for path in sorted((REPOSITORY / "device").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], str(path.relative_to(REPOSITORY)))
    return found


def declared() -> set[str]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return {_normal(re.split(r"[<>=!~\[; ]", each)[0]) for one in lists for each in one}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


FOREIGN = {
    module: file
    for module, file in imported().items()
    if module not in sys.stdlib_module_names | OURS | FROM_DEBIAN
}


@pytest.mark.parametrize("module", sorted(FOREIGN))
def test_every_imported_package_is_declared(module: str) -> None:
    providers = {_normal(name) for name in packages_distributions().get(module, [])}
    assert providers & declared(), (
        f"{FOREIGN[module]} imports {module} (of {sorted(providers) or 'nothing installed'}): "
        "add it to pyproject.toml, then run scripts/lock"
    )

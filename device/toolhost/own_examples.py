"""Writes the beginnings of a tool of the owner's own, which work as they are."""

from __future__ import annotations

import re
from pathlib import Path

from device.errors import BitternError
from device.firmware import FIRMWARE

EXAMPLES = FIRMWARE / "tools"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_PLACEHOLDER = "your_tool"


def write_example(folder: Path, name: str, like: str) -> Path:
    """Write ``name`` into the folder, made from one of :data:`EXAMPLES`; return where it is.

    Raises a ``BitternError`` for a name that a function cannot have, for one that is there
    already, and where nothing can be written.
    """
    if not _NAME.fullmatch(name):
        raise BitternError(
            f"{name} cannot be the name of a tool",
            "It takes small letters, digits and _, and begins with a letter.",
        )
    source = next(EXAMPLES.glob(f"{like}.*"))
    is_program = source.suffix != ".py"
    path = folder / (name if is_program else f"{name}.py")
    text = source.read_text(encoding="utf-8")
    if like in ("weather", "news"):
        text = text.replace(f"def get_{like}(", f"def get_{name}(")
    text = text.replace(_PLACEHOLDER, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o755 if is_program else 0o644)
    except FileExistsError:
        raise BitternError(f"{path} is there already", "Take another name, or remove it.") from None
    except OSError as failure:
        advice = "It belongs to root on an installed appliance: put sudo before it."
        raise BitternError(f"{path} cannot be written: {failure.strerror}", advice) from None
    return path

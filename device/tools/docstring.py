"""Reads the docstring of a tool: what it does, and a line on each of its parameters."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_ARGUMENTS = re.compile(r"^(?:Args|Arguments|Parameters):\s*$")
_OTHER_SECTION = re.compile(r"^(?:Returns|Raises|Yields|Examples?|Notes?):\s*$")
_ARGUMENT = re.compile(r"^ {1,8}(?P<name>\w+)(?: *\([^)]*\))?: +(?P<text>\S.*)$")


@dataclass(frozen=True, slots=True)
class Description:
    """What a docstring says."""

    text: str
    """Everything before the section on the arguments, as one paragraph a line."""
    arguments: dict[str, str]
    """Name of the parameter to its description, continuation lines joined."""


def describe(docstring: str) -> Description:
    """Split a docstring into its prose and its ``Args:`` section (other sections are dropped)."""
    prose: list[str] = []
    arguments: dict[str, str] = {}
    section, current = "prose", ""
    for line in inspect.cleandoc(docstring).splitlines():
        if _ARGUMENTS.match(line):
            section = "arguments"
        elif _OTHER_SECTION.match(line):
            section = "other"
        elif section == "prose":
            prose.append(line.strip())
        elif section == "arguments" and line.strip():
            found = _ARGUMENT.match(line)
            if found:
                current = found["name"]
                arguments[current] = found["text"].strip()
            elif current:
                arguments[current] += " " + line.strip()
    paragraphs = "\n".join(prose).strip().split("\n\n")
    return Description("\n".join(p.replace("\n", " ").strip() for p in paragraphs), arguments)

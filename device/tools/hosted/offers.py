"""What a host of tools offers, looked at before a model sees any of it: names, words, schemas."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from device.plain_text import one_line
from device.tools.hosted.messages import MOST_TOOLS, OfferedTool
from device.tools.hosted.schemas import SchemaError, cleaned_schema

LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1_000
"""Characters of what a tool says of itself. It is read by a model in every turn."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What the owner says of a source."""

    name: str
    timeout_s: float
    prefix: str = ""
    """Before the name of each of its tools; empty for the owner's own."""
    allow: tuple[str, ...] = ()
    """Names of tools, as the source calls them, ``*`` for any letters; none: all of them."""
    deny: tuple[str, ...] = ()

    def allows(self, tool: str) -> bool:
        """Whether a model is to know of it; what is denied is denied."""
        if any(fnmatchcase(tool, each) for each in self.deny):
            return False
        return not self.allow or any(fnmatchcase(tool, each) for each in self.allow)


@dataclass(frozen=True, slots=True)
class CleanTool:
    """A tool as a model is shown it."""

    name: str
    its_own_name: str
    """What its server calls it."""
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is left of a source's tools."""

    tools: tuple[CleanTool, ...] = ()
    left_out: tuple[str, ...] = field(default=())
    """One line for each that cannot be offered, with the reason. Not those that are denied."""


def offer_of(rules: SourceRules, offered: Sequence[OfferedTool], most: int = MOST_TOOLS) -> Offer:
    """Look at each; what is wrong with one leaves the others as they are.

    ``most``: how many there may be; the first ones stay.
    """
    tools: dict[str, CleanTool] = {}
    left_out: list[str] = []
    for each in offered:
        if not rules.allows(each.name):
            continue
        shown = one_line(each.name, 80) or "one without a name"
        if len(tools) >= min(most, MOST_TOOLS):
            left_out.append(f"{shown}: these would be too many tools; choose with allow")
            continue
        try:
            tool = _clean(rules, each)
        except SchemaError as fault:
            left_out.append(f"{shown}: {fault}")
            continue
        if tool.name in tools:
            left_out.append(f"{shown}: {tools[tool.name].its_own_name} has this name already")
        else:
            tools[tool.name] = tool
    return Offer(tuple(tools.values()), tuple(left_out))


def _clean(rules: SourceRules, offered: OfferedTool) -> CleanTool:
    prefix = "" if offered.name.startswith(rules.prefix) else rules.prefix
    name = _NOT_IN_A_NAME.sub("_", f"{prefix}{offered.name}")
    if not offered.name or len(name) > LONGEST_NAME:
        raise SchemaError(f"its name has not 1 to {LONGEST_NAME - len(prefix)} characters")
    description = one_line(offered.description, LONGEST_DESCRIPTION).strip()
    return CleanTool(name, offered.name, description or name, cleaned_schema(offered.schema))


def in_short(lines: Iterable[str]) -> str:
    """A few lines as one, for a log or a report."""
    return one_line("; ".join(lines), 600)

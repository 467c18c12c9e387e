"""What the host is to run, in plain values; and what a source of tools is, seen from the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from device.tools.hosted.messages import SourceTold

PASSED_ON = ("HOME", "LANG", "PATH", "TZ")
"""Of the host's own environment: everything else is nobody's business."""

Tell = Callable[[SourceTold], None]


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One server of the Model Context Protocol."""

    name: str
    command: tuple[str, ...] = ()
    """What starts it, where it speaks by standard input and output."""
    url: str = ""
    """Where it is, where it speaks by HTTP."""
    key: str = field(default="", repr=False)
    """By HTTP it goes into the header ``Authorization``; a program gets it in ``key_variable``."""
    key_variable: str = ""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of a call, in words or in JSON."""

    text: str
    is_error: bool = False
    is_away: bool = False
    """There was nobody to ask."""


class RunSource(Protocol):
    """A source of tools that the host runs."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    async def run(self, tell: Tell) -> None:
        """Keep it up, and tell how it is; ends by being cancelled."""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallResult:
        """Call one of its tools, in bounded time; raises nothing but ``CancelledError``."""


def environment_for(key_variable: str, key: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What a child is given: little of ours, and its own key."""
    given = {name: environ[name] for name in PASSED_ON if name in environ}
    return given | ({key_variable: key} if key_variable and key else {})

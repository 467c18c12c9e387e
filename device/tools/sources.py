"""What a tool is, and where tools come from: sources that gain and lose them while running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


class Tool(Protocol):
    """One thing that a model may call, whatever stands behind it.

    Reading the arguments and acting on them are two steps: in between, somebody can know
    what would be done and still keep it from being done.
    """

    @property
    def name(self) -> str:
        """What a model calls it: letters, digits, ``_`` and ``-``, at most 64 of them."""

    @property
    def description(self) -> str:
        """What it is for, in words for a model."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of its arguments: an object."""

    @property
    def timeout_s(self) -> float:
        """How long a call may take."""

    def read(self, arguments_json: str) -> dict[str, Any]:
        """Check what a model wrote, and fill in what it left out; without effect on anything.

        Raises :class:`~device.tools.signature.ArgumentsError` with what was expected.
        """

    async def call(self, arguments: Mapping[str, Any]) -> object:
        """Do it; return an ``Answer``, a mapping, or anything that JSON can hold.

        Raises ``ToolError`` or a ``BitternError`` with a reason; anything else is taken
        for a bug. It may be cancelled, and must not keep the event loop busy.
        """


class ToolSource(Protocol):
    """A place where tools come from. Used on the event loop's thread."""

    @property
    def name(self) -> str:
        """What the household and the log call it; no two sources have the same."""

    def tools(self) -> Sequence[Tool]:
        """What it has at this moment, in the order a model is to see it."""

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` whenever :meth:`tools` has become another list."""

    async def close(self) -> None:
        """End what it runs, in bounded time."""

"""The source of tools that are Python functions: typed, documented, called in this process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from device.tools.answers import ToolError
from device.tools.signature import Signature
from device.tools.threads import BusyError, ToolThreads

ToolFunction = Callable[..., Any]
"""Synchronous functions may block: they get a thread. Asynchronous ones must not."""


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """One function (or bound method) as a tool."""

    name: str
    function: ToolFunction
    signature: Signature
    timeout_s: float
    threads: ToolThreads

    @property
    def description(self) -> str:
        """The text of its docstring."""
        return self.signature.description

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON Schema of its parameters."""
        return self.signature.schema

    def read(self, arguments_json: str) -> dict[str, Any]:
        """Read keyword arguments for the function, by its types."""
        return self.signature.read(arguments_json)

    async def call(self, arguments: Mapping[str, Any]) -> object:
        """Call it: on the event loop where it is asynchronous, else on a thread of its own."""
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**arguments)
        try:
            return await self.threads.run(
                lambda: self.function(**arguments), name=f"tool-{self.name}"
            )
        except BusyError as busy:
            raise ToolError(str(busy), try_again=False) from busy


class FunctionTools:
    """Functions that can be added and removed at any time."""

    def __init__(self, name: str, timeout_s: float, threads: int) -> None:
        """``threads``: how many calls of synchronous functions may be under way at once."""
        self.name = name
        self._timeout_s = timeout_s
        self._threads = ToolThreads(threads)
        self._tools: dict[str, FunctionTool] = {}
        self._changed: Callable[[], None] = lambda: None

    def tools(self) -> Sequence[FunctionTool]:
        """The functions, in the order they were added."""
        return list(self._tools.values())

    def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after every :meth:`add` and :meth:`remove`."""
        self._changed = changed

    def add(
        self, function: ToolFunction, *, name: str = "", timeout_s: float = 0.0
    ) -> FunctionTool:
        """Add a function under its own name, or another.

        Raises ``TypeError`` where its signature or docstring cannot be put in a schema,
        ``ValueError`` where the name is taken.
        """
        name = name or function.__name__
        if name in self._tools:
            raise ValueError(f"there is a tool {name} already")
        tool = FunctionTool(
            name, function, Signature(function, name), timeout_s or self._timeout_s, self._threads
        )
        self._tools[name] = tool
        self._changed()
        return tool

    def remove(self, name: str) -> None:
        """Take a function away; calls of it that are under way go on."""
        del self._tools[name]
        self._changed()

    async def close(self) -> None:
        """Wait a bounded time for threads."""
        await asyncio.to_thread(self._threads.close)

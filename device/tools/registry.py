"""The tools of a session: typed Python functions that a model may call.

A model's call is untrusted text. Whatever it holds, :meth:`Registry.run` returns an
outcome that can be sent back: the arguments are checked against the function's types, a
mistake returns with its reason so that the model can mend it, every call has a time-out,
and a tool that raises is logged and reported. Nothing that a tool does ends the process.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from device.errors import BitternError
from device.tools.answers import Answer, ToolError
from device.tools.signature import ArgumentsError, Signature
from device.tools.threads import BusyError, ToolThreads

_log = logging.getLogger(__name__)

ToolFunction = Callable[..., Any]
"""Synchronous functions may block: they get a thread. Asynchronous ones must not."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What goes back for one call, good or bad."""

    output_json: str
    """An object, for ``function_call_output``. On failure it holds ``error``, and
    ``try_again`` says whether another call can help. ``spoken`` is in it as well where
    there is one, since nothing else reaches an endpoint."""
    is_error: bool
    spoken: str | None
    """A sentence for a person; empty where nothing is to be said; None where only a model
    can put the facts in words."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a session's calls may cost."""

    timeout_s: float = 8.0
    """How long a tool may take that was not registered with a time-out of its own."""
    approval_timeout_s: float = 30.0
    """How long a person may think before silence counts as no."""
    mistakes_per_turn: int = 3
    """After as many wrong calls of one tool in a turn the model is told to give up."""
    calls_per_turn: int = 32
    """More in one turn is a model that runs in circles."""
    output_characters: int = 32_000
    """A longer output would push the conversation out of a small model's context."""
    threads: int = 4


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that a person is to allow."""

    name: str
    arguments: Mapping[str, object]
    """As they were read: valid, defaults filled in."""
    call_id: str


Approver = Callable[[ApprovalRequest], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Tool:
    """One registered function."""

    name: str
    function: ToolFunction
    signature: Signature
    timeout_s: float
    needs_approval: bool | Callable[[Mapping[str, object]], bool]
    """Or a function of the arguments: a purchase of 5 may pass where one of 500 may not."""

    def wants_approval(self, arguments: Mapping[str, object]) -> bool:
        """Whether a person is to be asked before this call."""
        if callable(self.needs_approval):
            return self.needs_approval(arguments)
        return self.needs_approval


class Registry:
    """Holds the tools and runs the calls; one for the appliance, used from one event loop."""

    def __init__(self, *, approve: Approver | None = None, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._approve = approve
        self._tools: dict[str, Tool] = {}
        self._threads = ToolThreads(self.limits.threads)
        self._calls: dict[tuple[str, str, str], asyncio.Task[ToolOutcome]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._mistakes: Counter[str] = Counter()

    def add(
        self,
        function: ToolFunction,
        *,
        name: str = "",
        timeout_s: float = 0.0,
        needs_approval: bool | Callable[[Mapping[str, object]], bool] = False,
    ) -> Tool:
        """Register a function (or bound method) as a tool under its own name, or another.

        Raises ``TypeError`` where its signature or docstring cannot be put in a schema,
        ``ValueError`` where the name is taken.
        """
        name = name or function.__name__
        if name in self._tools:
            raise ValueError(f"there is a tool {name} already")
        timeout_s = timeout_s or self.limits.timeout_s
        tool = Tool(name, function, Signature(function, name), timeout_s, needs_approval)
        self._tools[name] = tool
        return tool

    def tools(self) -> list[dict[str, Any]]:
        """Everything registered, as the ``tools`` of a Realtime session."""
        return [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.signature.description,
                "parameters": tool.signature.schema,
            }
            for tool in self._tools.values()
        ]

    def new_turn(self) -> None:
        """Forget the mistakes and calls of the last turn: a person has spoken again."""
        self._mistakes.clear()
        self._calls.clear()

    async def run(self, name: str, arguments_json: str, call_id: str) -> ToolOutcome:
        """Run one call and return its outcome; raises nothing but ``CancelledError``.

        Any number may run at once. The same call (id, name and arguments) is run once in
        a turn and has one outcome, however often it is asked for. Who stops waiting does
        not stop the tool: a timer that was being set is set, or times out.
        """
        key = (call_id, name, arguments_json)
        if key not in self._calls:
            if len(self._calls) >= self.limits.calls_per_turn:
                return _failure("too many calls in one turn; answer the user now", try_again=False)
            self._calls[key] = self._own(self._outcome(name, arguments_json, call_id))
        return await asyncio.shield(self._calls[key])

    async def close(self) -> None:
        """Cancel what still runs, and wait a bounded time for threads."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1.0)
        await asyncio.to_thread(self._threads.close)

    async def _outcome(self, name: str, arguments_json: str, call_id: str) -> ToolOutcome:
        tool = self._tools.get(name)
        if tool is None:
            return self._unknown(name)
        try:
            arguments = tool.signature.read(arguments_json)
            await self._ask(tool, arguments, call_id)
            outcome = await self._call(tool, arguments)
        except ArgumentsError as bad:
            return self._mistake(name, ToolError(str(bad), spoken="Sorry, that didn't work."))
        except ToolError as error:
            return self._mistake(name, error)
        except BitternError as failure:
            _log.warning("tool %s: %s", name, failure)
            return _failure(failure.what, spoken=f"Sorry, that didn't work: {failure.what}.")
        except Exception:
            # The boundary of the call: a bug in one tool is an outcome, not an end.
            _log.exception("tool %s failed (call %s)", name, call_id)
            return _failure(f"{name} failed on the device; tell the user that it did not work")
        self._mistakes.pop(name, None)
        return outcome

    async def _ask(self, tool: Tool, arguments: dict[str, Any], call_id: str) -> None:
        if not tool.wants_approval(arguments):
            return
        if self._approve is None:
            raise ToolError(f"{tool.name} needs approval and nobody can give it", try_again=False)
        request = ApprovalRequest(tool.name, arguments, call_id)
        try:
            async with asyncio.timeout(self.limits.approval_timeout_s):
                is_approved = await self._approve(request)
        except TimeoutError:
            is_approved = False
        if not is_approved:
            raise ToolError(
                "the user did not approve this call; do not repeat it",
                spoken="All right, I won't.",
                try_again=False,
            )

    async def _call(self, tool: Tool, arguments: dict[str, Any]) -> ToolOutcome:
        """Run the function in a task of its own, which a time-out leaves behind, cancelled."""
        task = self._own(self._guarded(tool, arguments))
        await asyncio.wait({task}, timeout=tool.timeout_s)
        if not task.done():
            task.cancel()
            _log.warning("tool %s took longer than %.1f s", tool.name, tool.timeout_s)
            return _failure(
                f"{tool.name} did not finish within {tool.timeout_s:g} s; "
                "whether it took effect is not known",
                spoken="Sorry, that is taking too long.",
            )
        return _success(task.result(), self.limits.output_characters)

    async def _guarded(self, tool: Tool, arguments: dict[str, Any]) -> object:
        try:
            if inspect.iscoroutinefunction(tool.function):
                return await tool.function(**arguments)
            return await self._threads.run(
                lambda: tool.function(**arguments), name=f"tool-{tool.name}"
            )
        except BusyError as busy:
            raise ToolError(str(busy), try_again=False) from busy
        except (SystemExit, asyncio.CancelledError) as end:
            if _is_cancelled():
                raise
            # SystemExit would leave the event loop; a CancelledError of the tool's own
            # making would look like ours.
            raise RuntimeError(f"tool {tool.name} tried to end its caller") from end

    def _unknown(self, name: str) -> ToolOutcome:
        near = difflib.get_close_matches(name, self._tools, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        error = ToolError(f"there is no tool {name!r}{hint}", spoken="Sorry, I can't do that.")
        return self._mistake("", error)

    def _mistake(self, name: str, error: ToolError) -> ToolOutcome:
        """Report what was wrong, and say to give up after too many in one turn."""
        self._mistakes[name] += 1
        reason, try_again = error.reason, error.try_again
        if try_again and self._mistakes[name] >= self.limits.mistakes_per_turn:
            reason += "; this was the last try: give up and tell the user that it did not work"
            try_again = False
        return _failure(reason, spoken=error.spoken, try_again=try_again, facts=error.facts)

    def _own(self, coroutine: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._disown)
        return task

    def _disown(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # taken note of: whoever waits has it, and late ones are nobody's


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _success(result: object, most_characters: int) -> ToolOutcome:
    """Raises ``TypeError`` for a result that JSON cannot hold."""
    spoken = result.spoken if isinstance(result, Answer) else None
    said = {} if spoken is None else {"spoken": spoken}
    output = msgspec.json.encode(_facts(result) | said).decode()
    if len(output) > most_characters:
        return _failure(f"the result is too long ({len(output)} characters); ask for less of it")
    return ToolOutcome(output, is_error=False, spoken=spoken)


def _facts(result: object) -> dict[str, object]:
    if isinstance(result, Answer):
        return dict(result.facts)
    if isinstance(result, Mapping):
        return dict(result)
    return {"ok": True} if result is None else {"result": result}


def _failure(
    reason: str,
    *,
    spoken: str = "Sorry, that didn't work.",
    try_again: bool = False,
    facts: Mapping[str, object] | None = None,
) -> ToolOutcome:
    output = {**(facts or {}), "error": reason, "try_again": try_again, "spoken": spoken}
    return ToolOutcome(msgspec.json.encode(output).decode(), is_error=True, spoken=spoken)

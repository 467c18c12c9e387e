"""The tools of a session: what a model may call, from all the sources there are.

A model's call is untrusted text. Whatever it holds, :meth:`Registry.run` returns an
outcome that can be sent back: the arguments are checked against the tool's own schema, a
mistake returns with its reason so that the model can mend it, every call has a time-out,
and a tool that raises is logged and reported. Nothing that a tool does ends the process.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from device.errors import BitternError
from device.phrases.book import Phrase, PhraseBook, Said, phrase
from device.phrases.en import ENGLISH
from device.tools.answers import Answer, ToolError
from device.tools.functions import FunctionTool, FunctionTools, ToolFunction
from device.tools.policy import ToolPolicy
from device.tools.signature import ArgumentsError
from device.tools.sources import Tool, ToolSource

_log = logging.getLogger(__name__)

_FAILED = phrase("failed")
OWN = "bittern"
"""The source of our own functions, which has the first claim to a name."""


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
    jpegs: tuple[bytes, ...] = ()
    """Pictures that belong to it, for a model that sees."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Bounds on what a session's calls may cost."""

    timeout_s: float = 8.0
    """How long a function may take that was not added with a time-out of its own."""
    mistakes_per_turn: int = 3
    """After as many wrong calls of one tool in a turn the model is told to give up."""
    calls_per_turn: int = 32
    """More in one turn is a model that runs in circles."""
    output_characters: int = 32_000
    """A longer output would push the conversation out of a small model's context."""
    threads: int = 4


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that was understood and not yet carried out: what would be done, by whom.

    Whoever may forbid calls (by source, tool and arguments) stands between the reading of
    one and its carrying out.
    """

    source: str
    tool: Tool
    arguments: Mapping[str, Any]
    """As they were read: valid, defaults filled in."""
    call_id: str


class Registry:
    """Unites the sources and runs the calls of one room, with a budget a turn of its own.

    Names that collide: the source that was attached first keeps the name. The other's tool
    of that name is left out, which the log tells, until the first one has gone. A call of
    a tool that goes meanwhile is carried out; one that comes later is of no tool. Used from
    one event loop.
    """

    def __init__(
        self,
        *,
        limits: CallLimits | None = None,
        phrases: PhraseBook = ENGLISH,
        policy: ToolPolicy | None = None,
    ) -> None:
        """``phrases``: the language in which results are said.

        ``policy``: what a model may not call, whoever has the tool.
        """
        self._phrases = phrases
        self._policy = policy or ToolPolicy()
        self.limits = limits or CallLimits()
        self.functions = FunctionTools(OWN, self.limits.timeout_s, self.limits.threads)
        self._sources: dict[str, ToolSource] = {}
        self._offers: dict[str, tuple[str, Tool]] = {}
        self._left_out: set[tuple[str, str]] = set()
        self._watchers: list[Callable[[], None]] = []
        self._calls: dict[tuple[str, str, str], asyncio.Task[ToolOutcome]] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._mistakes: Counter[str] = Counter()
        self.attach(self.functions)

    # -- sources -----------------------------------------------------------------------

    def attach(self, source: ToolSource) -> None:
        """Offer what a source has, from now on; raises ``ValueError`` where its name is taken."""
        if source.name in self._sources:
            raise ValueError(f"there is a source of tools called {source.name} already")
        self._sources[source.name] = source
        source.watch(self._unite)
        self._unite()

    async def detach(self, name: str) -> None:
        """Offer a source's tools no longer, and close it."""
        source = self._sources.pop(name)
        self._unite()
        await source.close()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` whenever :meth:`tools` is another list; return what ends that."""
        self._watchers.append(changed)
        return lambda: self._watchers.remove(changed)

    def add(
        self, function: ToolFunction, *, name: str = "", timeout_s: float = 0.0
    ) -> FunctionTool:
        """Add a function of our own; raises as :meth:`FunctionTools.add` does."""
        return self.functions.add(function, name=name, timeout_s=timeout_s)

    def _unite(self) -> None:
        offers: dict[str, tuple[str, Tool]] = {}
        left_out: set[tuple[str, str]] = set()
        for source in self._sources.values():
            for tool in source.tools():
                owner, _ = offers.setdefault(tool.name, (source.name, tool))
                if owner != source.name:
                    left_out.add((source.name, tool.name))
        for name, tool_name in sorted(left_out - self._left_out):
            _log.warning(
                "tool %s of %s is left out: %s has one of that name",
                tool_name, name, offers[tool_name][0],
            )  # fmt: skip
        before = self.tools()
        self._offers, self._left_out = offers, left_out
        if self.tools() != before:
            for changed in tuple(self._watchers):
                changed()

    def tools(self) -> list[dict[str, Any]]:
        """Everything that a model may call, as the ``tools`` of a Realtime session."""
        return [
            {
                "type": "function",
                "name": name,
                "description": tool.description,
                "parameters": tool.schema,
            }
            for name, (_, tool) in self._offers.items()
            if self._policy.offers(name)
        ]

    # -- calls -------------------------------------------------------------------------

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
                return self._failure(
                    "too many calls in one turn; answer the user now", try_again=False
                )
            self._calls[key] = self._own(self._outcome(name, arguments_json, call_id, self._policy))
        return await asyncio.shield(self._calls[key])

    async def run_by_hand(self, name: str, arguments_json: str) -> ToolOutcome:
        """Run one call of a person's, as :meth:`run` does; it counts in no turn of a model's.

        What is forbidden is forbidden to models: a person at the keyboard may.
        """
        before = self._mistakes[name]
        everything = ToolPolicy()
        try:
            return await asyncio.shield(
                self._own(self._outcome(name, arguments_json, "by-hand", everything))
            )
        finally:
            self._mistakes[name] = before

    async def close(self) -> None:
        """Cancel what still runs, and close the sources, in bounded time."""
        running = list(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=1.0)
        for source in self._sources.values():
            await source.close()

    async def _outcome(
        self, name: str, arguments_json: str, call_id: str, policy: ToolPolicy
    ) -> ToolOutcome:
        if name not in self._offers:
            return self._unknown(name)
        if not policy.offers(name):
            return self._forbidden(name)
        source, tool = self._offers[name]
        try:
            call = ToolCall(source, tool, tool.read(arguments_json), call_id)
            if not policy.permits(name, call.arguments):
                return self._forbidden(name)
            outcome = await self._carry_out(call)
        except ArgumentsError as bad:
            return self._mistake(name, ToolError(str(bad), spoken=phrase("failed")))
        except ToolError as error:
            return self._mistake(name, error)
        except BitternError as failure:
            _log.warning("tool %s: %s", name, failure)
            said = phrase("failed_because", reason=failure.what)
            return self._failure(failure.what, spoken=said)
        except Exception:
            # The boundary of the call: a bug in one tool is an outcome, not an end.
            _log.exception("tool %s failed (call %s)", name, call_id)
            return self._failure(f"{name} failed on the device; tell the user that it did not work")
        self._mistakes.pop(name, None)
        return outcome

    async def _carry_out(self, call: ToolCall) -> ToolOutcome:
        """Run the call in a task of its own, which a time-out leaves behind, cancelled."""
        tool = call.tool
        task = self._own(self._guarded(call))
        await asyncio.wait({task}, timeout=tool.timeout_s)
        if not task.done():
            task.cancel()
            _log.warning("tool %s took longer than %.1f s", tool.name, tool.timeout_s)
            return self._failure(
                f"{tool.name} did not finish within {tool.timeout_s:g} s; "
                "whether it took effect is not known",
                spoken=phrase("takes_too_long"),
            )
        return self._success(task.result())

    async def _guarded(self, call: ToolCall) -> object:
        try:
            return await call.tool.call(call.arguments)
        except (SystemExit, asyncio.CancelledError) as end:
            if _is_cancelled():
                raise
            # SystemExit would leave the event loop; a CancelledError of the tool's own
            # making would look like ours.
            raise RuntimeError(f"tool {call.tool.name} tried to end its caller") from end

    def _forbidden(self, name: str) -> ToolOutcome:
        _log.info("a call of %s was not carried out: the settings forbid it", name)
        return self._failure(
            f"the household does not allow this call of {name}; tell the user so",
            spoken=phrase("not_allowed"),
        )

    def _unknown(self, name: str) -> ToolOutcome:
        known = [each for each in self._offers if self._policy.offers(each)]
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        error = ToolError(f"there is no tool {name!r}{hint}", spoken=phrase("cannot"))
        return self._mistake("", error)

    def _mistake(self, name: str, error: ToolError) -> ToolOutcome:
        """Report what was wrong, and say to give up after too many in one turn."""
        self._mistakes[name] += 1
        reason, try_again = error.reason, error.try_again
        if try_again and self._mistakes[name] >= self.limits.mistakes_per_turn:
            reason += "; this was the last try: give up and tell the user that it did not work"
            try_again = False
        return self._failure(reason, spoken=error.spoken, try_again=try_again, facts=error.facts)

    def _success(self, result: object) -> ToolOutcome:
        """Raises ``TypeError`` for a result that JSON cannot hold."""
        is_said = isinstance(result, Answer) and result.spoken is not None
        spoken = self._phrases.say(result.spoken) if is_said else None  # type: ignore[attr-defined]
        said = {} if spoken is None else {"spoken": spoken}
        output = msgspec.json.encode(self._in_words(_facts(result)) | said).decode()
        if len(output) > self.limits.output_characters:
            length = len(output)
            return self._failure(
                f"the result is too long ({length} characters); ask for less of it"
            )
        jpegs = result.jpegs if isinstance(result, Answer) else ()
        return ToolOutcome(output, is_error=False, spoken=spoken, jpegs=jpegs)

    def _failure(
        self,
        reason: str,
        *,
        spoken: Said = _FAILED,
        try_again: bool = False,
        facts: Mapping[str, object] | None = None,
    ) -> ToolOutcome:
        said = self._phrases.say(spoken)
        told = self._in_words(facts or {})
        output = {**told, "error": reason, "try_again": try_again, "spoken": said}
        return ToolOutcome(msgspec.json.encode(output).decode(), is_error=True, spoken=said)

    def _in_words(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Have facts that are phrases in words; a model is given no keys of ours."""
        return {name: self._worded(value) for name, value in facts.items()}

    def _worded(self, value: object) -> object:
        match value:
            case Phrase():
                return self._phrases.say(value)
            case list() if value and all(isinstance(each, Phrase) for each in value):
                return self._phrases.say(value)
            case list():
                return [self._worded(each) for each in value]
            case _:
                return value

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


def _facts(result: object) -> dict[str, object]:
    if isinstance(result, Answer):
        return dict(result.facts)
    if isinstance(result, Mapping):
        return dict(result)
    return {"ok": True} if result is None else {"result": result}

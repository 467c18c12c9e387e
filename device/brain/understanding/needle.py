"""Free phrasing to a call, by Needle 3: a model of 121 million 2-bit weights.

It comes after the rules, and only where the settings ask for it: its engine is a closed
library (``needle_engine.py`` says how it is kept in its place). It is shown only
the tools that the rules do not know as the appliance's own. Shown a set of those (timers,
alarms, lists), it took 4 of 18 free phrasings rightly at the confidence that we ask for,
and reading all 22 took 54 s of CPU (on its two threads); shown nine tools of a house, it took
10 of 16, where the rules took 3 (own trial sentences; a 2.5 GHz Xeon under heavy load).

What it proposes is checked: against the schema, and against the words, since it fills
places for which nothing was said.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from decimal import Decimal
from typing import Any, Protocol

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.functions import is_known_kind, words_of
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.kinds import Kinds, SentenceKind
from device.brain.understanding.needle_process import EngineFailedError, EngineRefusedError
from device.brain.understanding.proposals import SURE, Proposal
from device.brain.understanding.schemas import fault_in, properties_of, required_of

_log = logging.getLogger(__name__)

ASK = 0.5
"""Confidence below which it declines: of 25 questions that wanted no call it called a tool
for 12, and for 2 at this confidence (MODELS.md)."""
DOUBTFUL = SURE - 0.01
PATIENCE_S = 3.0
"""How long a user waits for it; what it finds later is kept for the next time."""
_MOST_CHARACTERS = 6000
"""Longest description of tools, as JSON, that it is given: about 1500 tokens to be read."""
_DESCRIPTION_CHARACTERS = 120
_FEWEST_WORDS, _MOST_WORDS = 2, 25
_KEPT = 64
_MOST_FAILURES = 3


class Engine(Protocol):
    """What `NeedleProcess` does; raises `EngineFailedError`."""

    def start(self) -> None:
        """Get ready."""

    def read(self, tools: str) -> int:
        """Read tools."""

    def say(self, utterance: str) -> dict[str, Any]:
        """Say what is made of an utterance."""

    def close(self) -> None:
        """End."""


class Needle:
    """See `Understanding`; safe from several threads, which its own one serves in turn."""

    def __init__(
        self, engine: Engine, language: Language, *, patience_s: float = PATIENCE_S
    ) -> None:
        self._language = language
        self._kinds = Kinds(language.kinds)
        self._evidence = _Evidence(language)
        actions = [frozenset(group) for group in language.words["actions"]]
        self._getters = next(group for group in actions if "what" in group)
        self._reader = _Reader(engine)
        self._patience_s = patience_s

    def load(self) -> None:
        """Start the engine in the background."""
        self._reader.start()

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """Begin to read the tools, so that the first free phrasing need not wait for it."""
        if offered := described(tools):
            self._reader.read(offered)

    def propose(self, utterance: str, tools: Sequence[FunctionTool]) -> Proposal | None:
        """Return a call of one of the tools, or None; also when it takes too long."""
        command = self._language.command_in(utterance)
        offered = described(tools)
        kind = self._kinds.kind_of(command)
        if not offered or kind is SentenceKind.FACT:
            return None
        if not _FEWEST_WORDS <= len(command.split()) <= _MOST_WORDS:
            return None
        asked = self._reader.ask(offered, utterance)
        try:
            made = asked.result(self._patience_s)
        except TimeoutError:
            _log.info("Needle is not done within %.1f s: it declines", self._patience_s)
            return None
        proposal = self._judged(made, utterance, tools) if made else None
        if proposal and kind is SentenceKind.LIVE and not self._only_looks(proposal.call):
            return None
        return proposal

    def close(self) -> None:
        """End the engine and the thread."""
        self._reader.close()

    def _only_looks(self, call: ToolCallPiece) -> bool:
        return bool(self._getters.intersection(words_of(call.name)[:1]))

    def _judged(
        self, made: Mapping[str, Any], utterance: str, tools: Sequence[FunctionTool]
    ) -> Proposal | None:
        """Hold what the model made to the schema, the words, and its own confidence."""
        calls, confidence = made.get("function_calls"), made.get("confidence")
        if not isinstance(calls, list) or len(calls) != 1 or not isinstance(confidence, float):
            return None
        if confidence < ASK or (made.get("validation") or {}).get("negation"):
            return None
        tool = _named(str(calls[0].get("name")), tools)
        arguments = calls[0].get("arguments") or {}
        if tool is None or not isinstance(arguments, dict):
            return None
        said, is_whole = self._evidence.said(arguments, tool, utterance)
        if fault_in(said, tool.parameters):
            return None
        call = ToolCallPiece(tool.name, json.dumps(said, ensure_ascii=False))
        return Proposal(call, confidence if is_whole else min(confidence, DOUBTFUL))


def described(tools: Sequence[FunctionTool]) -> str:
    """Describe the tools of unknown kind as JSON, in few words; empty if none or too many."""
    unknown = [tool for tool in tools if not is_known_kind(tool.name)]
    if not unknown:
        return ""
    text = json.dumps([_description(tool) for tool in unknown], ensure_ascii=False)
    return text if len(text) <= _MOST_CHARACTERS else ""


def _description(tool: FunctionTool) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": _first_sentence(tool.description),
        "parameters": {
            "type": "object",
            "properties": {
                name: _place(part) for name, part in properties_of(tool.parameters).items()
            },
            "required": required_of(tool.parameters),
        },
    }


def _place(part: Mapping[str, Any]) -> dict[str, Any]:
    """What the model needs of a property; the bounds are checked afterwards."""
    kept = {key: part[key] for key in ("type", "enum", "items") if key in part}
    if description := _first_sentence(str(part.get("description", ""))):
        kept["description"] = description
    return kept


def _first_sentence(text: str) -> str:
    return " ".join(text.split())[:_DESCRIPTION_CHARACTERS].split(". ")[0].removesuffix(".")


def _named(name: str, tools: Sequence[FunctionTool]) -> FunctionTool | None:
    """The tool of that name, if it is one that the model was shown."""
    return next((tool for tool in tools if tool.name == name and not is_known_kind(name)), None)


class _Evidence:
    """Tells what of a call was said, and what the model made up."""

    def __init__(self, language: Language) -> None:
        self._quantities = Quantities(language.words)

    def said(
        self, arguments: Mapping[str, Any], tool: FunctionTool, utterance: str
    ) -> tuple[dict[str, Any], bool]:
        """Return the arguments that the words bear out, and whether that is all of them.

        A number or a free text must have been said. A choice among values is the model's
        own business, but where the word for it was not said, the user is asked.
        """
        tokens = normal(utterance).split()
        numbers = {
            read[0]
            for at in range(len(tokens))
            if (read := self._quantities.number_at(tokens, at)) is not None
        }
        places = properties_of(tool.parameters)
        kept: dict[str, Any] = {}
        is_whole = True
        for name, value in arguments.items():
            place = places.get(name, {})
            was_said = _was_said(value, tokens, numbers)
            is_choice = "enum" in place or isinstance(value, bool)
            if was_said or is_choice:
                kept[name] = int(value) if _is_integral(value) else value
            is_whole = is_whole and was_said
        return kept, is_whole


def _is_integral(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _was_said(value: object, tokens: Sequence[str], numbers: set[Decimal]) -> bool:
    if isinstance(value, bool):
        return True  # no word stands for it: the call's own confidence has to do
    if isinstance(value, int | float):
        return Decimal(str(value)) in numbers
    if isinstance(value, list):
        return all(_was_said(part, tokens, numbers) for part in value)
    words = normal(str(value)).split()
    stems = {token.rstrip("s") for token in tokens}
    return bool(words) and all(word.rstrip("s") in stems for word in words)


class _Reader:
    """The thread that owns the engine, and what it found, by tools and utterance."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._found: OrderedDict[tuple[str, str], Future[dict[str, Any] | None]] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._asked_to_read = ""
        self._has_read = ""
        self._failures = 0
        """In a row; at the most of them it is given up."""

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                # A daemon: a job may last seconds, and nobody waits for it when all ends.
                self._thread = threading.Thread(target=self._work, name="needle", daemon=True)
                self._thread.start()
                self._jobs.put(self._engine.start)

    def read(self, tools: str) -> None:
        with self._lock:
            is_new = tools != self._asked_to_read
            self._asked_to_read = tools
        if is_new:
            self.start()
            self._jobs.put(lambda: self._read(tools))

    def ask(self, tools: str, utterance: str) -> Future[dict[str, Any] | None]:
        """Return what will be found; the same for the same words and tools."""
        self.start()
        with self._lock:
            key = (tools, utterance)
            found = self._found.get(key)
            if found is None:
                found = self._found[key] = Future()
                self._asked_to_read = tools
                self._jobs.put(lambda: self._answer(key))
            self._found.move_to_end(key)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
            return found

    def close(self) -> None:
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            thread.join()
        self._engine.close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except EngineRefusedError as refusal:
                _log.info("Needle does not take that: %s", refusal)
            except EngineFailedError as error:
                self._failed(error)
            else:
                self._failures = 0

    def _failed(self, error: EngineFailedError) -> None:
        self._has_read = ""
        self._failures += 1
        _log.error("Needle failed: %s", error)
        if self._failures == _MOST_FAILURES:
            _log.error("Needle failed %d times running: it is not asked again", _MOST_FAILURES)
            self._engine.close()

    def _read(self, tools: str) -> None:
        if self._failures >= _MOST_FAILURES:
            raise EngineRefusedError("it failed too often")
        if tools == self._has_read:
            return
        self._has_read = ""
        tokens = self._engine.read(tools)
        self._has_read = tools
        _log.info("Needle has read tools of %d tokens", tokens)

    def _answer(self, key: tuple[str, str]) -> None:
        tools, utterance = key
        made = None
        try:
            self._read(tools)
            made = self._engine.say(utterance)
        finally:
            with self._lock:
                asked = self._found.get(key) if made else self._found.pop(key, None)
            if asked is not None:
                asked.set_result(made)

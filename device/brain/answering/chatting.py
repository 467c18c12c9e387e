"""How the chat model is asked, and what of its answer is let through."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from device.brain.answering.llm import ChatCall, ChatEnd, ChatMessage, ChatModel, ChatText
from device.brain.base.abilities import (
    Cancellation,
    FunctionTool,
    Message,
    NamedTool,
    Piece,
    StopPiece,
    TextPiece,
    ThinkRequest,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.base.sentences import SentenceSplitter
from device.brain.understanding.kinds import SentenceKind
from device.brain.understanding.schemas import fault_in

_FEWEST_CHARACTERS = 2
"""Characters of a token, where tokens are short."""
_PERSONA = (
    "You are a friendly voice assistant in a home. You answer in one or two short, simple "
    "sentences. You have no internet"
)
_ONLY_TALKS = " and cannot do anything but talk."
_ACTS = ". What you can do, you do with your tools, and you claim nothing that they did not do."
_SPOKEN = "Your answer is spoken aloud: plain sentences, no lists, no markup."


@dataclass(frozen=True, slots=True)
class ChatManner:
    """How far a model is trusted."""

    kinds: frozenset[SentenceKind]
    """What it may answer at all."""
    most_tokens: int
    most_sentences: int
    history_tokens: int
    """How much of the conversation it is shown: a token costs 12 ms before the first word."""
    instructions_characters: int
    is_guarded: bool
    """Whether sentences that state figures, or claim to have done something, are dropped."""
    calls_tools: bool

    def answers(self, kind: SentenceKind) -> bool:
        """Whether the model may answer this kind of thing."""
        return kind in self.kinds

    @classmethod
    def small(cls) -> ChatManner:
        """For the 135M model that everybody has: it may chat, and nothing it says is a fact."""
        return cls(
            frozenset({SentenceKind.CHAT}), 90, 4, 120, 300, is_guarded=True, calls_tools=False
        )

    @classmethod
    def trusted(cls) -> ChatManner:
        """For a model that the user has chosen."""
        kinds = frozenset({SentenceKind.CHAT, SentenceKind.FACT, SentenceKind.COMMAND})
        return cls(kinds, 400, 40, 2400, 6000, is_guarded=False, calls_tools=True)


# A figure, an address, or a deed that nobody did. For English; harmless elsewhere.
_FIGURE = re.compile(r"\d|https?:|www\.")
_DEED = re.compile(
    r"\b(?:I|I've|I have|I'll|I will|I just|we|we've)\s+(?:now |just |already |also )?"
    r"(?:set|turn(?:ed)?|add(?:ed)?|sen[dt]|call(?:ed)?|order(?:ed)?|schedul\w+|play(?:ed|ing)?"
    r"|switch(?:ed)?|remind(?:ed)?|book(?:ed)?|bought|open(?:ed)?|clos(?:e|ed)|delet\w+)\b",
    re.IGNORECASE,
)


class Chat:
    """The chat model with its manner."""

    def __init__(self, model: ChatModel, manner: ChatManner) -> None:
        self._model = model
        self.manner = manner
        self.context_tokens = model.settings.context_tokens - manner.most_tokens - 64

    def load(self) -> None:
        """Load the model and let it read the words that begin every conversation."""
        persona = f"{_PERSONA}{_ONLY_TALKS} {_SPOKEN}"
        system: list[ChatMessage] = [{"role": "system", "content": persona}]
        greeting: ChatMessage = {"role": "user", "content": "Hello"}
        for _ in self._model.stream([*system, greeting], Cancellation(), most_tokens=1):
            pass

    def count_tokens(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return self._model.count_tokens(text)

    def stream(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """Yield the answer sentence by sentence, and calls where the model may make them."""
        tools = self._tools(request)
        wanted = request.max_output_tokens
        most = min(self.manner.most_tokens, wanted) if wanted else self.manner.most_tokens
        pieces = self._model.stream(
            self._messages(request, bool(tools)),
            cancellation,
            most_tokens=most,
            tools=[_as_openai(tool) for tool in tools],
            tool_choice="auto" if request.tool_choice == "auto" else "required",
        )
        splitter, said = SentenceSplitter(), 0
        for piece in pieces:
            if isinstance(piece, ChatCall):
                yield from _valid(piece, tools)
            elif isinstance(piece, ChatText):
                for sentence in splitter.feed(piece.text):
                    if self._passes(sentence):
                        yield TextPiece(sentence)
                        said += 1
                    if said >= self.manner.most_sentences:
                        pieces.close()
                        return
            elif isinstance(piece, ChatEnd):
                yield from self._end(piece, splitter, said, most == wanted)

    def _tools(self, request: ThinkRequest) -> Sequence[FunctionTool]:
        """The tools that the model is shown: those it may call, if it may call any."""
        chosen = request.tool_choice
        if not self.manner.calls_tools or chosen == "none":
            return ()
        if isinstance(chosen, NamedTool):
            return [tool for tool in request.tools if tool.name == chosen.name]
        return request.tools

    def _end(
        self, end: ChatEnd, splitter: SentenceSplitter, said: int, is_clients_limit: bool
    ) -> Iterator[Piece]:
        rest = splitter.finish()
        # Half a sentence is worse than none, unless it is all there is.
        if end.reason != "length" or not said or is_clients_limit:
            yield from (TextPiece(part) for part in rest if self._passes(part))
        if end.reason == "length" and is_clients_limit:
            yield StopPiece("max_output_tokens")

    def _passes(self, sentence: str) -> bool:
        if not self.manner.is_guarded:
            return True
        return not (_FIGURE.search(sentence) or _DEED.search(sentence))

    def _messages(self, request: ThinkRequest, with_tools: bool) -> list[ChatMessage]:
        system = _PERSONA + (_ACTS if with_tools else _ONLY_TALKS)
        if request.is_spoken:
            system += f" {_SPOKEN}"
        extra = " ".join(request.instructions.split())[: self.manner.instructions_characters]
        if extra and self.manner.calls_tools:
            system += f" {extra}"
        return [{"role": "system", "content": system}, *self._history(request, with_tools)]

    def _history(self, request: ThinkRequest, with_tools: bool) -> list[ChatMessage]:
        """The latest of the conversation that fits, from a user's words on."""
        chosen: list[ChatMessage] = []
        left = self.manner.history_tokens
        for item in reversed(request.items):
            message = _as_message(item, with_tools)
            if message is None:
                continue
            words = str(message.get("content") or "")
            left -= self._model.count_tokens(words)
            if left < 0 and chosen:
                break
            if left < 0:
                # The question alone is more than fits: its beginning is better than a failure.
                most = self.manner.history_tokens * _FEWEST_CHARACTERS
                message = {**message, "content": words[:most]}
            chosen.insert(0, message)
        while chosen and chosen[0]["role"] != "user":
            chosen.pop(0)
        return chosen or [{"role": "user", "content": request.instructions or "Hello"}]


def _as_message(item: object, with_tools: bool) -> ChatMessage | None:
    if isinstance(item, Message):
        return {"role": item.role, "content": item.text} if item.text else None
    if isinstance(item, ToolCall) and with_tools:
        function = {"name": item.name, "arguments": item.arguments}
        call = {"id": item.call_id, "type": "function", "function": function}
        return {"role": "assistant", "content": "", "tool_calls": [call]}
    if isinstance(item, ToolResult) and with_tools:
        return {"role": "tool", "tool_call_id": item.call_id, "content": item.output}
    return None


def _as_openai(tool: FunctionTool) -> dict[str, object]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _valid(call: ChatCall, tools: Sequence[FunctionTool]) -> Iterator[Piece]:
    """Let a call through only if the tool exists and takes these arguments."""
    tool = next((tool for tool in tools if tool.name == call.name), None)
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return
    if tool is not None and fault_in(arguments, tool.parameters) is None:
        yield ToolCallPiece(call.name, call.arguments)

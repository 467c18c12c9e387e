"""The Thinker: from a conversation to an answer, by three layers.

First sentences that mean one thing (``understanding/intents``), which become calls of the
session's tools or answers of the brain's own. Then, where it is installed, a model that
turns free phrasing into a call (``understanding/proposals.py``). Last the chat model, for
small talk and stories: it is not asked for facts it does not have (``understanding/kinds.py``).

It keeps no state: what was asked before, what a "yes" means, is read from the
conversation each time.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from device.brain.answering.about import AboutItself
from device.brain.answering.chatting import Chat
from device.brain.answering.dialogue import ConversationReader, Declared
from device.brain.answering.emergencies import Emergencies
from device.brain.answering.history import UserTurn, exchanges, past_of
from device.brain.answering.instructed import is_instructed, words_of
from device.brain.answering.planning import CallPlan, Planner
from device.brain.answering.reports import report
from device.brain.answering.saying import Saying
from device.brain.answering.self_reliance import SelfReliance
from device.brain.answering.turns import Turn, is_too_long, last_answer, shortened, turn_of
from device.brain.base.abilities import (
    AbilityFailedError,
    Cancellation,
    FunctionTool,
    Message,
    NamedTool,
    Piece,
    StopPiece,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCallPiece,
)
from device.brain.base.truths import HouseTruths
from device.brain.understanding.commands.outcome import Act, Outcome, Unclear
from device.brain.understanding.commands.reader import CommandReader
from device.brain.understanding.devices.reader import DeviceReader
from device.brain.understanding.functions import calls_for
from device.brain.understanding.guessing import Guesser
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.recognition import Recognizer, Understood
from device.brain.understanding.kinds import Kinds, SentenceKind
from device.brain.understanding.matching import SchemaMatcher
from device.brain.understanding.proposals import InTurn, Understanding, confirmation

if TYPE_CHECKING:
    pass

_log = logging.getLogger(__name__)

_GREET = re.compile(r"^\s*(greet|welcome)\b.*", re.IGNORECASE | re.DOTALL)
"""A client's usual first wish."""
_LONGEST_YES = 40
"""Characters of a yes or a no, whatever goes with it."""
_FEW_WORDS = 2
"""Fewer words than this that mean nothing to us were probably heard wrongly."""


CONTEXT_TOKENS = 32_000
"""What a session may hold, tools and all: the first layers read it whole, and the chat model
takes its own share of it (`Chat`), which the tools do not count against."""


class LayeredThinker:
    """One for all sessions; safe from several threads."""

    def __init__(
        self,
        language: Language,
        chat: Chat | None = None,
        understandings: Sequence[Understanding] | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone(),
        chance: random.Random | None = None,
        tool_model: Understanding | None = None,
        truths: HouseTruths | None = None,
    ) -> None:
        self._language = language
        self._emergencies = Emergencies(language, truths or HouseTruths())
        self._about = AboutItself(language, truths or HouseTruths())
        self._replies = language.replies
        self._recognizer = Recognizer(language, now)
        commands = CommandReader(language, now)
        devices = DeviceReader(language, commands, now)
        self._dialogue = ConversationReader(commands, devices, self._recognizer.understand)
        self._planner = Planner(language, now)
        self._saying = Saying(language)
        self._own = SelfReliance(language, now, chance or random.Random())
        self._kinds = Kinds(language.kinds)
        self._chat = chat
        self._guesser = Guesser(self._recognizer, now)
        if understandings is None:
            understandings = (SchemaMatcher(language), self._guesser)
        models = (tool_model,) if tool_model else ()
        self._understanding: Understanding = InTurn(*understandings, *models)
        self._now = now
        self.context_tokens = CONTEXT_TOKENS

    def load(self) -> None:
        """Load every model; otherwise the first answer that needs one does."""
        self._recognizer.understand("what time is it")
        self._understanding.load()
        if self._chat:
            self._chat.load()

    def count_tokens(self, text: str) -> int:
        """Estimate the tokens of a text."""
        return self._chat.count_tokens(text) if self._chat else len(text) // 4 + 1

    def prepare(self, tools: Sequence[FunctionTool]) -> None:
        """See `Thinker`."""
        self._understanding.prepare(tools)

    def answer(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """Yield the answer; see `Thinker`."""
        self._understanding.prepare(request.tools)
        left = request.max_output_tokens
        for piece in self._pieces(request, cancellation):
            if cancellation.is_cancelled:
                return
            if left is not None and isinstance(piece, TextPiece):
                cost = self.count_tokens(piece.text)
                if cost > left:
                    yield from self._shortened(piece, left)
                    yield StopPiece("max_output_tokens")
                    return
                left -= cost
            yield piece

    def _shortened(self, piece: TextPiece, left: int) -> Iterator[Piece]:
        words = piece.text.split(" ")
        while words and self.count_tokens(" ".join(words)) > left:
            words.pop()
        if words:
            yield TextPiece(" ".join(words))

    def _pieces(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        given, request = request, replace(request, items=shortened(request.items))
        turn = turn_of(request.items)
        tools = _tools_of(request)
        if is_instructed(request):
            yield from self._instructed(request, cancellation)
        elif help_first := self._emergencies.answer(turn, tools, self._yes_or_no(turn)):
            yield from help_first
        elif turn.results:
            yield from self._after_calls(turn, tools, request)
        elif is_too_long(given.items):
            yield from self._to_a_long_text(given, cancellation)
        elif turn.utterance:
            yield from self._to(turn, tools, request, cancellation)
        elif turn.has_picture:
            yield TextPiece(self._replies.say("no_picture"))
        elif turn.is_spoken_to:
            yield TextPiece(self._replies.say("not_heard"))
        else:
            yield from self._unasked(request, cancellation)

    def _to(
        self,
        turn: Turn,
        tools: Sequence[FunctionTool],
        request: ThinkRequest,
        cancellation: Cancellation,
    ) -> Iterator[Piece]:
        """Answer an utterance: a command, else by intents, by the model of calls, by chat."""
        if own := self._about.answer(turn.utterance, request, self._chat is not None):
            yield TextPiece(own)
            return
        turns = exchanges(request.items)
        outcome = self._outcome(turns, tools, request)
        if outcome is None or isinstance(outcome, Unclear):
            told = self._about.told(turn.utterance, request)
            if told is not None:
                yield told
                return
        if isinstance(outcome, Unclear) and (wish := self._guesser.wish(turn.utterance, tools)):
            sure = wish.is_sure
            yield wish.call if sure else TextPiece(confirmation(wish, self._replies))
            return
        if outcome is not None:
            pieces = self._of(outcome, turns, tools, request)
            is_call = any(isinstance(piece, ToolCallPiece) for piece in pieces)
            if is_call or not _is_insisting(request):
                yield from pieces
                return
        meant = self._meant(turn)
        confirmed = self._confirmed(turn, meant, tools)
        if confirmed is not None:
            yield confirmed
            return
        if meant:
            yield from self._carry_out(meant, tools, request)
            return
        if _is_insisting(request):
            yield self._insisted(turn, tools, request, cancellation)
            return
        proposal = self._understanding.propose(turn.utterance, tools)
        cancellation.check()
        if proposal is not None:
            sure = proposal.is_sure
            yield proposal.call if sure else TextPiece(confirmation(proposal, self._replies))
            return
        yield from self._talk(turn, request, cancellation)

    def _instructed(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """Say what this response is told to; what no rule can follow is said to be so."""
        wanted = request.own_instructions
        if (words := words_of(wanted)) is not None:
            yield TextPiece(words)
        elif self._chat is not None and self._chat.manner.calls_tools:
            asked = Message("user", (TextPart(wanted),))
            yield from self._chat.stream(replace(request, items=[asked]), cancellation)
        elif meant := self._recognizer.understand(_GREET.sub("hello", wanted)):
            yield from self._carry_out(meant, _tools_of(request), request)
        else:
            yield TextPiece(self._replies.say("cannot_follow"))

    def _to_a_long_text(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """Only a model that the owner has chosen reads what is longer than a command."""
        if self._chat is None or not self._chat.manner.calls_tools:
            yield TextPiece(self._replies.say("too_much_text"))
            return
        yield from self._chat.stream(request, cancellation)

    def _yes_or_no(self, turn: Turn) -> str:
        """The intent of an answer to a question of ours; empty for anything else."""
        words = self._language.command_in(turn.utterance)
        if len(words) > _LONGEST_YES or not turn.asked.endswith("?"):
            return ""
        meant = self._recognizer.one(turn.utterance)
        return meant.intent if meant else ""

    def intents(self, utterance: str) -> list[str]:
        """Name the intents that the first layer finds in an utterance by itself."""
        return [one.intent for one in self._recognizer.understand(utterance)]

    def kind(self, utterance: str) -> SentenceKind:
        """Tell what an utterance is taken for where no template knows it."""
        return self._kinds.kind_of(self._language.command_in(utterance))

    # ------------------------------------------------------------------ commands

    def _outcome(
        self, turns: Sequence[UserTurn], tools: Sequence[FunctionTool], request: ThinkRequest
    ) -> Outcome | None:
        return self._dialogue.outcome(turns, Declared(tools, request.instructions))

    def _of(
        self,
        outcome: Outcome,
        turns: Sequence[UserTurn],
        tools: Sequence[FunctionTool],
        request: ThinkRequest,
    ) -> list[Piece]:
        """What is said or called first for a command."""
        if not isinstance(outcome, Act):
            return [TextPiece(self._saying.of(outcome))]
        plan = self._plan(outcome, turns, tools, request)
        texts = list(dict.fromkeys(plan.texts))
        if outcome.lacking and not plan.calls:
            texts.append(self._saying.of(outcome.lacking))
        said: list[Piece] = [TextPiece(" ".join(texts))] if texts else []
        return [*said, *(plan.calls if request.parallel_tool_calls else plan.calls[:1])]

    def _plan(
        self,
        outcome: Act,
        turns: Sequence[UserTurn],
        tools: Sequence[FunctionTool],
        request: ThinkRequest,
    ) -> CallPlan:
        return self._planner.plan(
            outcome.commands,
            tools,
            turns[-1],
            past_of(turns[:-1]),
            lambda meant: self._without_tool(meant, request),
        )

    def _after_calls(
        self, turn: Turn, tools: Sequence[FunctionTool], request: ThinkRequest
    ) -> Iterator[Piece]:
        """Go on with what a turn still has to do, or tell what came of it."""
        turns = exchanges(request.items)
        outcome = self._outcome(turns, tools, request)
        looks: frozenset[str] = frozenset()
        if isinstance(outcome, Act):
            plan = self._plan(outcome, turns, tools, request)
            looks = plan.looks
            if plan.calls:
                yield from plan.calls if request.parallel_tool_calls else plan.calls[:1]
                return
            told = [one for one in turn.results if one[0] is None or one[0].name not in looks]
            texts = plan.texts if not told else []
            answered = self._saying.results(outcome, turn.results)
            texts += [answered or (report(told, self._replies) if told else "")]
            if outcome.lacking:
                texts.append(self._saying.of(outcome.lacking))
            yield TextPiece(" ".join(text for text in texts if text))
            return
        yield TextPiece(report(turn.results, self._replies))

    # ------------------------------------------------------------------ what is meant

    def _meant(self, turn: Turn) -> list[Understood]:
        meant = self._recognizer.understand(turn.utterance)
        if meant and meant[0].intent not in ("yes", "no"):
            return meant
        completions = self._language.completions(turn.asked, turn.before, turn.utterance)
        for command in completions:
            completed = self._recognizer.understand(command)
            if completed and "lacks" not in completed[0].slots:
                return completed
        return meant

    def _confirmed(
        self, turn: Turn, meant: Sequence[Understood], tools: Sequence[FunctionTool]
    ) -> Piece | None:
        """What "yes" and "no" mean after a question of the second layer's; None if nothing."""
        answer = meant[0].intent if len(meant) == 1 else ""
        if answer not in ("yes", "no", "never_mind"):
            return None
        proposal = self._understanding.propose(turn.before, tools) if turn.before else None
        if proposal is None or confirmation(proposal, self._replies) != turn.asked:
            return None
        return proposal.call if answer == "yes" else TextPiece(self._replies.say("confirm_no"))

    # ------------------------------------------------------------------ acting

    def _carry_out(
        self,
        meant: Sequence[Understood],
        tools: Sequence[FunctionTool],
        request: ThinkRequest,
    ) -> Iterator[Piece]:
        """Texts first, then the calls: with calls in it a response says what it has to first."""
        texts: list[str] = []
        calls: list[ToolCallPiece] = []
        for one in meant:
            if question := self._question(one):
                texts.append(question)
                continue
            found = calls_for(one, tools, self._now(), self._language.words["joiners"])
            calls += found
            if not found:
                texts.append(self._without_tool(one, request))
        if texts:
            yield TextPiece(" ".join(dict.fromkeys(texts)))
        yield from calls if request.parallel_tool_calls else calls[:1]

    def _question(self, meant: Understood) -> str | None:
        lacks = meant.slots.get("lacks")
        return self._replies.question(meant.intent, str(lacks)) if lacks else None

    def _without_tool(self, meant: Understood, request: ThinkRequest) -> str:
        if meant.intent == "repeat":
            return last_answer(request.items) or self._replies.say("nothing_said")
        return self._own.answer(meant) or self._replies.cannot(meant.intent)

    def _insisted(
        self,
        turn: Turn,
        tools: Sequence[FunctionTool],
        request: ThinkRequest,
        cancellation: Cancellation,
    ) -> Piece:
        """The client demands a call: the best guess there is, else a failure that says so."""
        proposal = self._understanding.propose(turn.utterance, tools)
        if proposal is not None:
            return proposal.call
        if self._chat and self._chat.manner.calls_tools:
            for piece in self._chat.stream(request, cancellation):
                if isinstance(piece, ToolCallPiece):
                    return piece
        bare = [tool for tool in tools if not tool.parameters.get("required")]
        if len(tools) == 1 and bare:
            return ToolCallPiece(bare[0].name, "{}")
        raise AbilityFailedError(
            "tool_call_failed", "the words do not say which tool to call with which arguments"
        )

    # ------------------------------------------------------------------ talking

    def _talk(
        self, turn: Turn, request: ThinkRequest, cancellation: Cancellation
    ) -> Iterator[Piece]:
        command = self._language.command_in(turn.utterance)
        kind = self._kinds.kind_of(command)
        if kind is SentenceKind.CHAT and len(command.split()) < _FEW_WORDS and request.is_spoken:
            yield TextPiece(self._replies.say("not_understood"))
            return
        if self._chat is None or not self._chat.manner.answers(kind):
            yield TextPiece(self._declined(kind))
            return
        if kind in (SentenceKind.FACT, SentenceKind.LIVE):
            yield TextPiece(self._replies.say("hedge"))
        said = False
        for piece in self._chat.stream(request, cancellation):
            said = True
            yield piece
        if not said and not cancellation.is_cancelled:
            yield TextPiece(self._replies.say("not_understood"))

    def _declined(self, kind: SentenceKind) -> str:
        key = {
            SentenceKind.FACT: "not_sure",
            SentenceKind.LIVE: "live",
            SentenceKind.COMMAND: "cannot_that",
            SentenceKind.CHAT: "not_understood",
        }[kind]
        return self._replies.say(key)

    def _unasked(self, request: ThinkRequest, cancellation: Cancellation) -> Iterator[Piece]:
        """A response without a user: a greeting, or whatever the instructions make of it."""
        if self._chat is None:
            yield TextPiece(self._replies.say("greeting"))
            return
        yield from self._chat.stream(request, cancellation)


def _is_insisting(request: ThinkRequest) -> bool:
    """Whether the client demands a call."""
    return isinstance(request.tool_choice, NamedTool) or request.tool_choice == "required"


def _tools_of(request: ThinkRequest) -> list[FunctionTool]:
    """The tools that this answer may call."""
    if request.tool_choice == "none":
        return []
    if isinstance(request.tool_choice, NamedTool):
        return [tool for tool in request.tools if tool.name == request.tool_choice.name]
    return list(request.tools)

"""What the brain says of itself: true by the settings, the session and its tools, or not said.

And what a person has told it: a name, a fact to remember. It is read from the conversation
each time, so that it lasts exactly as long as that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import assert_never

from device.brain.answering.turns import last_answer
from device.brain.base.abilities import (
    ContextItem,
    FunctionTool,
    Message,
    Piece,
    TextPiece,
    ThinkRequest,
    ToolCallPiece,
)
from device.brain.base.truths import HouseTruths
from device.brain.speaking.spoken import listing
from device.brain.understanding.fence import AboutUs, Fence
from device.brain.understanding.functions import intent_of, tools_for
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.normal import as_said, normal

_OWN_NAME = re.compile(r"\byour name is ([^.,;:\n]{1,40})", re.IGNORECASE)
"""How instructions name the assistant; ours begin with it."""
_FEWEST_WORDS_OF_A_FACT = 3
"""What is kept for good says something of something; "my words" does not."""
_MOST_ABILITIES = 8


class AboutItself:
    """Answers about the assistant, and from what it was told. Safe from several threads."""

    def __init__(self, language: Language, truths: HouseTruths) -> None:
        self._language = language
        self._say = language.replies.say
        self._fence = Fence(language.fence)
        self._truths = truths
        self._told = ToldFacts(language)

    def answer(self, utterance: str, request: ThinkRequest, can_chat: bool = False) -> str | None:
        """Answer a question about the assistant itself; None for everything else.

        ``can_chat``: there is a model of language, which can make up a story.
        """
        kind = self._fence.about_us(normal(utterance), self._language.command_in(utterance))
        if kind is None or (kind is AboutUs.STORY and can_chat):
            return None
        match kind:
            case AboutUs.RECORDING:
                return self._recording()
            case AboutUs.COST:
                return self._say("about_cost_cloud" if self._truths.may_ask_cloud else "about_cost")
            case AboutUs.NAME:
                return self._say("about_name", name=own_name(request.instructions))
            case AboutUs.NATURE | AboutUs.MAKER:
                return self._say(f"about_{kind}", name=own_name(request.instructions))
            case AboutUs.ABILITIES:
                return self._abilities(request.tools)
            case AboutUs.SLOWER | AboutUs.FASTER:
                again = last_answer(request.items)
                here = self._say("again", said=again) if again else ""
                return f"{self._say(f'about_{kind}')} {here}".strip()
            case AboutUs.LANGUAGE | AboutUs.STORY:
                return self._say(f"about_{kind}")
            case _:
                assert_never(kind)

    def told(self, utterance: str, request: ThinkRequest) -> Piece | None:
        """Take note of a fact, or tell one that was told before; None for everything else."""
        command = self._language.command_in(utterance)
        if name := self._told.name_in(command):
            return TextPiece(self._say("name_told", name=as_said(name, utterance).title()))
        wish = self._told.wish_in(command)
        if wish and (call := _kept_for_good(as_said(wish, utterance), request.tools)):
            return call
        if self._told.fact_in(command) is not None:
            return TextPiece(self._say("remembered"))
        if self._told.asks_all(command) and (known := tools_for("list_facts", request.tools)):
            return ToolCallPiece(known[0].name, "{}")
        recalled = self._told.recalled(command, request.items)
        return TextPiece(recalled) if recalled else None

    def _recording(self) -> str:
        parts = ["about_recording"]
        parts += ["about_kept_sound"] if self._truths.keeps_sound else []
        parts += ["about_kept_words"] if self._truths.keeps_words else []
        if not (self._truths.keeps_sound or self._truths.keeps_words):
            parts.append("about_kept_nothing")
        parts += ["about_cloud"] if self._truths.may_ask_cloud else []
        return " ".join(self._say(part) for part in parts)

    def _abilities(self, tools: Sequence[FunctionTool]) -> str:
        """What can be done: by the tools that there are, and by nothing else."""
        known = self._language.replies.abilities
        intents = {intent_of(tool.name) for tool in tools}
        able = list(dict.fromkeys(known[one] for one in known if one in intents))
        others = [tool.name.replace("_", " ") for tool in tools if not intent_of(tool.name)]
        said = listing([*able, *self._language.replies.always])
        text = self._say("about_abilities", what=said)
        if others:
            text += " " + self._say("about_more", what=listing(others[:_MOST_ABILITIES]))
        return text


class ToldFacts:
    """Reads names and facts out of what was said; English in how a fact is turned around."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._say = language.replies.say
        table = language.fence["told"]
        self._name = re.compile(table["name"])
        self._asks_name = re.compile(table["asks_name"])
        self._remember = re.compile(table["remember"])
        self._states = re.compile(table["states"])
        self._asks = re.compile(table["asks"])
        self._asks_all = re.compile(table["asks_all"])
        self._empty = frozenset(table["empty"])
        self._turned = table["turned"]

    def name_in(self, command: str) -> str:
        """The name by which a person wants to be known; empty where none was said."""
        found = self._name.search(command)
        return found["name"] if found and found["name"] not in self._empty else ""

    def wish_in(self, command: str) -> str:
        """What somebody asked to be remembered; empty where nobody asked."""
        found = self._remember.search(command)
        return found["fact"] if found else ""

    def asks_all(self, command: str) -> bool:
        """Whether somebody wants to hear all that they have told."""
        return self._asks_all.search(command) is not None

    def fact_in(self, command: str) -> str | None:
        """What was told, whether or not it is to be remembered; None where nothing was."""
        found = self._remember.search(command) or self._states.search(command)
        return found["fact"] if found else None

    def recalled(self, command: str, items: Sequence[ContextItem]) -> str | None:
        """Answer a question from what was told before it; None where nothing fits."""
        said = [
            (self._language.command_in(item.text), item.text)
            for item in items
            if isinstance(item, Message) and item.role == "user"
        ][:-1]
        if self._asks_name.search(command):
            names = [as_said(name, text) for one, text in said if (name := self.name_in(one))]
            if names:
                return self._say("name_known", name=names[-1].title())
            return self._say("name_unknown")
        facts = [fact for one, _ in said if (fact := self.fact_in(one))]
        if self.asks_all(command):
            if not facts:
                return self._say("facts_none")
            return self._say("fact_known", fact=listing([self._around(one) for one in facts]))
        if not self._asks.search(command):
            return None
        sought = self._content(command)
        fits = [fact for fact in facts if sought and sought <= self._content(fact)]
        return self._say("fact_known", fact=self._around(fits[-1])) if fits else None

    def _content(self, text: str) -> set[str]:
        return {word.removesuffix("'s") for word in text.split()} - self._empty

    def _around(self, fact: str) -> str:
        """ "my keys are here" as it is said to whom they belong."""
        return " ".join(self._turned.get(word, word) for word in fact.split())


def own_name(instructions: str) -> str:
    """The name that a session gives the assistant; ours where it gives none."""
    found = _OWN_NAME.search(instructions)
    return found[1].strip() if found else "Bittern"


def _kept_for_good(fact: str, tools: Sequence[FunctionTool]) -> ToolCallPiece | None:
    tool = next(iter(tools_for("remember_fact", tools)), None)
    required = tool.parameters.get("required") if tool else None
    is_one = isinstance(required, list) and len(required) == 1
    if tool is None or not is_one or len(fact.split()) < _FEWEST_WORDS_OF_A_FACT:
        return None
    return ToolCallPiece(tool.name, json.dumps({str(tool.parameters["required"][0]): fact}))

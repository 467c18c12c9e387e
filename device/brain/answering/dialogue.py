"""What an utterance means in its conversation: a command, or the answer to a question.

The question is not remembered either: what was asked is found by reading the utterance
before in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from device.brain.answering.history import UserTurn, past_of
from device.brain.base.abilities import FunctionTool
from device.brain.understanding.commands.context import domain_of
from device.brain.understanding.commands.outcome import (
    Act,
    Confirm,
    Dropped,
    Lacking,
    Outcome,
    Unclear,
)
from device.brain.understanding.commands.reader import CommandReader, Others
from device.brain.understanding.devices.reader import DeviceReader
from device.brain.understanding.devices.request import DeviceRequest
from device.brain.understanding.intents.recognition import Understood

_MOST_QUESTIONS = 4
"""So many questions in a row are followed back."""
_SELECTORS = ("name", "duration", "which", "superlative", "both", "other", "same_as", "at",
              "on_date", "on_days", "in_half", "all", "text")  # fmt: skip
_MOST_TURNS_BACK = 3
"""So far back a device is looked for that "it" may mean."""
_DEVICE_JOINS = {
    "room": ("{before} in {answer}", "{before} {answer}"),
    "door": ("{before} {answer}", "{before} {answer} door"),
    "degrees": ("set the heating to {answer}", "set the heating to {answer} degrees"),
    "level": ("{before} to {answer} percent", "{before} to {answer}"),
}
_JOINS = {
    "duration": ("{before} for {answer}", "{before} {answer}"),
    "when": (
        "{before} at {answer}",
        "{before} {answer}",
        "{before} for {answer}",
        "{before} in {answer}",
    ),
    "days": ("{before} {answer}", "{before} on {answer}", "{before} every {answer}"),
    "text": ("{before} to {answer}", "{before} {answer}"),
    "item": ("add {answer} to the {list} list",),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a session declares, as far as it bears on the meaning of words."""

    tools: Sequence[FunctionTool] = ()
    instructions: str = ""


class ConversationReader:
    """Reads the last utterance of a conversation. Safe from several threads."""

    def __init__(
        self,
        reader: CommandReader,
        devices: DeviceReader,
        understand: Callable[[str], Sequence[Understood]],
    ) -> None:
        """``understand`` reads what is no command: small talk, sums, the time."""
        self._reader = reader
        self._devices = devices
        self._understand = understand

    def outcome(
        self, turns: Sequence[UserTurn], session: Declared, depth: int = _MOST_QUESTIONS
    ) -> Outcome | None:
        """Return what the last turn means; None where it is nothing that is known here."""
        if not turns:
            return None

        def others(part: str) -> Sequence[Understood]:
            read = self._devices.read(part, session.tools, session.instructions)
            if read is not None:
                return read[0].commands if isinstance(read[0], Act) else ()
            return self._understand(part)

        current, before = turns[-1], turns[:-1]
        past = past_of(before)
        own = self._reader.read(current.utterance, past, others)
        if own is None or isinstance(own, Unclear):
            own = self._of_devices(current.utterance, before, session, depth) or own
        if before and before[-1].has_asked and depth:
            asked = self.outcome(before, session, depth - 1)
            if not self._stands_alone(own, current.utterance):
                answer = self._answer(asked, current.utterance, before, session, others)
                if answer is not None:
                    return answer
        return own

    def _of_devices(
        self, utterance: str, before: Sequence[UserTurn], session: Declared, depth: int
    ) -> Outcome | None:
        """What is requested of a house's devices; "it" is the one of the turns before."""
        earlier: DeviceRequest | None = None
        for exchange in reversed(before[-_MOST_TURNS_BACK:]) if depth else ():
            read = self._devices.read(exchange.utterance, session.tools, session.instructions)
            if read is not None and exchange.calls:
                earlier = read[1]
                break
        found = self._devices.read(utterance, session.tools, session.instructions, earlier)
        return found[0] if found else None

    def _stands_alone(self, own: Outcome | None, answer: str) -> bool:
        """Whether an utterance is a command of its own and no answer."""
        if isinstance(own, Act):
            words = self._reader.command(answer)
            sets = own.commands[0].intent.startswith("set")
            verbs = self._reader.lexicon.phrases("timer", "set")
            if sets and verbs.end_at(words, 0) is None:
                return False  # "the ten minute timer" answers which one is meant
            return len(words) > 2 or sets
        return isinstance(own, Lacking)

    def _answer(
        self,
        asked: Outcome | None,
        answer: str,
        before: Sequence[UserTurn],
        session: Declared,
        others: Others,
    ) -> Outcome | None:
        match asked:
            case Confirm(commands=commands):
                words = " ".join(self._reader.command(answer)) or answer
                if words in self._reader.lexicon.phrases("talk", "yes"):
                    return Act(commands)
                if words in self._reader.lexicon.phrases("talk", "drop"):
                    return Dropped()
                question = Lacking(Understood("device"), "room", before[-1].utterance)
                return self._of_room(question, answer, session)
            case Lacking(command=Understood(intent="device")):
                return self._of_room(asked, answer, session)
            case Lacking():
                return self._completed(asked, answer, before, others)
            case Act(lacking=lacking) if lacking is not None:
                return self._completed(lacking, answer, before, others)
            case Act(commands=(Understood() as command,)):
                return self._chosen(command, answer)
            case _:
                return None

    def _of_room(self, asked: Lacking, answer: str, session: Declared) -> Outcome | None:
        """The command about a device, with what it lacked."""
        words = " ".join(self._reader.command(answer))
        if words in self._reader.lexicon.phrases("talk", "drop"):
            return Dropped()
        for join in _DEVICE_JOINS[asked.lacks]:
            said = join.format(before=asked.said.rstrip(" .?!"), answer=words)
            read = self._devices.read(said, session.tools, session.instructions)
            if read is not None and isinstance(read[0], Act):
                return read[0]
        return None

    def _chosen(self, command: Understood, answer: str) -> Outcome | None:
        """The answer to "which one?"."""
        domain = domain_of(command.intent)
        if domain not in ("timer", "alarm", "reminder"):
            return None
        choice = self._reader.choice(answer, domain)
        if isinstance(choice, Dropped) or choice is None:
            return choice
        kept = dict(command.slots)
        adds = command.intent in ("extend_timer", "shorten_timer")
        for name in _SELECTORS:
            if not (adds and name == "duration"):
                kept.pop(name, None)
        if adds and "duration" in choice:
            choice["of_length"] = choice.pop("duration")
        if domain == "reminder" and "name" in choice:
            choice["text"] = choice.pop("name")
        return Act((Understood(command.intent, {**kept, **choice}),))

    def _completed(
        self, asked: Lacking, answer: str, before: Sequence[UserTurn], others: Others
    ) -> Outcome | None:
        """The command with what it lacked."""
        words = " ".join(self._reader.command(answer))
        lexicon = self._reader.lexicon
        if words in lexicon.phrases("talk", "drop"):
            return Dropped()
        for command in self._joined(asked, words, answer.strip(" .!?")):
            outcome = self._reader.read(command, past_of(before[:-1]), others)
            if isinstance(outcome, Act):
                if outcome.commands[0].intent == asked.command.intent:
                    return outcome
            elif isinstance(outcome, Lacking) and self._is_nearer(outcome, asked):
                return outcome
        return None

    @staticmethod
    def _is_nearer(outcome: Lacking, asked: Lacking) -> bool:
        same = outcome.command.intent == asked.command.intent and not outcome.problem
        more = len(outcome.command.slots) > len(asked.command.slots) or outcome.lacks != asked.lacks
        return same and more

    def _joined(self, asked: Lacking, words: str, answer: str) -> Iterator[str]:
        before = asked.said.rstrip(" .!?")
        if asked.problem == "minutes":
            if words in self._reader.lexicon.phrases("talk", "yes"):
                yield f"{before} minutes"
                return
            yield f"{before} {answer}"
            before = re.sub(rf"\b{re.escape(asked.part)}\b", "", before)
            before = re.sub(r"\bfor\s*$", "", before).rstrip()
        is_number = self._reader.quantities.number(words) is not None
        if asked.lacks == "duration" and is_number:
            yield f"{before} for {answer} minutes"
        named = str(asked.command.slots.get("list", "shopping"))
        for join in _JOINS.get(asked.lacks, ()):
            yield join.format(before=before, answer=answer, list=named)

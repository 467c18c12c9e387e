"""What is said when somebody is in trouble: calm, always the same, with a number to call.

Nothing is called and nothing rings before the person has said yes. The offer is recognised
by what was asked: it is made anew from the same words, as with every question of the brain.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import assert_never

from device.brain.answering.turns import Turn
from device.brain.base.abilities import FunctionTool, Piece, TextPiece, ToolCallPiece
from device.brain.base.truths import HouseTruths, numbers_of
from device.brain.understanding.fence import Emergency, Fence
from device.brain.understanding.functions import intent_of
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.normal import normal

_NOISE_NAME = "help"
"""What the timer is called that makes the noise, so that it can be told from others."""


class Emergencies:
    """Answers for emergencies. Safe from several threads."""

    def __init__(self, language: Language, truths: HouseTruths) -> None:
        self._say = language.replies.say
        self._command_in = language.command_in
        self._fence = Fence(language.fence)
        self._truths = truths

    def answer(self, turn: Turn, tools: Sequence[FunctionTool], answer: str) -> list[Piece]:
        """What is said or called; nothing where nobody is in trouble.

        ``answer`` is the intent of the utterance, where that is a yes or a no.
        """
        if turn.results:
            is_told = answer == "yes" and self._has_offered(turn, tools)
            return (
                [TextPiece(self._say("help_is_called", number=self._emergency_number()))]
                if is_told
                else []
            )
        if answer in ("yes", "no", "never_mind") and self._has_offered(turn, tools):
            call = self._offered(self._kind(turn.before), tools)
            if answer == "yes" and call is not None:
                return [call[1]]
            return [TextPiece(self._say("help_not_wanted", number=self._emergency_number()))]
        kind = self._kind(turn.utterance)
        return [TextPiece(self._text(kind, tools))] if kind else []

    def _kind(self, utterance: str) -> Emergency | None:
        return self._fence.emergency(normal(utterance), self._command_in(utterance))

    def _has_offered(self, turn: Turn, tools: Sequence[FunctionTool]) -> bool:
        kind = self._kind(turn.before)
        return kind is not None and turn.asked == self._text(kind, tools)

    def _text(self, kind: Emergency, tools: Sequence[FunctionTool]) -> str:
        said = self._say(f"emergency_{kind}", **self._numbers(kind))
        offer = self._offered(kind, tools)
        return f"{said} {offer[0]}" if offer else said

    # ------------------------------------------------------------------ whom to call

    def _numbers(self, kind: Emergency) -> dict[str, str]:
        known = numbers_of(self._truths.country)
        number = self._emergency_number()
        if known is None:
            return {"number": number, "crisis": self._say("any_crisis_line"), "poison": ""}
        match kind:
            case Emergency.VIOLENCE:
                number = _spelled(known.police or known.emergency)
            case Emergency.FIRE:
                number = _spelled(known.fire or known.emergency)
            case Emergency.DESPAIR | Emergency.POISON | Emergency.MEDICAL:
                pass
            case Emergency.NUMBER | Emergency.HELP:
                pass
            case _:
                assert_never(kind)
        crisis = _spelled(known.crisis) if known.crisis else self._say("any_crisis_line")
        poison = self._say("poison_line", number=_spelled(known.poison)) if known.poison else ""
        return {"number": number, "crisis": crisis, "poison": poison}

    def _emergency_number(self) -> str:
        known = numbers_of(self._truths.country)
        return _spelled(known.emergency) if known else self._say("any_emergency_number")

    # ------------------------------------------------------------------ what is offered

    def _offered(
        self, kind: Emergency | None, tools: Sequence[FunctionTool]
    ) -> tuple[str, ToolCallPiece] | None:
        """The question with which help is offered, and what a "yes" calls."""
        own = next((tool for tool in tools if tool.name == self._truths.help_tool), None)
        if own is not None and not own.parameters.get("required"):
            name = own.name.replace("_", " ")
            return self._say("offer_tool", tool=name), ToolCallPiece(own.name, "{}")
        timer = next((tool for tool in tools if intent_of(tool.name) == "set_timer"), None)
        if timer is None or kind in (Emergency.DESPAIR, Emergency.NUMBER, None):
            return None
        wanted = {"seconds": 1, "name": _NOISE_NAME}
        known = timer.parameters.get("properties", {})
        if not isinstance(known, dict) or "seconds" not in known:
            return None
        arguments = {key: value for key, value in wanted.items() if key in known}
        return self._say("offer_noise"), ToolCallPiece(timer.name, json.dumps(arguments))


def _spelled(number: str) -> str:
    """A number as it is read out: digit by digit."""
    return " ".join(number.replace(" ", ""))

"""Tools for what somebody asks the appliance to remember."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from device.phrases.book import phrase
from device.tools.alarms.sentences import NOT_KEPT
from device.tools.answers import Answer, ToolError
from device.tools.facts import Facts, TooManyFactsError
from device.tools.undo import UndoLog

Fact = Annotated[str, Meta(min_length=1, max_length=200)]


class FactTools:
    """``remember_fact``, ``list_facts`` and ``forget_fact``."""

    def __init__(self, facts: Facts, changes: UndoLog) -> None:
        self._facts = facts
        self._changes = changes

    async def remember_fact(self, fact: Fact) -> Answer:
        """Remember something for good, only when the user asks for that.

        Args:
            fact: A whole sentence, such as: The spare key is with Anna.
        """
        sentence = " ".join(fact.split())
        if not sentence:
            raise ToolError("the fact is empty", question=phrase("fact_what"))
        try:
            is_new = await self._facts.add(sentence)
        except TooManyFactsError as full:
            raise ToolError(str(full), spoken=phrase("facts_full"), try_again=False) from full
        facts: dict[str, object] = {"fact": sentence, "is_kept": self._facts.is_durable}
        if not is_new:
            return Answer(facts, phrase("fact_known"))
        self._changes.note(phrase("did_remember"), lambda: self._forget_again(sentence))
        caveat = [] if self._facts.is_durable else [NOT_KEPT]
        return Answer(facts, [phrase("fact_remembered"), *caveat])

    async def list_facts(self) -> Answer:
        """Tell everything that the user asked to remember."""
        known = await self._facts.load()
        if not known:
            return Answer({"facts": []}, phrase("facts_none"))
        said = phrase("facts_are", count=len(known), facts=list(known))
        return Answer({"facts": list(known)}, said)

    async def forget_fact(self, fact: Fact = "", all_facts: bool = False) -> Answer:
        """Forget something that the user asked to remember earlier.

        Args:
            fact: Words of it, such as: spare key.
            all_facts: Forget all of them.
        """
        known = await self._facts.load()
        wanted = list(known) if all_facts else _meant(fact, known)
        if not wanted:
            raise ToolError(
                "nothing of this kind is remembered",
                spoken=phrase("fact_unknown"),
                facts={"facts": list(known)},
            )
        if len(wanted) > 1 and not all_facts:
            raise ToolError(
                "several are meant: say more of the one",
                question=phrase("fact_which", facts=wanted),
                facts={"facts": wanted},
            )
        gone = await self._facts.remove(wanted)
        return Answer({"forgotten": gone}, phrase("fact_forgotten", count=len(gone)))

    async def _forget_again(self, fact: str) -> bool:
        return bool(await self._facts.remove([fact]))


def _meant(words: str, known: tuple[str, ...]) -> list[str]:
    """The facts that hold all of these words; the one that is just them, where there is one."""
    wanted = words.casefold().strip(" .").split()
    exact = [fact for fact in known if fact.casefold().strip(" .").split() == wanted]
    if exact or not wanted:
        return exact
    return [fact for fact in known if all(word in fact.casefold() for word in wanted)]

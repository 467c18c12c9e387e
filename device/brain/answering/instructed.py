"""What a client tells one response to say, after the user has had an answer.

Clients make the assistant speak by itself so: "Greet the user", "Tell them that the pizza is
here." A rule cannot follow everything; what it can is followed, and nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from device.brain.base.abilities import ContextItem, Message, ThinkRequest, ToolResult

_QUOTED = re.compile(r"[\"\u201c]([^\"\u201d]{1,1000})[\"\u201d]|(?<!\w)'([^']{2,1000})'(?!\w)")
_SAY = re.compile(
    r"^(?:now |please |then )*(?:say|repeat|announce|speak|read(?: out| aloud)?|respond with|"
    r"reply with|answer with)(?: exactly| only| just| aloud| out loud| the following| this| to the"
    r" user| to them)*(?: text| sentence| words)?(?: that)?\s*[:,]?\s+(?P<words>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_TELL = re.compile(
    r"^(?:now |please |then )*(?:tell|inform|let|remind|notify)(?: the)? "
    r"(?:user|person|customer|caller|listener|them|him|her|everyone|people)"
    r"(?: know)?(?: that|,|:)?\s+(?P<words>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_ASK = re.compile(
    r"^(?:now |please |then )*ask(?: the)? (?:user|person|customer|caller|them|him|her)"
    r"(?P<words> .+)$",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESSED = {"they are": "you are", "they have": "you have", "their": "your", "they": "you"}


def is_instructed(request: ThinkRequest) -> bool:
    """Whether the response is to follow its own instructions and answers no question."""
    return bool(request.own_instructions.strip()) and _is_answered(request.items)


def _is_answered(items: Sequence[ContextItem]) -> bool:
    """Whether nothing waits for an answer: neither a user's words nor what a tool found."""
    for item in reversed(items):
        if isinstance(item, ToolResult):
            return False
        if isinstance(item, Message) and item.role != "system":
            return item.role == "assistant"
    return True


def words_of(instructions: str) -> str | None:
    """Return the very words that are to be said; None where the instructions hold none."""
    text = " ".join(instructions.split())
    if quoted := _QUOTED.search(text):
        return quoted[1] or quoted[2]
    for pattern in (_SAY, _TELL):
        if found := pattern.match(text):
            return _as_sentence(found["words"])
    if found := _ASK.match(text):
        return _as_sentence(_question(found["words"].strip().rstrip(".")), end="?")
    return None


def _question(words: str) -> str:
    """ "whether they want tea" as it is asked: "do you want tea"."""
    for word in ("if ", "whether "):
        words = words.removeprefix(word)
    return re.sub(r"^(?:they|he|she) (want|need|like|have)s?\b", r"do you \1", words)


def _as_sentence(words: str, end: str = ".") -> str:
    plain = words.strip()
    for theirs, yours in _ADDRESSED.items():
        plain = re.sub(rf"\b{theirs}\b", yours, plain)
    return plain[:1].upper() + plain[1:] + ("" if plain[-1:] in ".!?" else end)

"""Finds the timer, alarm or reminder that somebody means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeVar

from msgspec import Meta

from device.phrases.book import Said, phrase
from device.tools.answers import ToolError

T = TypeVar("T")

Name = Annotated[str, Meta(max_length=60)]
Which = Annotated[int, Meta(ge=-1, le=50)]
"""A place among several: 1 is the first, -1 the last."""
Text = Annotated[str, Meta(min_length=1, max_length=500)]

_NAMED_ALOUD = 3
"""A choice of more than that cannot be kept in mind."""


def clean_name(name: str | None, noun: str) -> str:
    """Drop what is no part of a name: ``the pasta timer`` is called ``pasta``."""
    words = (name or "").split()
    if words and words[0].lower() in ("the", "my", "a"):
        words = words[1:]
    if words and words[-1].lower() in (noun, f"{noun}s"):
        words = words[:-1]
    return " ".join(words)


def named(candidates: Sequence[T], wanted: str, name_of: Callable[[T], str]) -> list[T]:
    """Candidates of exactly that name, else those whose name has it in it."""
    key = wanted.casefold()
    exact = [one for one in candidates if name_of(one).casefold() == key]
    return exact or [one for one in candidates if key in name_of(one).casefold()]


def placed(found: Sequence[T], which: int | None) -> list[T]:
    """The one at a place, 1 the first and -1 the last; none where there are fewer."""
    if which is None:
        return list(found)
    return list(found[which - 1 : which] if which > 0 else found[which : which + 1 or None])


def the_one(
    found: Sequence[T],
    noun: str,
    call_it: Callable[[T], Said],
    facts: Mapping[str, object],
) -> T:
    """Return the only one; raises :class:`ToolError` with the choice when there are more or none.

    ``facts`` go back to the model with the error: what there is to choose from.
    """
    if len(found) == 1:
        return found[0]
    if not found:
        raise ToolError(f"no such {noun}", spoken=phrase(f"no_such_{noun}"), facts=facts)
    choice = phrase(f"which_of_{noun}s", count=len(found))
    if len(found) <= _NAMED_ALOUD:
        choice = phrase("which_of", choice=[call_it(one) for one in found])
    raise ToolError(
        f"{len(found)} {noun}s fit; ask the user which one is meant",
        question=choice,
        facts=facts,
    )

"""Cutting text that is still being written into the sentences that can already be spoken."""

from __future__ import annotations

import re

_END = re.compile(r"""[.!?…]+["'”’)\]]*\s+|[。！？]|\n+""")
_ABBREVIATION = re.compile(
    r"\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|approx|No|Fig|e\.g|i\.e|[A-Z])\.\s*$"
)
_SOFT = re.compile(r"[,;:–—]\s+")
_FIRST_CLAUSE = 40
"""The first sentence is cut at a comma after so many characters, to be heard sooner."""
_LONGEST = 240
"""A sentence longer than this is cut at a comma, or failing that at a space, so that a list
without a full stop is heard before it is finished, and work can be cancelled between."""


class SentenceSplitter:
    """Takes pieces of text, gives whole sentences; what it gives adds up to what it took."""

    def __init__(self) -> None:
        self._rest = ""
        self._is_first = True

    def feed(self, text: str) -> list[str]:
        """Take the next characters; return the sentences that are complete by now."""
        self._rest += text
        sentences = []
        while cut := self._first_cut():
            sentences.append(self._rest[:cut])
            self._rest = self._rest[cut:]
            self._is_first = False
        return sentences

    def finish(self) -> list[str]:
        """Return what is left; the text ends here."""
        rest, self._rest = self._rest, ""
        return [rest] if rest.strip() else []

    def _first_cut(self) -> int | None:
        for end in _END.finditer(self._rest):
            if (
                not _ABBREVIATION.search(self._rest[: end.end()])
                and self._rest[: end.end()].strip()
            ):
                return end.end() if end.end() <= _LONGEST else self._soft_cut()
        if self._is_first and (clause := _SOFT.search(self._rest, _FIRST_CLAUSE)):
            return clause.end()
        return self._soft_cut() if len(self._rest) > _LONGEST else None

    def _soft_cut(self) -> int:
        head = self._rest[:_LONGEST]
        commas = list(_SOFT.finditer(head))
        if commas:
            return commas[-1].end()
        space = head.rstrip().rfind(" ")
        return space + 1 if space > 0 else _LONGEST

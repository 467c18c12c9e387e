"""Puts what a tool gave back in a spoken sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from device.brain.abilities import ToolCall, ToolResult
from device.brain.functions import words_of
from device.brain.intents.language import Replies
from device.tools.spoken import listing

_SENTENCE_KEYS = ("spoken", "message", "answer", "text", "summary", "speech")
"""Where tools keep what they would like to be said; the first is this project's own."""
_SILENT_KEYS = re.compile(r"^(id|.*_id|uuid|timestamp|created.*|updated.*|ok|success|status|code)$")
_MOST_FACTS = 4
_MOST_CHARACTERS = 400


def report(results: Sequence[tuple[ToolCall | None, ToolResult]], replies: Replies) -> str:
    """Say what came of the calls, in their order; the same sentence only once."""
    sentences = [_sentence(result.output, replies) for _, result in results]
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def _sentence(output: str, replies: Replies) -> str:
    try:
        value = json.loads(output)
    except ValueError:
        return _as_sentence(output) or replies.say("tool_done")
    if isinstance(value, Mapping):
        return _of_object(value, replies)
    if isinstance(value, list):
        words = listing([_words(item) for item in value[:_MOST_FACTS]])
        return _as_sentence(words) or replies.say("tool_done")
    if value in (None, True, ""):
        return replies.say("tool_done")
    return replies.say("tool_failed") if value is False else _as_sentence(_words(value))


def _of_object(value: Mapping[str, object], replies: Replies) -> str:
    for key in _SENTENCE_KEYS:
        said = value.get(key)
        if isinstance(said, str) and said.strip():
            return _as_sentence(said)
    if value.get("error"):
        return replies.say("tool_failed")
    flags = [value.get(key) for key in ("ok", "success") if key in value]
    if False in flags:
        return replies.say("tool_failed")
    inner = value.get("result")
    if isinstance(inner, (str, int, float)) and not isinstance(inner, bool):
        return _as_sentence(_words(inner))
    facts = [
        f"{' '.join(words_of(str(key)))} {_words(item)}"
        for key, item in value.items()
        if not _SILENT_KEYS.match(str(key)) and _is_sayable(item)
    ]
    return _as_sentence(listing(facts[:_MOST_FACTS])) or replies.say("tool_done")


def _is_sayable(item: object) -> bool:
    if isinstance(item, list):
        return 0 < len(item) <= _MOST_FACTS and all(isinstance(x, (str, int, float)) for x in item)
    return isinstance(item, (str, int, float)) and len(str(item)) < 100


def _words(item: object) -> str:
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, list):
        return listing([_words(part) for part in item])
    if isinstance(item, Mapping):
        return listing([f"{key} {_words(part)}" for key, part in item.items() if _is_sayable(part)])
    return str(item)


def _as_sentence(text: str) -> str:
    text = " ".join(text.split())[:_MOST_CHARACTERS].strip()
    if not text or not any(character.isalnum() for character in text):
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else f"{text}."

"""Tells what came of a call as people tell it: all the brain knows is the JSON it got.

Nothing is added to what the result says. What the user has just said herself (the
arguments of the call) is not told back; what is only for programs is left out
(`device.phrases.en.values`); lists are cut with "and N more". How a fact is said is the
phrase book's business: whole sentences are phrases of it, clauses are `device.phrases.en.clauses`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from device.brain.base.abilities import ToolCall, ToolResult
from device.phrases.book import Phrase, PhraseBook, Said, phrase
from device.phrases.en import ENGLISH, clauses
from device.phrases.en.forms import listing
from device.phrases.en.values import (
    is_sayable,
    is_silent,
    phrase_of,
    say_value,
    shortened,
    unit_in,
    without_unit,
    words_of_name,
)
from device.phrases.replies import Replies

_SPOKEN = "spoken"
"""Where this project's own tools keep what is to be said."""
_SENTENCE_KEYS = ("message", "answer", "text", "summary", "speech", "response")
"""Where other people's tools do."""
_WRAPPERS = frozenset({"result", "results", "data", "value", "output", "payload", "item", "body"})
_NAMES = ("name", "title", "summary", "label", "track", "song", "item", "subject", "description")
_PEOPLE = ("artist", "author", "by", "artists")
_WEATHER = frozenset({"condition", "conditions", "weather"})
_STATES = frozenset({"state", "status", "mode"}) | _WEATHER
_ENDS = frozenset({"end", "ends", "until", "to"})
_COUNTS = frozenset({"quantity", "count", "amount", "qty"})
_MONEY = frozenset({"price", "cost", "total", "amount", "balance", "value", "result", "fee"})
_INNER = frozenset({"text", "value", "name", "description", "label", "main"})
_PLAIN_ANSWERS = frozenset({"answer", "result", "value", "time", "date", "datetime", "temperature"})
_FINE = frozenset({"ok", "okay", "success", "successful", "done", "completed", "200", "true"})
_FAILED = frozenset({"error", "failed", "failure", "fail", "false"})
_MOST_FACTS = 4
_MOST_CHARACTERS = 400


def report(
    results: Sequence[tuple[ToolCall | None, ToolResult]],
    replies: Replies,
    now: dt.datetime | None = None,
    book: PhraseBook = ENGLISH,
) -> str:
    """Say what came of the calls, in their order; the same sentence only once."""
    now = now or dt.datetime.now().astimezone()
    sentences = [
        _Teller(replies, book, now, _arguments(call)).tell(result.output)
        for call, result in results
    ]
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def _arguments(call: ToolCall | None) -> list[object]:
    """What the user asked for: what a result repeats of it is nothing new."""
    if call is None:
        return []
    try:
        arguments = json.loads(call.arguments)
    except ValueError:
        return []
    return (
        [_comparable(value) for value in arguments.values()] if isinstance(arguments, dict) else []
    )


def _comparable(value: object) -> object:
    return value.strip().casefold() if isinstance(value, str) else value


class _Teller:
    """Tells one result."""

    def __init__(
        self, replies: Replies, book: PhraseBook, now: dt.datetime, asked: Sequence[object]
    ) -> None:
        self._replies = replies
        self._book = book
        self._now = now
        self._asked = asked

    def tell(self, output: str) -> str:
        try:
            value = json.loads(output)
        except (ValueError, RecursionError):
            value = output
        said = self._value(value)
        return said or self._replies.say("tool_done")

    def _value(self, value: object) -> str:
        if isinstance(value, Mapping):
            return self._object(value)
        if isinstance(value, list):
            return self._list(value, "")
        if value is False:
            return self._failed("")
        if value is None or value is True:
            return ""
        if isinstance(value, str):
            return self._text(value)
        if not is_sayable(value):
            return ""
        return self._say(phrase("report_value", value=say_value(value, (), "", self._now)))

    def _say(self, said: Said) -> str:
        return as_sentence(self._book.say(said))

    def _text(self, text: str) -> str:
        known = text.strip().casefold()
        readable = _readable(text)
        if known in _FAILED:
            return self._failed("")
        if known in _FINE or not readable:
            return ""
        said = say_value(readable, (), "", self._now) if " " not in readable[8:] else readable
        return self._say(said if said == readable else phrase("report_value", value=said))

    # ------------------------------------------------------------------ objects

    def _object(self, value: Mapping[str, object]) -> str:
        spoken = value.get(_SPOKEN)
        if isinstance(spoken, str) and not value.get("error"):
            # Empty: there is nothing to say about it, and a question wants a word all the same.
            return as_sentence(spoken) if spoken.strip() else self._replies.say("stop")
        if isinstance(spoken, str) and spoken.strip():
            return as_sentence(spoken)
        failure = self._failure(value)
        if failure is not None:
            return failure
        for key in _SENTENCE_KEYS:
            said = value.get(key)
            if isinstance(said, str) and " " in said.strip() and not _is_event(value, key):
                return as_sentence(_readable(said))
        value = {key: self._flat(item) for key, item in value.items()}
        rest = {key: item for key, item in value.items() if self._counts(key, item)}
        if len(rest) == 1:
            [(key, item)] = rest.items()
            if isinstance(item, Mapping):
                return self._object({**_units_in(value), **item})
            if key in _WRAPPERS and isinstance(item, list | str):
                return self._value(item)
        return self._facts(rest, value) or self._nulls(value)

    def _flat(self, item: object) -> object:
        """Take the one thing that is said of something out of its box."""
        if isinstance(item, Mapping):
            inner = {key: part for key, part in item.items() if self._counts(key, part)}
            if len(inner) == 1 and not _units_in(item) and (only := set(inner) & _INNER):
                return inner[only.pop()]
        return item

    def _counts(self, key: str, item: object) -> bool:
        """Whether a field is worth telling: to be said, not empty, not what was asked."""
        if isinstance(item, list):
            return not is_silent(key)
        if isinstance(item, Mapping):
            return any(self._counts(name, part) for name, part in item.items())
        if not is_sayable(item) or is_silent(key):
            return False
        if key in ("status", "message", "result") and str(item).casefold() in _FINE:
            return False
        return _comparable(item) not in self._asked or key in _STATES

    def _failure(self, value: Mapping[str, object]) -> str | None:
        """Say that it did not work, and why; None where it did."""
        reason = value.get("error") or value.get("errors")
        ok = [value[key] for key in ("ok", "success", "succeeded") if key in value]
        status = str(value.get("status", "")).casefold()
        if not reason and False not in ok and status not in _FAILED:
            return None
        found = reason or value.get("reason") or value.get("detail") or value.get("message")
        if isinstance(found, list):
            found = found[0]
        if isinstance(found, Mapping):
            found = found.get("message") or found.get("detail") or found.get("reason")
        return self._failed(found if isinstance(found, str) else "")

    def _failed(self, reason: str) -> str:
        reason = re.sub(r"^\w*(?:Error|Exception):\s*", "", reason.strip())
        if re.fullmatch(r"[A-Za-z]+(?:_[A-Za-z]+)+", reason):
            reason = reason.replace("_", " ").lower()
        is_readable = (
            " " in reason
            and "Traceback" not in reason
            and not re.search(r"[{}<>\[\]]|0x|\w+\.\w+\(|/\w+/", reason)
        )
        if not is_readable:
            return self._replies.say("tool_failed")
        first = shortened(reason, _MOST_CHARACTERS // 2)
        if first[:2] != first[:2].upper():
            first = first[0].lower() + first[1:]
        return self._say(phrase("report_failed", reason=first))

    def _nulls(self, value: Mapping[str, object]) -> str:
        unknown = [
            phrase_of(without_unit(words, unit_in(words)))
            for key, item in value.items()
            if item is None and not is_silent(key) and (words := words_of_name(key))
        ]
        if not unknown:
            return ""
        return self._say(phrase("report_unknown", names=unknown[:_MOST_FACTS]))

    def _facts(self, value: Mapping[str, object], whole: Mapping[str, object]) -> str:
        """Tell the fields of an object: first what it is or does, then the rest."""
        subject, used = self._subject(value)
        done = {key.removesuffix("_at") for key in value if key.endswith("_at")}
        rest = {
            key: item
            for key, item in value.items()
            if key not in used and not (key in _STATES and str(item).casefold() in done)
        }
        if not rest:
            return self._say(phrase("report_value", value=subject)) if subject else ""
        clauses = list(self._clauses(rest, whole, subject))
        scalars = [text for text in clauses if not text.endswith((".", "!", "?"))]
        sentences = [text for text in clauses if text.endswith((".", "!", "?"))]
        told = as_sentence(listing(scalars[:_MOST_FACTS])) if scalars else ""
        if subject and not any(subject in text for text in clauses[:1]):
            told = f"{as_sentence(subject)} {told}".strip()
        return " ".join([told, *sentences[:2]]).strip()

    def _subject(self, value: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
        """Return who or what the facts are about, and the fields that say so."""
        for key in _NAMES:
            name = value.get(key)
            if isinstance(name, str) and len(name) < 80 and key not in _STATES:
                by = next((k for k in _PEOPLE if isinstance(value.get(k), str)), None)
                if by is not None:
                    made = phrase("report_made_by", name=name, maker=str(value[by]))
                    return self._book.say(made), (key, by)
                return name, (key,)
        return "", ()

    def _clauses(
        self, rest: Mapping[str, object], whole: Mapping[str, object], subject: str
    ) -> Iterator[str]:
        it = subject[0].upper() + subject[1:] if subject else "It"
        facts = sorted(rest.items(), key=lambda pair: pair[0] not in _STATES)
        is_alone = len(rest) == 1
        for place, (key, item) in enumerate(facts):
            who = it if place == 0 else "it"
            if isinstance(item, list):
                if text := self._list(item, key):
                    yield text
            elif isinstance(item, Mapping):
                inner = self._object(item)
                if inner:
                    name = key if key[:1].isupper() else phrase_of(words_of_name(key)).capitalize()
                    yield f"{name}: {clauses.uncapitalized(inner)}"
            else:
                yield self._clause(who, key, item, whole, is_alone and not subject)

    def _clause(
        self, who: str, key: str, item: object, whole: Mapping[str, object], is_alone: bool
    ) -> str:
        words = words_of_name(key)
        if key[:1].isupper() and len(words) == 1 and not isinstance(item, bool):
            value = say_value(item, words, "", self._now)
            return self._book.say(phrase("report_named", name=key, value=value))
        if isinstance(item, bool):
            return clauses.flag(who, words, item)
        unit = unit_in(words) or _unit_beside(key, whole)
        said = say_value(item, words, unit, self._now)
        name = without_unit(words, unit)
        is_written = said.endswith((".", "!", "?")) and said.count(" ") > 2
        if is_written or key in ("message", "text", "response", "speech"):
            return as_sentence(said)  # something that somebody wrote to be read
        if key in _WEATHER:
            return clauses.uncapitalized(said)
        if key in _STATES or name[-1:] in (["state"], ["status"]):
            owner = name[:-1]
            return clauses.state(who, owner, said)
        if name[-1:] in (["time"], ["date"], ["datetime"], ["now"]):
            said = clauses.without_preposition(said)
        if is_alone and (not name or set(name) & _PLAIN_ANSWERS or key in _WRAPPERS):
            return self._book.say(phrase("report_value", value=said))
        return clauses.holds(who, name, words, said, item)

    # ------------------------------------------------------------------ lists

    def _list(self, items: Sequence[object], key: str) -> str:
        words = words_of_name(key) if key else []
        noun = (
            ""
            if not words or words[-1] in _WRAPPERS | {"items", "list", "entries"}
            else (phrase_of(words))
        )
        told = [text for item in items if (text := self._entry(item))]
        if not items:
            return self._say(
                phrase("report_none_of", things=noun) if noun else phrase("report_nothing")
            )
        if not told:
            return self._say(phrase("report_count", count=len(items)))
        count, shown = len(items), told[:_MOST_FACTS]
        if count > len(shown):
            shown = [*shown, self._book.say(phrase("report_more", count=count - len(shown)))]
        return self._say(self._listed(count, noun, shown))

    def _listed(self, count: int, noun: str, shown: Sequence[str]) -> Phrase:
        one = clauses.singular(noun)
        if count == 1 and noun:
            return phrase("report_one_listed", thing=one, items=shown)
        if noun != one:
            return phrase("report_things_listed", count=count, things=noun, items=shown)
        return phrase("report_listed", count=count, items=shown)

    def _entry(self, item: object) -> str:
        """Say one thing of a list in a few words."""
        if isinstance(item, list):
            return listing([text for part in item if (text := self._entry(part))][:_MOST_FACTS])
        if not isinstance(item, Mapping):
            return say_value(item, (), "", self._now) if is_sayable(item) else ""
        rest = {key: part for key, part in item.items() if self._counts(key, part)}
        subject, used = self._subject(rest)
        counts = [k for k, v in rest.items() if k in _COUNTS and isinstance(v, int | float)]
        if subject and counts and not isinstance(rest[counts[0]], bool):
            return f"{self._detail(counts[0], rest[counts[0]], item)} {subject}"
        details = [
            self._detail(key, part, item)
            for key, part in rest.items()
            if key not in used and is_sayable(part) and not set(words_of_name(key)) & _ENDS
        ]
        return " ".join([part for part in (subject, ", ".join(details[:_MOST_FACTS])) if part])

    def _detail(self, key: str, part: object, whole: Mapping[str, object]) -> str:
        words = words_of_name(key)
        if isinstance(part, bool):
            return clauses.flag("", words, part).strip()
        unit = unit_in(words) or _unit_beside(key, whole)
        said = say_value(part, words, unit, self._now)
        if key in _WEATHER:
            return clauses.uncapitalized(said)
        if key in _STATES:
            return self._book.say(phrase("report_state", value=clauses.uncapitalized(said)))
        if unit and {"high", "low", "min", "max"} & set(words):
            return f"{phrase_of(without_unit(words, unit))} {said}"
        if key in ("from", "sender", "by", "author", "artist"):
            is_sent = key in ("from", "sender")
            told = phrase("report_from", who=said) if is_sent else phrase("report_by", who=said)
            return self._book.say(told)
        is_text = isinstance(part, str) and not part.isdigit()
        is_clear = is_text or unit or words[-1] in _COUNTS
        return said if is_clear else f"{phrase_of(words)} {said}"


def _is_event(value: Mapping[str, object], key: str) -> bool:
    """A ``summary`` among times is a name, as calendars have it."""
    return key == "summary" and any("start" in other or "end" in other for other in value)


def _units_in(value: Mapping[str, object]) -> dict[str, object]:
    """What an outer object says of the units of an inner one."""
    return {key: value[key] for key in ("unit", "units", "currency") if key in value}


def _unit_beside(key: str, whole: Mapping[str, object]) -> str:
    """Return the unit that stands in a field of its own: ``unit``, ``price_currency``."""
    for name in (f"{key}_unit", f"{key}Unit", f"{key}_units", "unit", "units"):
        if isinstance(whole.get(name), str) and isinstance(whole.get(key), int | float):
            return str(whole[name])
    is_money = _MONEY & set(words_of_name(key))
    currency = whole.get("currency")
    return currency if is_money and isinstance(currency, str) else ""


def _readable(text: str) -> str:
    """Return a text as it may be said; nothing where it is markup or an id."""
    text = " ".join(re.sub(r"<[^>]{1,200}>", "", text).split())
    return text if is_sayable(text) else ""


def as_sentence(text: str) -> str:
    """Return text as a sentence of bounded length: capital, full stop."""
    text = shortened(" ".join(text.split()), _MOST_CHARACTERS).strip()
    if not text or not any(character.isalnum() for character in text):
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?…" else f"{text}."

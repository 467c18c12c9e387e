"""Finds the timers, alarms and reminders that are meant among those there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from device.brain.speaking import spoken
from device.brain.understanding.intents.moments import ClockTime, Moments
from device.brain.understanding.intents.recognition import Slot
from device.phrases.book import Day, Phrase, phrase
from device.phrases.en import ENGLISH
from device.phrases.en.forms import WEEKDAYS

Thing = Mapping[str, Any]
"""What a tool tells of one: ``name``, ``length_s`` and ``left_s``, or ``time`` and ``date``."""

_NAMED_ALOUD = 3
_WEEKDAYS = tuple(day.lower() for day in WEEKDAYS)
_PLACES = (phrase("the_first"), phrase("the_second"), phrase("the_third"))
_NOUNS = {"timer": phrase("timer"), "alarm": phrase("alarm")}
_NONE = {
    "timer": phrase("timers_none"),
    "alarm": phrase("alarms_none"),
    "reminder": phrase("reminders_none"),
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Those that are meant, by their places among all; or what to ask or say instead."""

    places: tuple[int, ...] = ()
    question: str = ""
    nothing: str = ""


def choose(
    kind: str,
    things: Sequence[Thing],
    slots: Mapping[str, Slot],
    moments: Moments,
    now: dt.datetime,
) -> Chosen:
    """Choose by what was said; ``kind`` is ``timer``, ``alarm`` or ``reminder``."""
    if not things:
        return Chosen(nothing=_say(_NONE[kind]))
    places = [place for place, thing in enumerate(things) if _fits(thing, slots, moments)]
    if slots.get("same_as"):
        places = _same(things, slots["same_as"]) or places
        return (
            Chosen(tuple(places[-1:]))
            if places
            else Chosen(nothing=_say(phrase(f"no_such_{kind}")))
        )
    if name := str(slots.get("name") or slots.get("text") or ""):
        places = _named(things, places, name)
    if not places:
        return Chosen(nothing=_say(phrase(f"no_such_{kind}")))
    if slots.get("all") or (slots.get("both") and len(places) == 2):
        return Chosen(tuple(places))
    which = slots.get("which")
    if isinstance(which, int) and not isinstance(which, bool):
        at = which if which < 0 else which - 1
        if -len(places) <= at < len(places):
            return Chosen((places[at],))
        return Chosen(nothing=_say(phrase(f"no_such_{kind}")))
    if superlative := slots.get("superlative"):
        return Chosen((_extreme(things, places, str(superlative)),))
    if len(places) == 1:
        return Chosen((places[0],))
    return Chosen(question=_question(kind, [things[place] for place in places], now))


def _same(things: Sequence[Thing], wanted: Any) -> list[int]:
    keys = ("name", "length_s", "time", "date", "weekdays", "text")
    said = {key: wanted[key] for key in keys if key in wanted}
    return [
        place
        for place, thing in enumerate(things)
        if all(thing.get(key) == value for key, value in said.items())
    ]


def _named(things: Sequence[Thing], places: Sequence[int], name: str) -> list[int]:
    wanted = name.casefold()
    names = {
        place: str(things[place].get("name") or things[place].get("text") or "") for place in places
    }
    exact = [place for place, said in names.items() if said.casefold() == wanted]
    words = set(wanted.split()) - {"the", "a", "my", "to"}
    return (
        exact
        or [
            place
            for place, said in names.items()
            if words and words <= set(said.casefold().split())
        ]
        or [place for place, said in names.items() if wanted in said.casefold()]
    )


def _fits(thing: Thing, slots: Mapping[str, Slot], moments: Moments) -> bool:
    duration = slots.get("duration")
    if isinstance(duration, float) and "length_s" in thing:
        lengths = (thing.get("length_s"), thing.get("left_s"))
        if not any(isinstance(one, int | float) and abs(one - duration) < 1 for one in lengths):
            return False
    at = slots.get("at")
    if isinstance(at, ClockTime) and str(thing.get("time"))[:5] not in {
        f"{time:%H:%M}" for time in at.times
    }:
        return False
    half = slots.get("in_half")
    if isinstance(half, str) and "time" in thing and moments.half_of(half) != _half(thing):
        return False
    date = slots.get("on_date")
    if isinstance(date, dt.date) and "date" in thing:
        weekdays = thing.get("weekdays") or []
        if str(thing["date"]) != date.isoformat() and _WEEKDAYS[date.weekday()] not in weekdays:
            return False
    days = slots.get("on_days")
    if isinstance(days, tuple) and "weekdays" in thing:
        return [_WEEKDAYS[int(str(day))] for day in days] == list(thing["weekdays"])
    return True


def _half(thing: Thing) -> str:
    return "am" if str(thing["time"]) < "12" else "pm"


def _extreme(things: Sequence[Thing], places: Sequence[int], superlative: str) -> int:
    def size(place: int) -> tuple[Any, ...]:
        thing = things[place]
        if "left_s" in thing:
            return (thing.get("left_s"),)
        return str(thing.get("date")), str(thing.get("time"))

    ordered = sorted(places, key=size)
    return ordered[0] if superlative in ("shortest", "earliest") else ordered[-1]


def _question(kind: str, things: Sequence[Thing], now: dt.datetime) -> str:
    names = [called(kind, thing, now) for thing in things]
    if len(set(names)) < len(names) <= len(_PLACES):
        names = [_say(place) for place in _PLACES[: len(names)]]
    if len(names) > _NAMED_ALOUD:
        return _say(phrase(f"which_of_{kind}s", count=len(names)))
    return _say(phrase("which_of", choice=names))


def called(kind: str, thing: Thing, now: dt.datetime) -> str:
    """Say which one it is: ``the pasta timer``, ``the one for ten minutes``."""
    if kind == "reminder":
        return str(thing.get("text", ""))
    if name := thing.get("name"):
        return _say(phrase("the_named", name=str(name), noun=_NOUNS[kind]))
    if kind == "timer":
        return _say(phrase("the_one_for", length=float(thing.get("length_s") or 0)))
    hour = spoken.time_word(dt.time.fromisoformat(str(thing.get("time", "0:00")).zfill(5)))
    if weekdays := thing.get("weekdays"):
        days = tuple(_WEEKDAYS.index(day) for day in weekdays)
        return _say(phrase("the_one_every_week", days=days, hour=hour))
    day = Day(dt.date.fromisoformat(str(thing["date"])), now.date())
    return _say(phrase("the_one_on_day", day=day, hour=hour))


def _say(said: Phrase) -> str:
    return ENGLISH.say(said)

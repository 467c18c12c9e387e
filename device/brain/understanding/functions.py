"""Turns an intent into a call of whatever tool the session declares for it.

The brain owns nothing of the house. It knows what kinds of tools there are by the words
in their names (`set_timer`, `startTimer`, `timer.create`), and fills their parameters by
the names and schemas of the properties. A tool that cannot take everything that was said
(an alarm on weekdays, where there is no place for weekdays) does not fit.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.intents.moments import When
from device.brain.understanding.intents.recognition import Slot, Understood, split_items
from device.brain.understanding.schemas import Schema, fault_in, properties_of, required_of
from device.phrases.en.forms import WEEKDAYS

_WORDS_IN_NAME = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_FILLERS = frozenset(
    {"a", "an", "the", "my", "to", "from", "in", "on", "of", "for", "all", "new", "item", "items",
     "device", "current", "by", "shopping", "todo", "kitchen", "local", "grocery"}
)  # fmt: skip
_SET = frozenset({"set", "start", "create", "add", "make", "new", "schedule", "begin", "put"})
_LIST = frozenset({"list", "get", "show", "query", "check", "read", "status", "find"})
_CANCEL = frozenset({"cancel", "delete", "remove", "stop", "clear", "dismiss", "end"})

# Intent: verbs and nouns, one of each of which makes the name of a tool for it.
_KINDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "get_time": (_LIST | {"tell", "what"}, frozenset({"time", "clock"})),
    "get_date": (_LIST | {"tell", "what"}, frozenset({"date", "day", "today"})),
    "set_timer": (_SET, frozenset({"timer", "countdown"})),
    "list_timers": (_LIST, frozenset({"timers", "timer"})),
    "cancel_timer": (_CANCEL, frozenset({"timer", "timers"})),
    "extend_timer": (frozenset({"extend", "increase", "prolong"}), frozenset({"timer"})),
    "shorten_timer": (frozenset({"shorten", "reduce", "decrease"}), frozenset({"timer"})),
    "change_timer": (frozenset({"change", "update", "edit", "modify"}), frozenset({"timer"})),
    "pause_timer": (frozenset({"pause"}), frozenset({"timer"})),
    "resume_timer": (frozenset({"resume", "continue", "unpause"}), frozenset({"timer"})),
    "restart_timer": (frozenset({"restart"}), frozenset({"timer"})),
    "skip_alarm": (frozenset({"skip"}), frozenset({"alarm"})),
    "set_alarm": (_SET, frozenset({"alarm"})),
    "list_alarms": (_LIST, frozenset({"alarms", "alarm"})),
    "cancel_alarm": (_CANCEL, frozenset({"alarm", "alarms"})),
    "snooze_alarm": (frozenset({"snooze"}), frozenset({"alarm", "snooze"})),
    "set_reminder": (_SET, frozenset({"reminder", "remind"})),
    "list_reminders": (_LIST, frozenset({"reminders", "reminder"})),
    "cancel_reminder": (_CANCEL, frozenset({"reminder", "reminders"})),
    "set_volume": (frozenset({"set", "change", "adjust"}), frozenset({"volume"})),
    "volume_up": (
        frozenset({"change", "adjust", "step", "increase", "raise", "up"}),
        frozenset({"volume"}),
    ),
    "volume_down": (
        frozenset({"change", "adjust", "step", "decrease", "lower", "reduce", "down"}),
        frozenset({"volume"}),
    ),
    "get_volume": (_LIST, frozenset({"volume"})),
    "add_to_list": (frozenset({"add", "put", "append", "insert"}), frozenset({"list"})),
    "remove_from_list": (frozenset({"remove", "delete", "take"}), frozenset({"list"})),
    "read_list": (frozenset({"read", "get", "show", "view"}), frozenset({"list"})),
    "clear_list": (frozenset({"clear", "empty", "wipe"}), frozenset({"list"})),
    "repeat": (frozenset({"repeat"}), frozenset({"last", "repeat", "answer"})),
    "device_status": (_LIST | {"device", "system"}, frozenset({"status", "state", "health"})),
    "stop": (frozenset({"stop"}), frozenset({"stop", "playback", "audio", "ringing", "speaking"})),
    "calculate": (frozenset({"calculate", "compute", "evaluate"}), frozenset({"calculate"})),
    "flip_coin": (frozenset({"flip", "toss"}), frozenset({"coin"})),
    "roll_dice": (frozenset({"roll", "throw"}), frozenset({"dice", "die"})),
}
# Looked for first, under exactly these names.
_EXACT: Mapping[str, tuple[str, ...]] = {
    "volume_up": ("change_volume", "volume_up"),
    "volume_down": ("change_volume", "volume_down"),
    "get_volume": ("get_volume", "device_status"),
    "mute": ("mute_volume", "mute_speaker", "mute"),
    "unmute": ("unmute_volume", "unmute_speaker", "unmute"),
    "mute_microphone": ("mute_microphone", "close_microphone"),
    "list_lists": ("list_lists", "get_lists"),
    "undo": ("undo", "undo_last"),
    "remember_fact": ("remember_fact", "remember", "save_fact"),
    "list_facts": ("list_facts", "get_facts"),
    "forget_fact": ("forget_fact", "delete_fact"),
    "repeat": ("repeat_last",),
    "get_weekday": ("get_date",),
    "days_until": ("get_date",),
}
_DEFAULT_REMINDER_TIME = dt.time(9, 0)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was said, to be put in a parameter."""

    kind: str
    value: Any
    is_essential: bool = True


class DoesNotFitError(Exception):
    """The tool has no place for something that was said, or needs what was not."""


def words_of(name: str) -> list[str]:
    """Split the name of a function: ``orderBeverage`` is ``order``, ``beverage``."""
    return [word.lower() for word in _WORDS_IN_NAME.findall(name)]


def tools_for(intent: str, tools: Sequence[FunctionTool]) -> list[FunctionTool]:
    """Return the declared tools that are for an intent, the likeliest first."""
    exact = [t for name in _EXACT.get(intent, (intent,)) for t in tools if t.name == name]
    if intent not in _KINDS:
        return exact
    verbs, nouns = _KINDS[intent]
    like = []
    for tool in tools:
        words = [word for word in words_of(tool.name) if word not in _FILLERS]
        has_both = any(word in verbs for word in words) and any(word in nouns for word in words)
        if has_both and all(word in verbs | nouns for word in words) and tool not in exact:
            like.append(tool)
    return [*exact, *like]


def is_known_kind(name: str) -> bool:
    """Whether a tool of that name is one that intents are about: no guess is made of it."""
    names = {known for several in _EXACT.values() for known in several} | set(_KINDS)
    tool = FunctionTool(name, "", {})
    return name in names or any(tools_for(intent, [tool]) for intent in _KINDS)


@lru_cache(maxsize=512)
def intent_of(name: str) -> str:
    """Return the intent that a tool of that name is for; empty where it is for none."""
    tool = FunctionTool(name, "", {})
    for intent, names in _EXACT.items():
        if name in names:
            return intent
    if name in _KINDS:
        return name
    return next((intent for intent in _KINDS if tools_for(intent, [tool])), "")


def calls_for(
    meant: Understood,
    tools: Sequence[FunctionTool],
    now: dt.datetime,
    joiners: Sequence[str] = (),
) -> list[ToolCallPiece]:
    """Return the calls that carry out an intent; empty where no tool fits."""
    for tool in tools_for(meant.intent, tools):
        facts = list(_facts(meant, now, joiners))
        try:
            return [_call(tool, set_) for set_ in _one_by_one(tool, facts)]
        except DoesNotFitError:
            continue
    return []


# ------------------------------------------------------------------------- facts


def _facts(meant: Understood, now: dt.datetime, joiners: Sequence[str]) -> Iterator[Fact]:
    slots = meant.slots
    if meant.intent in ("volume_up", "volume_down"):
        yield Fact("direction", 1 if meant.intent == "volume_up" else -1)
    for name, value in slots.items():
        if name == "when" and isinstance(value, When):
            yield from _when_facts(value, now, meant.intent)
        elif name == "item":
            things = value if isinstance(value, list) else split_items(str(value), list(joiners))
            yield Fact("items", things)
        elif name == "list":
            yield Fact("list", value, is_essential=value != "shopping")
        elif name == "number":
            yield Fact("count", value)
        elif name in ("asks", "lacks", "what", "operator"):
            continue
        else:
            yield Fact(name, value)


def _when_facts(when: When, now: dt.datetime, intent: str) -> Iterator[Fact]:
    if when.after_s is not None:
        yield Fact("after", (when.after_s, now))
        return
    time = when.time
    if time is None and intent == "set_reminder":
        time = _DEFAULT_REMINDER_TIME
    if time is None and intent == "set_alarm":
        raise DoesNotFitError("an alarm needs a time")
    whole = When(time, when.date, when.weekdays)
    if time is not None:
        yield Fact("time", (time, whole.instant(now)))
    if when.weekdays:
        yield Fact("weekdays", when.weekdays)
    elif when.date is not None:
        # A tool without a place for the day rings at the next such time: that must be it.
        instant = whole.instant(now)
        is_next = time is not None and instant == When(time).instant(now)
        yield Fact("date", when.date, is_essential=not is_next)


# ------------------------------------------------------------------------- parameters


def _one_by_one(tool: FunctionTool, facts: list[Fact]) -> list[list[Fact]]:
    """Several things on a list are several calls where the tool takes one at a time."""
    items = next((fact for fact in facts if fact.kind == "items"), None)
    if items is None:
        return [facts]
    takes_many = any(
        part.get("type") == "array" and _NAMES["items"].search(name)
        for name, part in properties_of(tool.parameters).items()
    )
    if takes_many:
        return [facts]
    others = [fact for fact in facts if fact is not items]
    return [[Fact("item", item), *others] for item in items.value]


def _call(tool: FunctionTool, facts: list[Fact]) -> ToolCallPiece:
    """Fill the parameters; raises `DoesNotFitError`."""
    properties = properties_of(tool.parameters)
    arguments: dict[str, Any] = {}
    for fact in facts:
        filled = _fill(fact, properties, arguments)
        if not filled and fact.is_essential:
            raise DoesNotFitError(f"{tool.name} has no place for {fact.kind}")
        arguments |= filled
    missing = [name for name in required_of(tool.parameters) if name not in arguments]
    for name in missing:
        if "default" in properties.get(name, {}):
            arguments[name] = properties[name]["default"]
    if fault := fault_in(arguments, tool.parameters):
        raise DoesNotFitError(fault)
    return ToolCallPiece(tool.name, json.dumps(arguments, ensure_ascii=False))


def _fill(fact: Fact, properties: Mapping[str, Schema], taken: Mapping[str, Any]) -> dict[str, Any]:
    free = {name: part for name, part in properties.items() if name not in taken}
    if fact.kind in ("duration", "after"):
        seconds = fact.value if fact.kind == "duration" else fact.value[0]
        span = _span(float(seconds), free)
        if span or fact.kind == "duration":
            return span
        return _fill_moment(fact.value[1] + dt.timedelta(seconds=seconds), free)
    for name, part in free.items():
        if _NAMES[fact.kind].search(_snake(name)) if fact.kind in _NAMES else name == fact.kind:
            render: Callable[[Any, Schema], Any] = _RENDER.get(fact.kind, _as_text)
            value = render(fact.value, part)
            if value is not None and fault_in(value, part) is None:
                return {name: value}
    return {}


def _snake(name: str) -> str:
    return "_".join(words_of(name))


_NAMES: Mapping[str, re.Pattern[str]] = {
    "name": re.compile(r"^((timer|alarm|reminder)_)?(name|label|title|tag)$"),
    "text": re.compile(
        r"^(reminder_)?(text|message|reminder|what|content|title|task|note|body|subject|label"
        r"|name|description)$"
    ),
    "items": re.compile(
        r"^(list_)?(items?|things?|entry|entries|products?|text|tasks?)(_names?)?$"
    ),
    "item": re.compile(r"^(list_)?(item|thing|entry|product|text|name|title|task)(_name)?$"),
    "list": re.compile(r"^(list|list_name|list_id|which|which_list|name)$"),
    "percent": re.compile(r"^(volume_)?(percent|percentage|level|volume|value|amount|step|by)$"),
    "direction": re.compile(r"^(direction|change|step|delta|by|amount|volume)(_percent)?$"),
    "time": re.compile(
        r"^((alarm|reminder|due|start|wake_up|remind)_)?(time|at|when|date_time|datetime|timestamp"
        r"|time_of_day)$"
    ),
    "date": re.compile(r"^((alarm|reminder|due)_)?(date|day)$"),
    "weekdays": re.compile(
        r"^(week_?days?|days?(_of(_the)?_week)?|repeat(_days|_on)?|recurrence)$"
    ),
    "all": re.compile(r"^(all|everything|every)(_.*)?$"),
    "every": re.compile(r"^(all|everything|every)(_.*)?$"),
    "which": re.compile(r"^(which|ordinal|position|index)$"),
    "new_name": re.compile(r"^new_name$"),
    "place": re.compile(r"^(place|location|city|time_?zone|zone|where)$"),
    "count": re.compile(r"^(count|number|sides|amount|dice|how_many)$"),
}


def _as_text(value: Slot, part: Schema) -> Any:
    if isinstance(value, Decimal):
        return _as_number(value, part)
    if isinstance(value, dt.date):
        return value.isoformat()
    kind = part.get("type")
    if isinstance(value, bool):
        return value if kind in (None, "boolean") else None
    if isinstance(value, int):
        return value if kind in (None, "integer", "number") else None
    return _in_enum(str(value), part) if kind in (None, "string") else None


def _as_number(value: Decimal, part: Schema) -> float | int | str | None:
    if part.get("type") == "string":
        return str(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _in_enum(text: str, part: Schema) -> str | None:
    """The member of an enumeration that a word means: case, hyphens and plurals aside."""
    if "enum" not in part:
        return text
    wanted = _bare(text)
    choices = {_bare(str(choice)): str(choice) for choice in part["enum"]}
    return choices.get(wanted) or choices.get(f"{wanted}s") or choices.get(wanted.rstrip("s"))


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())


def _items(value: list[str], part: Schema) -> list[str] | None:
    return value if part.get("type") == "array" else None


def _percent(value: Decimal | int, part: Schema) -> float | int | str | None:
    """Percent, or what the bounds say the scale is: 0 to 1, or 0 to 10."""
    share = Decimal(value)
    top = part.get("maximum")
    if top in (1, 1.0) and part.get("type") != "integer":
        return float(share / 100)
    if top in (10, 11):
        return round(share / 10)
    return _as_number(share, part)


_UP = ("up", "louder", "increase", "raise", "higher", "+")
_DOWN = ("down", "quieter", "decrease", "lower", "softer", "-")
_STEP_PERCENT = 10


def _direction(value: int, part: Schema) -> Any:
    if "enum" in part:
        words = _UP if value > 0 else _DOWN
        return next((choice for choice in part["enum"] if str(choice).lower() in words), None)
    if part.get("type") in ("number", "integer"):
        return None if part.get("minimum", -1) >= 0 else value * _STEP_PERCENT
    return ("up" if value > 0 else "down") if part.get("type") == "string" else None


def _time(value: tuple[dt.time, dt.datetime | None], part: Schema) -> Any:
    time, instant = value
    if part.get("type") in ("integer", "number"):
        return int(instant.timestamp()) if instant else None
    if _wants_instant(part):
        return instant.isoformat(timespec="seconds") if instant else None
    about = str(part.get("description", ""))
    if re.search(r"\b[ap]\.?m\b", about, re.I) and not re.search(r"24|HH:MM", about):
        return f"{time.hour % 12 or 12}:{time:%M} {'AM' if time.hour < 12 else 'PM'}"
    return f"{time:%H:%M}"


def _wants_instant(part: Schema) -> bool:
    text = str(part.get("description", ""))
    is_iso = re.search(r"iso.?8601|date.?time|date and time|YYYY", text, re.IGNORECASE)
    return part.get("format") == "date-time" or bool(is_iso and "pattern" not in part)


def _weekdays(value: Sequence[int], part: Schema) -> Any:
    if part.get("type") != "array":
        return None
    item = part.get("items") or {}
    if item.get("type") in ("integer", "number"):
        return list(value)
    names = [WEEKDAYS[day].lower() for day in value]
    if "enum" not in item:
        return names
    choices = {str(choice).lower()[:3]: choice for choice in item["enum"]}
    chosen = [choices.get(name[:3]) or choices.get(name[:2]) for name in names]
    return chosen if all(chosen) else None


_RENDER: Mapping[str, Callable[[Any, Schema], Any]] = {
    "items": _items,
    "percent": _percent,
    "direction": _direction,
    "time": _time,
    "weekdays": _weekdays,
}

# ------------------------------------------------------------------------- spans of time

_UNIT_S = {"hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
_SPAN_NAME = re.compile(r"duration|length|span|seconds|minutes|hours|millis|^(in|after|delay)")


def _span(seconds: float, free: Mapping[str, Schema]) -> dict[str, Any]:
    """Put a span in ``hours``, ``minutes`` and ``seconds``, or in one ``duration``."""
    units = [unit for unit in _UNIT_S if unit in free]
    if units:
        return _in_units(seconds, units, free)
    for name, part in free.items():
        if _SPAN_NAME.search(_snake(name)):
            value = _one_span(seconds, name, part)
            if value is not None and fault_in(value, part) is None:
                return {name: value}
    return {}


def _in_units(seconds: float, units: Sequence[str], free: Mapping[str, Schema]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    left = seconds
    for unit in units:
        amount = left / _UNIT_S[unit]
        if unit != units[-1]:
            amount = float(int(amount))
        left -= amount * _UNIT_S[unit]
        if amount:
            filled[unit] = int(amount) if amount == int(amount) else amount
        if amount and fault_in(filled[unit], free[unit]):
            return {}
    return filled


def _one_span(seconds: float, name: str, part: Schema) -> Any:
    about = f"{_snake(name)} {part.get('description', '')}".lower()
    if part.get("type") == "string":
        return _iso_span(seconds) if re.search(r"iso|\bpt", about) else f"{seconds:g} seconds"
    for words, size in (("milli|_ms", 0.001), ("sec|_s\\b", 1.0), ("min", 60.0), ("hour", 3600.0)):
        if re.search(words, about):
            amount = seconds / size
            break
    else:
        amount = seconds
    return int(amount) if amount == int(amount) else amount


def _iso_span(seconds: float) -> str:
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = [
        f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if amount
    ]
    return f"PT{''.join(parts) or '0S'}"


def _fill_moment(instant: dt.datetime, free: Mapping[str, Schema]) -> dict[str, Any]:
    """A span from now where the tool takes only a time."""
    filled = _fill(Fact("time", (instant.time(), instant)), free, {})
    if filled and not _wants_instant(free[next(iter(filled))]):
        filled |= _fill(Fact("date", instant.date()), free, filled)
    return filled

"""A household to talk to: the brain, the appliance's real tools, and a house of other people's.

Tables hold dialogues, each in a fresh household: sentence, label, sentence, label … A sentence
with ``! `` before it only prepares the next. A label says what is to be the case after its
sentence; alternatives stand between `` | ``, what must hold together between `` & ``:

T[5m30s pasta, 10m paused]   exactly these timers; without a name they have none; ``*`` any
A[07:00/19:00 mon-fri gym]   exactly these alarms: times, days or date (``tomorrow``, ``+2d``,
                             ``on:sat``, ``on:12-25``, ``in:30m``), name, ``skip``
R[words @ 17:00 daily; …]    exactly these reminders, whose text has the words
L:shopping[milk; eggs]       that list; V50, V>50 the volume; M+ a closed microphone
H[light.kitchen=off, …]      what was switched in this turn; ``*``: every room
C[tool(name=value)]          another tool was called so
Q:timer.list                 that was looked up
ask, refuse, noask           a question back; says that it cannot or did not understand; none
say(pattern)                 says so

What a label does not name must stay as it was.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import (
    Cancellation,
    FunctionTool,
    Message,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCall,
    ToolCallPiece,
    ToolResult,
)
from device.brain.understanding.intents.language import load_language
from device.tools.alarms.entries import Countdown, Entry, Kind
from device.tools.alarms.ringer import Ringer
from device.tools.builtin import add_builtin_tools
from device.tools.lists import Lists
from device.tools.moments import Moment
from device.tools.registry import Registry
from device.tools.store import Store

NOW = dt.datetime(2026, 11, 30, 14, 30, tzinfo=dt.UTC)
"""A Monday afternoon."""
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ROOMS = ("kitchen", "bedroom", "living room", "bathroom", "hall")
LOOKS = {
    "time.get": "get_time", "date.get": "get_date", "timer.list": "list_timers",
    "alarm.list": "list_alarms", "reminder.list": "list_reminders", "list.read": "read_list",
    "list.all": "list_lists", "status": "device_status",
}  # fmt: skip
REFUSES = re.compile(
    r"can't|cannot|no way of|nothing I can|don't (know|have)|didn't (understand|catch|get)"
    r"|not sure|offline|no such|have no|know no|there is no|only set|too (long|short)|nothing to",
    re.IGNORECASE,
)


class StillClock:
    def now(self) -> Moment:
        return Moment(NOW.timestamp(), 1000.0, "boot", dt.UTC)

    def is_trusted(self) -> bool:
        return True


@dataclass
class Speaker:
    percent: int = 50
    is_muted: bool = False

    def volume(self) -> int:
        return self.percent

    async def set_volume(self, percent: int) -> None:
        self.percent = percent

    def last_answer(self) -> str | None:
        return None

    def status(self) -> dict[str, Any]:
        return {"is_online": False}

    async def stop_playback(self) -> bool:
        return False

    async def mute_microphone(self) -> None:
        self.is_muted = True


@dataclass
class Heard:
    """What came of one sentence."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    other: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Calls of tools that are not the appliance's own."""


class Household:
    """One conversation in a house of its own."""

    def __init__(self, folder: Path, thinker: LayeredThinker, declared: dict[str, Any]) -> None:
        self.store = Store(folder / "house.sqlite")
        self.speaker = Speaker()
        self.ringer = Ringer(self.store, StillClock(), lambda _: None, lambda _: None)
        self.lists = Lists(self.store)
        self.registry = Registry()
        self._thinker = thinker
        self._others = [FunctionTool(**tool) for tool in declared.get("tool", ())]
        self._instructions = declared.get("instructions", "")
        self._items: list[Any] = []
        self._ids = itertools.count()

    async def open(self) -> None:
        await self.store.open()
        await self.ringer.start()
        add_builtin_tools(
            self.registry,
            house=self.speaker,  # type: ignore[arg-type]
            clock=StillClock(),
            ringer=self.ringer,
            lists=self.lists,
        )
        self._tools = [
            FunctionTool(tool["name"], tool["description"], tool["parameters"])
            for tool in self.registry.tools()
        ]

    async def say(self, words: str) -> Heard:
        self.registry.new_turn()
        self._items.append(Message("user", (TextPart(words),)))
        heard = Heard()
        for _ in range(6):
            request = ThinkRequest(
                list(self._items), self._instructions, [*self._tools, *self._others]
            )
            pieces = list(self._thinker.answer(request, Cancellation()))
            text = "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))
            if text:
                heard.text = f"{heard.text} {text}".strip()
                self._items.append(Message("assistant", (TextPart(text),)))
            calls = [piece for piece in pieces if isinstance(piece, ToolCallPiece)]
            if not calls:
                break
            for call in calls:
                await self._run(call, heard)
        return heard

    async def _run(self, call: ToolCallPiece, heard: Heard) -> None:
        number = f"call-{next(self._ids)}"
        arguments = json.loads(call.arguments)
        heard.calls.append((call.name, arguments))
        if any(tool.name == call.name for tool in self._others):
            heard.other.append((call.name, arguments))
            output = '{"ok": true}'
        else:
            outcome = await self.registry.run(call.name, call.arguments, number)
            output = outcome.output_json
        self._items += [ToolCall(number, call.name, call.arguments), ToolResult(number, output)]

    async def state(self) -> dict[str, Any]:
        """Everything that a label may name, by its letter."""
        named = {name: await self.lists.items(name) for name in await self.lists.names()}
        return {
            "T": [_timer(entry) for entry in self.ringer.waiting(Kind.TIMER)],
            "A": [_occasion(entry) for entry in self.ringer.waiting(Kind.ALARM)],
            "R": [_occasion(entry) for entry in self.ringer.waiting(Kind.REMINDER)],
            "L": named,
            "V": self.speaker.percent,
            "M": self.speaker.is_muted,
        }


def _timer(entry: Entry) -> dict[str, Any]:
    when = entry.when
    assert isinstance(when, Countdown)
    left_s = when.left_s(StillClock().now())
    return {"s": round(left_s), "name": entry.name, "paused": when.paused_left_s is not None}


def _occasion(entry: Entry) -> dict[str, Any]:
    when = entry.when
    if isinstance(when, Countdown):
        due = NOW + dt.timedelta(seconds=when.left_s(StillClock().now()))
        return {"time": f"{due:%H:%M}", "date": due.date(), "days": [], "name": entry.name,
                "skip": False}  # fmt: skip
    days = [DAYS[day] for day in when.weekdays]
    return {"time": f"{when.time:%H:%M}", "date": when.date, "days": days, "name": entry.name,
            "skip": when.skipped is not None}  # fmt: skip


# ------------------------------------------------------------------------- labels


def fits(label: str, heard: Heard, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether one of the label's alternatives holds, and nothing else has changed."""
    return any(_holds(one.strip(), heard, before, after) for one in label.split(" | "))


def _holds(alternative: str, heard: Heard, before: dict[str, Any], after: dict[str, Any]) -> bool:
    parts = [part.strip() for part in alternative.split(" & ")]
    named = {part[0] for part in parts if _is_state(part)}
    changed = {key for key in after if after[key] != before[key]}
    if changed - named or (heard.other and not named & {"H", "C"} and not _only_looks(heard)):
        return False
    return all(_part_holds(part, heard, after) for part in parts)


def is_act(heard: Heard, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether anything was changed."""
    return before != after or (bool(heard.other) and not _only_looks(heard))


def _only_looks(heard: Heard) -> bool:
    return all(name.startswith("Get") for name, _ in heard.other)


def _is_state(part: str) -> bool:
    return bool(re.match(r"(T|A|R|H|C|L:[a-z -]+)\[|V\d|V[<>]|M[+-]$", part))


def _part_holds(part: str, heard: Heard, after: dict[str, Any]) -> bool:
    text = heard.text
    match part[0]:
        case "T" | "A" | "R" if "[" in part:
            wants = [w.strip() for w in re.split("[;,]" if part[0] != "R" else ";", _body(part))]
            check = {"T": _fits_timer, "A": _fits_alarm, "R": _fits_reminder}[part[0]]
            return _assigned([w for w in wants if w], after[part[0]], check)
        case "L" if "[" in part:
            wants = [w.strip() for w in _body(part).split(";") if w.strip()]
            there = after["L"].get(part[2 : part.index("[")].strip(), [])
            return _assigned(wants, there, lambda w, i: _bare(i) in map(_bare, w.split("/")))
        case "V":
            sign, low, high = re.fullmatch(r"V([<>]?)(\d+)(?:-(\d+))?", part).groups()  # type: ignore[union-attr]
            volume = after["V"]
            if sign:
                return volume > int(low) if sign == ">" else volume < int(low)
            return int(low) <= volume <= int(high or low)
        case "M":
            return bool(after["M"]) == (part == "M+")
        case "H":
            return events(heard.other) == _expanded(_body(part))
        case "C":
            return _called(_body(part), heard)
        case "Q":
            operation, _, pattern = part[2:].rstrip(")").partition("(")
            return any(
                name == LOOKS[operation] and re.search(pattern, json.dumps(arguments).lower())
                for name, arguments in heard.calls
            )
    asks = text.endswith("?")
    checks = {"ask": asks, "noask": bool(text) and not asks, "refuse": bool(REFUSES.search(text))}
    if part in checks:
        return checks[part]
    pattern = re.fullmatch(r"(?:say|ask)\((.*)\)", part)
    assert pattern, part
    return bool(re.search(pattern[1], text, re.IGNORECASE)) and (asks or part.startswith("say"))


def _body(part: str) -> str:
    return part[part.index("[") + 1 : part.rindex("]")]


def _bare(text: str) -> str:
    return re.sub(r"^(a|an|the|some) ", "", re.sub(r"[^a-z0-9 ]", "", text.lower()))


def _assigned(wants: list[str], there: list[Any], check: Any) -> bool:
    """Every want has one of its own, and none is left."""
    if len(wants) != len(there):
        return False
    return not wants or any(
        check(wants[0], one) and _assigned(wants[1:], there[:at] + there[at + 1 :], check)
        for at, one in enumerate(there)
    )


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    sizes = (86_400, 3_600, 60, 1)
    return (
        sum(int(n or 0) * size for n, size in zip(found.groups(), sizes, strict=False))
        if found
        else None
    )


def _is_named(words: list[str], name: str) -> bool:
    if words == ["*"]:
        return True
    wanted = " ".join(words).split("/") if words else [""]
    return any(_bare(name).rstrip("s") == _bare(one).rstrip("s") or one == "*" for one in wanted)


def _fits_timer(want: str, timer: dict[str, Any]) -> bool:
    first, *words = want.split()
    paused = "paused" in words
    words = [word for word in words if word != "paused"]
    lengths = [_seconds(one) for one in first.split("/")]
    return timer["s"] in lengths and timer["paused"] == paused and _is_named(words, timer["name"])


def _fits_when(words: list[str], one: dict[str, Any]) -> list[str] | None:
    """The words that say no time or day; None where the time or the days are others."""
    today, rest, days = NOW.date(), [], set()
    date: dt.date | None = None
    for word in words:
        if word.startswith("in:"):
            due = NOW + dt.timedelta(seconds=_seconds(word[3:]) or 0)
            if one["time"] != f"{due:%H:%M}":
                return None
            date = due.date()
        elif re.fullmatch(r"(\d?\d:\d\d|\*:\*)(/\d?\d:\d\d)*", word):
            if word != "*:*" and one["time"] not in [t.zfill(5) for t in word.split("/")]:
                return None
        elif word in ("weekdays", "weekend", "daily"):
            days |= set({"weekdays": DAYS[:5], "weekend": DAYS[5:], "daily": DAYS}[word])
        elif re.fullmatch(r"[a-z]{3}-[a-z]{3}", word) and word[:3] in DAYS:
            days |= set(DAYS[DAYS.index(word[:3]) : DAYS.index(word[4:]) + 1])
        elif word in DAYS:
            days.add(word)
        elif word in ("today", "tomorrow") or re.fullmatch(r"\+\d+d", word):
            ahead = {"today": 0, "tomorrow": 1}.get(word)
            date = today + dt.timedelta(int(word[1:-1]) if ahead is None else ahead)
        elif word.startswith("on:") and word[3:6] in DAYS:
            date = today + dt.timedelta((DAYS.index(word[3:6]) - today.weekday()) % 7 or 7)
            if word.endswith("+") and one["date"] == date + dt.timedelta(7):
                date = one["date"]
        elif word.startswith("on:"):
            month, day = map(int, word[3:].split("-"))
            date = dt.date(today.year + ((month, day) < (today.month, today.day)), month, day)
        else:
            rest.append(word)
    if days != set(one["days"]) or (date is not None and one["date"] != date):
        return None
    if date is None and not days and not _is_next(one):
        return None
    return rest


def _is_next(one: dict[str, Any]) -> bool:
    """Whether it is the next time that the clock shows that time."""
    time = dt.time.fromisoformat(one["time"])
    ahead = 0 if time > NOW.time() else 1
    return bool(one["date"] == NOW.date() + dt.timedelta(ahead))


def _fits_alarm(want: str, alarm: dict[str, Any]) -> bool:
    words = want.split()
    skip = "skip" in words
    rest = _fits_when([word for word in words if word != "skip"], alarm)
    return rest is not None and alarm["skip"] == skip and _is_named(rest, alarm["name"])


def _fits_reminder(want: str, reminder: dict[str, Any]) -> bool:
    text, _, when = want.partition(" @ ")
    words = re.sub(r"[^a-z0-9 ]", "", reminder["name"].lower())
    return bool(re.search(text, words)) and _fits_when(when.split(), reminder) == []


# ------------------------------------------------------------------------- other tools


def events(calls: list[tuple[str, dict[str, Any]]]) -> set[str]:
    """Calls of one of the three houses as ``light.kitchen=off``."""
    return {event for name, arguments in calls for event in _event(name, arguments)}


def _event(name: str, arguments: dict[str, Any]) -> Iterator[str]:
    if name.startswith("Get"):
        return
    words = " ".join(
        str(value[0] if isinstance(value, list) else value)
        for key, value in arguments.items()
        if key in ("device", "door", "room", "name", "area", "domain")
    ).lower()
    kinds = {
        "light": "light", "blind": "blinds", "cover": "blinds", "fan": "fan", "coffee": "coffee",
        "radio": "radio", "door": "lock", "heat": "heat", "climate": "heat", "temperature": "heat",
    }  # fmt: skip
    kind = next((k for word, k in kinds.items() if word in f"{words} {name.lower()}"), "?")
    if "domain" in arguments:
        kind = {"light": "light", "cover": "blinds", "lock": "lock", "climate": "heat"}.get(
            arguments["domain"][0], kind
        )
    room = next((one for one in (*ROOMS, "front", "back") if one in words), "")
    if kind in ("fan", "coffee", "radio"):
        room = ""
    place = f"{kind}.{room}" if room else kind
    values = [
        arguments[key]
        for key in ("brightness", "percent", "degrees", "temperature", "color")
        if key in arguments
    ]
    if values:
        yield f"{place}={values[0]}"
        return
    state = str(arguments.get("state", arguments.get("action", arguments.get("position", ""))))
    yield f"{place}={_state(kind, state, name.lower())}"


def _state(kind: str, state: str, name: str) -> str:
    verb = state or next(
        (v for v in ("unlock", "lock", "off", "on", "close", "open") if v in name), ""
    )
    if kind == "lock":
        return {"on": "locked", "lock": "locked"}.get(verb, "unlocked")
    if kind == "blinds":
        return {"on": "open", "open": "open"}.get(verb, "closed")
    return verb


def _expanded(body: str) -> set[str]:
    wanted = set()
    for one in (part.strip() for part in body.split(",")):
        places = [one.replace("*", room) for room in ROOMS] if "*" in one else [one]
        wanted |= set(places)
    return wanted


def _called(body: str, heard: Heard) -> bool:
    name, _, given = body.rstrip(")").partition("(")
    wanted = dict(part.split("=", 1) for part in given.split(";") if part)
    return any(
        call == name and {k: str(v) for k, v in arguments.items() if v is not None} == wanted
        for call, arguments in heard.other
    )


# ------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Miss:
    """A turn that came out otherwise."""

    kind: str
    said: str
    label: str
    got: str
    is_act: bool

    def __str__(self) -> str:
        act = "WRONG ACT " if self.is_act else ""
        return f"{act}[{self.kind}] {self.said!r}: wanted {self.label}, got {self.got}"


async def _play(folder: Path, group: dict[str, Any], tools: str) -> tuple[int, list[Miss]]:
    count, missed = 0, []
    declared = tomllib.loads((TOOLS / tools).read_text()) if tools else {}
    thinker = LayeredThinker(load_language(seed=1), now=lambda: NOW, chance=random.Random(1))
    for number, case in enumerate(group["cases"]):
        place = folder / f"{tools or 'own'}-{number}"
        place.mkdir(parents=True)
        household = Household(place, thinker, declared)
        await household.open()
        for sentence, label in zip(case[0::2], case[1::2], strict=True):
            words = sentence.removeprefix("! ")
            before = await household.state()
            heard = await household.say(words)
            after = await household.state()
            if not sentence.startswith("! "):
                count += 1
            if not fits(label, heard, before, after):
                got = f"{heard.calls} {heard.text!r}"
                act = is_act(heard, before, after)
                missed.append(Miss(f"{group['kind']} {tools}", words, label, got, act))
        await household.ringer.close()
        await household.store.close()
    return count, missed


TOOLS = Path(__file__).parent.parent / "data" / "household" / "tools"


def play(table: Path, folder: Path) -> tuple[int, list[Miss]]:
    """Hold all dialogues of a table; returns how many turns there were, and those missed."""
    count, missed = 0, []
    for number, group in enumerate(tomllib.loads(table.read_text(encoding="utf-8"))["group"]):
        for tools in group.get("tools") or [""]:
            turns, misses = asyncio.run(_play(folder / str(number), group, tools))
            count += turns
            missed += misses
    return count, missed

"""From commands to calls: looks at what there is first, where one of several may be meant.

Nothing is remembered between the responses of a turn: which calls are still to be made is
told by those that stand in the conversation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from device.brain.answering.choice import Chosen, Thing, choose
from device.brain.answering.history import UserTurn
from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.commands.context import Past, domain_of
from device.brain.understanding.functions import calls_for, intent_of, tools_for
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.moments import ClockTime, Moments, When
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.recognition import Slot, Understood
from device.brain.understanding.schemas import properties_of
from device.phrases.en.forms import WEEKDAYS

_CHOOSING = frozenset(
    {"cancel_timer", "extend_timer", "shorten_timer", "change_timer", "pause_timer", "resume_timer",
     "restart_timer", "cancel_alarm", "skip_alarm", "change_alarm", "cancel_reminder",
     "change_reminder"}
)  # fmt: skip
_SELECTORS = frozenset(
    {"name", "duration", "which", "superlative", "both", "other", "same_as", "at", "on_date",
     "on_days", "in_half", "after", "text"}
)  # fmt: skip
_ALWAYS_LOOKS = frozenset({"skip_alarm", "change_alarm"})
_ADDS_TIME = frozenset({"extend_timer", "shorten_timer"})

Replace = Callable[[Understood], str]
"""Says what stands in for a command that no tool is declared for."""


@dataclass
class CallPlan:
    """What is still to be called, and what is to be said with it."""

    texts: list[str] = field(default_factory=list)
    calls: list[ToolCallPiece] = field(default_factory=list)
    looks: frozenset[str] = frozenset()
    """Names of tools that were only asked for what there is."""


class Planner:
    """Makes calls of commands. Safe from several threads."""

    def __init__(self, language: Language, now: Callable[[], dt.datetime]) -> None:
        self._joiners = language.words["joiners"]
        self._moments = Moments(language.words, Quantities(language.words))
        self._now = now

    def plan(
        self,
        commands: Sequence[Understood],
        tools: Sequence[FunctionTool],
        current: UserTurn,
        past: Past,
        otherwise: Replace,
    ) -> CallPlan:
        """Return what remains to be done of the commands of a turn."""
        looks = self._looks(commands, tools)
        names = frozenset(call.name for call in looks)
        found = {
            call.name: done.facts
            for (call, _), done in zip(
                [pair for pair in current.calls if pair[1] is not None], current.done, strict=True
            )
            if call.name in names
        }
        if looks and len(found) < len(names):
            return CallPlan(calls=[call for call in looks if call.name not in found], looks=names)
        plan = CallPlan(looks=names)
        facts = {intent_of(name): value for name, value in found.items()}
        for command in commands:
            self._add(plan, command, tools, facts, past, otherwise)
        made = sum(call.name not in names for call, _ in current.calls)
        plan.calls = plan.calls[made:]
        return plan

    # ------------------------------------------------------------------ what there is

    def _looks(
        self, commands: Sequence[Understood], tools: Sequence[FunctionTool]
    ) -> list[ToolCallPiece]:
        found: dict[str, ToolCallPiece] = {}
        for command in commands:
            if not _must_look(command):
                continue
            look = Understood(f"list_{domain_of(command.intent)}s")
            for call in calls_for(look, tools, self._now(), self._joiners):
                found[call.name] = call
        return list(found.values())

    # ------------------------------------------------------------------ one command

    def _add(
        self,
        plan: CallPlan,
        command: Understood,
        tools: Sequence[FunctionTool],
        facts: Mapping[str, Mapping[str, Any]],
        past: Past,
        otherwise: Replace,
    ) -> None:
        if "calls" in command.slots:  # made already, by the reader of a house's devices
            plan.calls += command.slots["calls"]  # type: ignore[arg-type]
            return
        domain = domain_of(command.intent)
        listed = facts.get(f"list_{domain}s", {}).get(f"{domain}s")
        if command.intent in _CHOOSING and _must_look(command) and isinstance(listed, list):
            things = [thing for thing in listed if isinstance(thing, Mapping)]
            if domain == "timer" and "error" in facts.get("list_timers", {}):
                things = []
            self._of_chosen(plan, command, tools, things, otherwise)
            return
        for one in self._plain(command, past):
            self._call(plan, one, tools, otherwise)

    def _plain(self, command: Understood, past: Past) -> list[Understood]:
        """What needs no look: to the slots that the tools' parameters are filled from."""
        slots = {
            name: value for name, value in command.slots.items() if name not in ("ask", "wanted")
        }
        if command.intent == "undo":
            return [Understood("undo")] * int(str(slots.get("times", 1)))
        if command.intent == "change_timer" and "new_duration" in slots:
            slots["duration"] = slots.pop("new_duration")
        if command.intent == "list_alarms":
            slots = {}
        del past
        return [Understood(command.intent, slots)]

    def _call(
        self,
        plan: CallPlan,
        command: Understood,
        tools: Sequence[FunctionTool],
        otherwise: Replace,
    ) -> None:
        calls = calls_for(command, tools, self._now(), self._joiners)
        if not calls and command.intent == "mute":
            silent = Understood("set_volume", {"percent": 0})
            calls = calls_for(silent, tools, self._now(), self._joiners)
        if calls:
            plan.calls += calls
        else:
            plan.texts.append(otherwise(command))

    # ------------------------------------------------------------------ one of several

    def _of_chosen(
        self,
        plan: CallPlan,
        command: Understood,
        tools: Sequence[FunctionTool],
        things: Sequence[Thing],
        otherwise: Replace,
    ) -> None:
        domain = domain_of(command.intent)
        wanted = dict(command.slots)
        if command.intent in _ADDS_TIME:
            wanted.pop("duration", None)
            if "of_length" in wanted:
                wanted["duration"] = wanted.pop("of_length")
        chosen = choose(domain, things, wanted, self._moments, self._now())
        if chosen.question or chosen.nothing:
            plan.texts.append(chosen.question or chosen.nothing)
            return
        for one in self._acts(command, chosen, things, tools):
            self._call(plan, one, tools, otherwise)

    def _acts(
        self,
        command: Understood,
        chosen: Chosen,
        things: Sequence[Thing],
        tools: Sequence[FunctionTool],
    ) -> list[Understood]:
        intent, domain = command.intent, domain_of(command.intent)
        if intent.startswith("cancel") and len(chosen.places) == len(things) > 1:
            return [Understood(intent, {"all": True})]
        acts: list[Understood] = []
        # The last first: the places of the others stay what they are.
        for place in sorted(chosen.places, reverse=True):
            thing = things[place]
            identity = _identity(domain, place, things, intent, tools)
            if intent in ("change_alarm", "change_reminder"):
                acts += self._changed(command, thing, identity)
            elif intent == "skip_alarm" or (
                intent == "cancel_alarm" and "on_date" in command.slots
            ):
                acts.append(self._skipped(command, thing, identity))
            else:
                acts.append(Understood(intent, {**identity, **_own(command)}))
        return acts

    @staticmethod
    def _skipped(command: Understood, thing: Thing, identity: dict[str, Slot]) -> Understood:
        """Leave out a weekly alarm once; one that rings only once is cancelled."""
        if not thing.get("weekdays"):
            return Understood("cancel_alarm", identity)
        slots = {name: value for name, value in identity.items() if name != "weekdays"}
        date = command.slots.get("on_date")
        if isinstance(date, dt.date) and str(thing.get("date")) != date.isoformat():
            slots["when"] = When(time=_time_of(thing), date=date)
        return Understood("skip_alarm", slots)

    def _changed(
        self, command: Understood, thing: Thing, identity: dict[str, Slot]
    ) -> list[Understood]:
        """Another time for the same: the old one is cancelled, and set anew."""
        domain = domain_of(command.intent)
        when = self._new_when(command, thing)
        kept: dict[str, Slot] = {"when": when}
        if domain == "reminder":
            kept["text"] = str(thing.get("text", ""))
        elif thing.get("name"):
            kept["name"] = str(thing["name"])
        return [Understood(f"cancel_{domain}", identity), Understood(f"set_{domain}", kept)]

    def _new_when(self, command: Understood, thing: Thing) -> When:
        slots, now = command.slots, self._now()
        old = _time_of(thing)
        shift = slots.get("shift")
        if isinstance(shift, float) and old is not None:
            moment = dt.datetime.combine(now.date(), old) + dt.timedelta(seconds=shift)
            return _kept_days(When(time=moment.time()), thing, slots, now)
        new = slots["new"]
        assert isinstance(new, When), "the reader has put it there"
        if new.after_s is not None:
            return new
        clock = slots.get("new_clock")
        time = new.time
        if isinstance(clock, ClockTime) and not clock.is_certain and old is not None:
            time = next((t for t in clock.times if (t.hour < 12) == (old.hour < 12)), time)
        if time is None:
            time = old
        if new.weekdays or new.date:
            return When(time, new.date, new.weekdays)
        return _kept_days(When(time), thing, slots, now)


def _must_look(command: Understood) -> bool:
    if command.intent in _ALWAYS_LOOKS or command.intent == "change_reminder":
        return True
    if command.intent not in _CHOOSING:
        return False
    selectors = set(_SELECTORS)
    if command.intent in _ADDS_TIME:
        selectors.discard("duration")
        selectors.add("of_length")
    return bool(selectors & command.slots.keys())


def _own(command: Understood) -> dict[str, Slot]:
    """What a command says beside which one it means."""
    slots: dict[str, Slot] = {}
    if command.intent in _ADDS_TIME and "duration" in command.slots:
        slots["duration"] = command.slots["duration"]
    if "new_duration" in command.slots:
        slots["duration"] = command.slots["new_duration"]
    if "new_name" in command.slots:
        slots["new_name"] = command.slots["new_name"]
    return slots


def _time_of(thing: Thing) -> dt.time | None:
    text = str(thing.get("time", ""))
    return dt.time.fromisoformat(text[:5].zfill(5)) if ":" in text else None


def _kept_days(when: When, thing: Thing, slots: Mapping[str, Slot], now: dt.datetime) -> When:
    """Keep the days of the old one, if it was set for days and not for the next such time."""
    weekdays = thing.get("weekdays") or []
    if weekdays:
        numbers = tuple(number for number, day in enumerate(WEEKDAYS) if day.lower() in weekdays)
        return When(when.time, None, numbers)
    old, given = _time_of(thing), slots.get("given")
    date = thing.get("date")
    if not date or old is None:
        return when
    day = dt.date.fromisoformat(str(date))
    next_day = now.date() if old > now.time() else now.date() + dt.timedelta(days=1)
    named = isinstance(given, Mapping) and given.get("date")
    return When(when.time, day) if named or day != next_day else when


def _identity(
    domain: str,
    place: int,
    things: Sequence[Thing],
    intent: str,
    tools: Sequence[FunctionTool],
) -> dict[str, Slot]:
    """By what a tool knows the one at a place from all the others."""
    thing = things[place]
    if len(things) == 1 and intent != "skip_alarm":
        return {}
    if domain == "reminder":
        return {"text": str(thing.get("text", ""))}
    name = str(thing.get("name") or "")
    if name and sum(str(one.get("name")) == name for one in things) == 1:
        return {"name": name}
    slots: dict[str, Slot] = {}
    same = list(range(len(things)))
    if domain == "alarm" and (time := _time_of(thing)) is not None:
        slots["when"] = When(time=time)
        same = [at for at in same if things[at].get("time") == thing.get("time")]
        weekdays = thing.get("weekdays") or []
        if len(same) > 1 and weekdays:
            numbers = tuple(n for n, day in enumerate(WEEKDAYS) if day.lower() in weekdays)
            slots["when"] = When(time=time, weekdays=numbers)
            same = [at for at in same if things[at].get("weekdays") == weekdays]
    elif intent == "cancel_timer":
        length_s = float(thing.get("length_s") or 0)
        is_only = sum(one.get("length_s") == thing.get("length_s") for one in things) == 1
        if is_only or not _has_which(intent, tools):
            return {"duration": length_s}
    if len(same) > 1:
        at = same.index(place)
        slots["which"] = -1 if at == len(same) - 1 else at + 1
    return slots


def _has_which(intent: str, tools: Sequence[FunctionTool]) -> bool:
    fitting = tools_for(intent, tools)
    return bool(fitting) and "which" in properties_of(fitting[0].parameters)

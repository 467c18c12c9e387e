"""Reads what is to become of which device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from device.brain.understanding.commands.cover import Cover, Span
from device.brain.understanding.commands.scanning import TimeScanner
from device.brain.understanding.commands.spans import SpanReader
from device.brain.understanding.devices.house import KnownHouse
from device.brain.understanding.intents.quantities import Quantities

_MOST_NAME_WORDS = 3


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """A device as it was named."""

    kind: str = ""
    """Of ``kinds`` in the language's table; empty where only a room or a name was said."""
    room: str = ""
    """The room, or which door."""
    name: str = ""
    """What it is called, where the kind is not known: ``garden pump``."""
    is_plural: bool = False


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What is to become of the devices."""

    action: str = ""
    """``on``, ``off``, ``open``, ``closed``, ``locked``, ``unlocked``; empty with a value only."""
    targets: tuple[DeviceTarget, ...] = ()
    but: tuple[DeviceTarget, ...] = ()
    is_all: bool = False
    is_everything: bool = False
    level: int | None = None
    """Percent, of brightness or of how far a blind is open."""
    color: str = ""
    degrees: float | None = None
    wants: str = ""
    """``degrees`` or ``level`` where a change was said, but not to what."""
    later: str = ""
    """Words that say when, or for how long."""
    left: str = ""
    """Words that nothing accounts for."""
    refers_back: bool = False
    """``it``, ``that``: the device that was last spoken of."""
    stance: str = ""
    """``never``, ``asking`` or ``telling``: nothing is to be done."""


class RequestReader:
    """Reads the requests of one language; without state."""

    def __init__(
        self,
        table: Mapping[str, Any],
        quantities: Quantities,
        spans: SpanReader,
        scanner: TimeScanner,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._table = table
        self._quantities = quantities
        self._spans = spans
        self._scanner = scanner
        self._now = now
        self._kinds: dict[str, tuple[str, bool]] = {}
        for kind, forms in table["kinds"].items():
            self._kinds |= {str(word): (str(kind), False) for word in forms["one"]}
            self._kinds |= {str(word): (str(kind), True) for word in forms["many"]}

    def read(self, cover: Cover, house: KnownHouse) -> DeviceRequest | None:
        """Return what is requested; None where no device, room, or change of one is named."""
        for stance in ("never", "telling", "asking"):
            if cover.starts_with(stance):
                named = self.targets(cover.copy(), house)
                return DeviceRequest(targets=named, stance=stance) if named else None
        found = self._values(cover, DeviceRequest())
        later = self._later(cover)
        action = self._action(cover)
        but = self._but(cover, house)
        targets = self.targets(cover, house)
        is_everything = not targets and bool(cover.take("every_kind"))
        if not action and not (
            found.level is not None or found.color or found.wants or found.degrees is not None
        ):
            return None
        is_all = bool(cover.take_all("all")) or is_everything
        back = bool(cover.take("it")) if not targets and not is_all else False
        name = "" if targets or is_all or back else self._name(cover)
        if name:
            targets = (DeviceTarget(name=name),)
        cover.take_all("again")
        cover.take_all("bare")
        cover.take_all("asides")
        return replace(
            found,
            action=action,
            targets=targets,
            but=but,
            is_all=is_all,
            is_everything=is_everything,
            later=later,
            left=cover.rest("glue"),
            refers_back=back,
        )

    # ------------------------------------------------------------------ what with it

    def _values(self, cover: Cover, request: DeviceRequest) -> DeviceRequest:
        """Numbers and colours, and what they are of."""
        request = self._wanting(cover, request)
        if span := cover.take("colors"):
            request = replace(request, color=" ".join(cover.tokens[span[0] : span[1]]))
        is_heat = bool(cover.take_all("heat"))
        is_level = bool(cover.take_all("level"))
        number = self._number(cover)
        if number is None and (span := cover.take("half")):
            number = Decimal(self._table["half"][" ".join(cover.tokens[span[0] : span[1]])])
            is_level = True
        if number is None:
            if is_level and not request.color:
                return replace(request, wants="level")
            return replace(request, wants=request.wants or ("degrees" if is_heat else ""))
        kinds = {self._kinds[word][0] for word in cover.tokens if word in self._kinds}
        if is_heat or ("heating" in kinds and not is_level):
            return replace(request, degrees=float(number), wants="")
        return replace(request, level=int(number), wants="")

    def _wanting(self, cover: Cover, request: DeviceRequest) -> DeviceRequest:
        if cover.take("warmer"):
            return replace(request, wants="degrees")
        if cover.take("brighter"):
            return replace(request, wants="level")
        return request

    def _number(self, cover: Cover) -> Decimal | None:
        spans = [(span.start, span.end) for span in self._spans.find(cover.tokens)]
        for at in range(len(cover.tokens)):
            if any(start <= at < end for start, end in spans) or cover.used[at]:
                continue
            if cover.tokens[at - 1 : at] == ["at"]:
                continue  # a time, if anything
            read = self._quantities.number_at(cover.tokens, at)
            if read and not any(cover.used[at : read[1]]) and cover.tokens[at] != "one":
                cover.mark((at, read[1]))
                cover.take_all("level")
                cover.take_all("heat")
                return read[0]
        return None

    def _later(self, cover: Cover) -> str:
        """When, or for how long: no tool here can do that."""
        pieces = [
            p
            for p in self._scanner.scan(cover.tokens, self._now().date())
            if not any(cover.used[p.start : p.end])
        ]
        spans = [s for s in self._spans.find(cover.tokens) if not any(cover.used[s.start : s.end])]
        places = [(p.start, p.end) for p in pieces] + [(s.start, s.end) for s in spans]
        if not places:
            return ""
        start, end = min(p[0] for p in places), max(p[1] for p in places)
        if start and cover.tokens[start - 1] in ("for", "in", "at", "after", "until"):
            start -= 1
        for place in places:
            cover.mark(place)
        cover.mark((start, start + 1))
        return cover.words((start, end))

    # ------------------------------------------------------------------ which direction

    def _action(self, cover: Cover) -> str:
        """The one direction that was said; empty where there is none, or two."""
        found: dict[str, Span] = {}
        for action in self._table["actions"]:
            for span in cover.every("actions", str(action)):
                if span[1] - span[0] == 1 and not self._is_particle(cover, span):
                    continue
                found.setdefault(str(action), span)
        longest = max((end - start for start, end in found.values()), default=0)
        strong = (
            {a: s for a, s in found.items() if s[1] - s[0] == longest} if longest > 1 else found
        )
        verbs = {a: s for a, s in strong.items() if s[0] == 0}
        chosen = verbs if len(strong) > 1 and len(verbs) == 1 else strong
        if len(chosen) != 1:
            return ""
        action, span = next(iter(chosen.items()))
        if len(found) > len(strong) and longest > 1:
            # "turn on the light in the bathroom off" says both.
            others = {a for a, s in found.items() if a not in strong}
            if action in ("on", "off") and {"on", "off"} - {action} <= others:
                return ""
        for place in list(cover.every("actions", action)):
            cover.mark(place)
        return action

    def _is_particle(self, cover: Cover, span: Span) -> bool:
        """Whether a short word says a direction here, or only holds words together."""
        word = cover.tokens[span[0]]
        if word not in ("on", "off", "up", "down", "out", "draw"):
            return True
        if span[1] == len(cover.tokens):
            return True
        ahead = cover.tokens[span[1]]
        follows_verb = span[0] > 0 and cover.tokens[span[0] - 1] in cover.lexicon.phrases("bare")
        return (
            follows_verb
            or (
                ahead in ("please", ",", "again", "and", "in", "for", "at", "except", "but")
                and word != "on"
            )
            or (word == "on" and ahead in ("please", ",", "again", "in", "and"))
        )

    # ------------------------------------------------------------------ which devices

    def _but(self, cover: Cover, house: KnownHouse) -> tuple[DeviceTarget, ...]:
        span = cover.find("but")
        if span is None:
            return ()
        tail = Cover(
            cover.tokens, cover.utterance, cover.lexicon, [True] * span[1] + cover.used[span[1] :]
        )
        targets = self.targets(tail, house)
        if not targets:
            return ()
        cover.used = [
            a or (b and at >= span[1])
            for at, (a, b) in enumerate(zip(cover.used, tail.used, strict=True))
        ]
        cover.mark(span)
        return targets

    def targets(self, cover: Cover, house: KnownHouse) -> tuple[DeviceTarget, ...]:
        """Account for the devices; a room and a kind belong together where they meet."""
        mentions = self._mentions(cover, house)
        targets: list[DeviceTarget] = []
        pending: list[str] = []
        last_kind: tuple[str, bool] | None = None
        for what, value, plural in mentions:
            if what == "device":
                targets.append(DeviceTarget(name=value, kind=house.kind_of(value)))
            elif what == "room":
                pending.append(value)
            else:
                rooms = pending or [""]
                targets += [DeviceTarget(value, room, is_plural=plural) for room in rooms]
                pending, last_kind = [], (value, plural)
        if pending and last_kind:
            kind, plural = last_kind
            if targets and not targets[-1].room and targets[-1].kind == kind:
                targets.pop()
            targets += [DeviceTarget(kind, room, is_plural=plural) for room in pending]
        elif pending:
            targets += [DeviceTarget(room=room) for room in pending]
        return tuple(dict.fromkeys(targets))

    def _mentions(self, cover: Cover, house: KnownHouse) -> list[tuple[str, str, bool]]:
        found: list[tuple[str, str, bool]] = []
        at = 0
        while at < len(cover.tokens):
            step = 1
            for size in (3, 2, 1):
                words = " ".join(cover.tokens[at : at + size])
                if at + size > len(cover.tokens) or any(cover.used[at : at + size]):
                    continue
                if read := self._mention(words, cover.tokens, at + size, house):
                    cover.mark((at, at + size))
                    found.append(read)
                    step = size
                    break
            at += step
        return found

    def _mention(
        self, words: str, tokens: list[str], after: int, house: KnownHouse
    ) -> tuple[str, str, bool] | None:
        if words in house.other_devices:
            return "device", words, False
        is_door = tokens[after : after + 1] in (["door"], ["doors"])
        if words in self._table["doors"] and (is_door or words in house.doors):
            return "room", words, False
        if words in self._kinds:
            kind, plural = self._kinds[words]
            return "kind", kind, plural
        if words in house.rooms or words in self._table["rooms"]:
            return "room", words, False
        return None

    def _name(self, cover: Cover) -> str:
        """A device that nobody told of: the free words between verb and end."""
        trial = cover.copy()
        trial.take_all("bare")
        trial.take_all("asides")
        runs = [
            run
            for run in trial.runs()
            if any(t not in cover.lexicon.phrases("glue") for t in trial.tokens[run[0] : run[1]])
        ]
        if len(runs) != 1:
            return ""
        start, end = runs[0]
        while start < end and cover.tokens[start] in cover.lexicon.phrases("glue"):
            start += 1
        while end > start and cover.tokens[end - 1] in cover.lexicon.phrases("glue"):
            end -= 1
        if not 0 < end - start <= _MOST_NAME_WORDS:
            return ""
        cover.mark((start, end))
        return " ".join(cover.tokens[start:end])

"""Reads a command about devices, and makes it calls of the tools that a session declares."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.commands.cover import Cover, Lexicon, tokens_of
from device.brain.understanding.commands.outcome import (
    Act,
    Cannot,
    Confirm,
    Lacking,
    Leave,
    Outcome,
    Unclear,
)
from device.brain.understanding.commands.reader import CommandReader
from device.brain.understanding.devices.fitting import calls_of, rooms_with
from device.brain.understanding.devices.house import KnownHouse, house_of
from device.brain.understanding.devices.request import DeviceRequest, DeviceTarget, RequestReader
from device.brain.understanding.functions import is_known_kind
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.recognition import Understood


class DeviceReader:
    """Reads the device commands of one language. Safe from several threads."""

    def __init__(
        self, language: Language, commands: CommandReader, now: Callable[[], dt.datetime]
    ) -> None:
        self._language = language
        self._commands = commands
        self._table = language.devices
        table = {**language.devices, "asides": language.commands["asides"],
                 "spellings": language.commands["spellings"]}  # fmt: skip
        self._lexicon = Lexicon(table)
        self._requests = RequestReader(
            table, commands.quantities, commands.spans, commands.scanner, now
        )

    def read(
        self,
        utterance: str,
        tools: Sequence[FunctionTool],
        instructions: str,
        before: DeviceRequest | None = None,
    ) -> tuple[Outcome, DeviceRequest] | None:
        """Return what comes of it, and what was requested; None where it is about no device.

        ``before`` is what was last requested: "it" is its device, "and the hall light" has
        its action.
        """
        others = [tool for tool in tools if not is_known_kind(tool.name)]
        if not others:
            return None
        house = house_of(instructions, others, self._table)
        tokens = self._commands.without_ends(tokens_of(utterance, self._lexicon))
        if not tokens:
            return None
        request = self._requests.read(Cover(tokens, utterance, self._lexicon), house)
        if request is None and before is not None:
            request = self._carried(tokens, utterance, house, before)
        if request is None or not self._is_ours(request, house, others):
            return None
        if request.refers_back and not (request.wants and before is None):
            if before is None:
                return None
            request = replace(request, targets=before.targets, is_all=before.is_all, but=before.but)
        return self._outcome(request, utterance, others, house), request

    def _carried(
        self, tokens: list[str], utterance: str, house: KnownHouse, before: DeviceRequest
    ) -> DeviceRequest | None:
        """``and the hall light``: what was done before, with another device."""
        cover = Cover(tokens, utterance, self._lexicon)
        targets = self._requests.targets(cover, house)
        cover.take_all("asides")
        if not targets or cover.rest("glue"):
            return None
        kind = before.targets[0].kind if before.targets else ""
        named = tuple(replace(one, kind=one.kind or kind) for one in targets)
        return replace(before, targets=named, but=(), is_all=False)

    def _is_ours(
        self, request: DeviceRequest, house: KnownHouse, tools: Sequence[FunctionTool]
    ) -> bool:
        """Whether devices are spoken of that these tools may be for."""
        if request.targets and all(not one.kind and not one.room for one in request.targets):
            named = [word for one in request.targets for word in one.name.split()]
            if not any(word in house.words for word in named):
                return house.is_told and request.action in ("on", "off")
        if request.wants and not request.targets:
            return any(
                "temperature" in tool.name.lower()
                or "heat" in tool.name.lower()
                or "light" in tool.name.lower()
                for tool in tools
            )
        return bool(request.targets or request.is_all or request.refers_back)

    # ------------------------------------------------------------------ what comes of it

    def _outcome(
        self,
        request: DeviceRequest,
        utterance: str,
        tools: Sequence[FunctionTool],
        house: KnownHouse,
    ) -> Outcome:
        match request.stance:
            case "never":
                return Leave()
            case "telling":
                return Leave()
            case "asking":
                return Cannot("state_unknown")
        if request.left:
            is_direction = any(
                request.left in self._lexicon.phrases("actions", str(action))
                for action in self._table["actions"]
            )
            return Unclear("" if is_direction else request.left, "device")
        if request.later:
            return Cannot("not_later")
        if request.but and not request.is_all and not any(one.is_plural for one in request.targets):
            return Unclear(self._called(request.but[0]), "device")
        if request.wants:
            key = "degrees" if request.wants == "degrees" else "level"
            return Lacking(Understood("device"), key, utterance)
        if request.is_everything:
            return Unclear("everything", "device")
        return self._of_targets(request, utterance, tools, house)

    def _of_targets(
        self,
        request: DeviceRequest,
        utterance: str,
        tools: Sequence[FunctionTool],
        house: KnownHouse,
    ) -> Outcome:
        targets: list[DeviceTarget] = []
        question: Outcome | None = None
        for target in (self._with_kind(one, request) for one in request.targets):
            if not self._is_there(target, house, tools):
                return Cannot("no_device", {"device": self._called(target)})
            rooms = (
                list(dict.fromkeys(rooms_with(target.kind, house, tools, self._table["kinds"])))
                if target.kind in self._table["in_rooms"]
                else []
            )
            if target.room or not rooms or len(rooms) == 1:
                targets.append(target)
            elif request.is_all or (target.is_plural and question is None):
                out = {one.room for one in request.but}
                targets += [replace(target, room=room) for room in rooms if room not in out]
                if not request.is_all:
                    question = Lacking(Understood("device"), "room", utterance)
            elif target.kind == "heating" and request.degrees is not None:
                targets.append(target)
            else:
                return Lacking(
                    Understood("device"), "door" if target.kind == "door" else "room", utterance
                )
        calls: list[ToolCallPiece] = []
        for target in targets:
            made = calls_of(request, target, tools, house, self._table["kinds"])
            if not made:
                return Cannot("cannot_device")
            calls += made
        if not calls:
            return Unclear("", "device")
        commands = (Understood("device", {"calls": calls}),)
        if question is not None:
            kind = self._table["kinds"][request.targets[0].kind]
            noun = (kind["many"] or kind["one"][-1:])[0]
            return Confirm(commands, "all_devices", {"devices": str(noun)})
        return Act(commands)

    def _with_kind(self, target: DeviceTarget, request: DeviceRequest) -> DeviceTarget:
        """A room alone: its light where it is dimmed or coloured, its heating by degrees."""
        if target.kind or target.name:
            return target
        if request.degrees is not None:
            return replace(target, kind="heating")
        if request.level is not None or request.color:
            return replace(target, kind="light")
        if request.action in ("locked", "unlocked"):
            return replace(target, kind="door")
        return target

    def _is_there(
        self, target: DeviceTarget, house: KnownHouse, tools: Sequence[FunctionTool]
    ) -> bool:
        """Whether such a device is known here, as far as anything was told."""
        del tools
        if target.name:
            words = [word for word in target.name.split() if len(word) > 1]
            if target.name in house.other_devices:
                return True
            return all(word in house.words for word in words) or not house.is_told
        if not target.kind:
            return False
        if not house.is_told:
            return True
        if target.room:
            known = house.doors if target.kind == "door" else house.rooms
            return target.room in known
        kind: Any = self._table["kinds"][target.kind]
        return any(
            set(str(word).split()) <= house.words
            for word in (*kind["one"], *kind["many"], *kind["tool"])
            if word not in ("switch", "device")
        )

    def _called(self, target: DeviceTarget) -> str:
        noun = str(self._table["kinds"][target.kind]["one"][0]) if target.kind else ""
        if target.kind == "blinds":
            noun = "blinds"
        return target.name or " ".join(part for part in (target.room, noun) if part)

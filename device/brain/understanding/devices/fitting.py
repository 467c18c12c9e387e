"""Expresses a request in the tools that a session declares, by their schemas alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from device.brain.base.abilities import FunctionTool, ToolCallPiece
from device.brain.understanding.devices.house import KnownHouse
from device.brain.understanding.devices.request import DeviceRequest, DeviceTarget
from device.brain.understanding.functions import is_known_kind, words_of
from device.brain.understanding.intents.normal import normal
from device.brain.understanding.schemas import Schema, fault_in, properties_of, required_of

_OPPOSITE = {"on": "off", "off": "on", "open": "closed", "closed": "open",
             "locked": "unlocked", "unlocked": "locked"}  # fmt: skip
# Words of a tool's name, or of a value that it takes, for each action.
_VERBS: Mapping[str, frozenset[str]] = {
    "on": frozenset({"on", "activate", "enable"}),
    "off": frozenset({"off", "deactivate", "disable"}),
    "open": frozenset({"open", "opened", "raise"}),
    "closed": frozenset({"close", "closed", "shut", "lower"}),
    "locked": frozenset({"lock", "locked"}),
    "unlocked": frozenset({"unlock", "unlocked"}),
}
_ROOM = re.compile(r"^(room|area|location|place|zone|which_room)(_name)?$")
_DEVICE = re.compile(
    r"^(device|name|entity|target|light|lamp|blind|blinds|cover|curtain|door|lock|switch|item"
    r"|appliance|entity_id|which)(_name)?$"
)
_STATE = re.compile(r"^(state|position|action|mode|command|power|status|on|value|operation)$")
_LEVEL = re.compile(r"^(brightness|percent|level|dim|brightness_pct|brightness_percent|intensity)$")
_POSITION = re.compile(r"^(position|percent|level)$")
_COLOR = re.compile(r"^(colou?r|colou?r_name)$")
_DEGREES = re.compile(r"^(degrees|temperature|target|target_temperature|celsius)$")
_DOMAIN = re.compile(r"^domains?$")


class DoesNotExpressError(Exception):
    """A tool cannot say all of a request."""


def calls_of(
    request: DeviceRequest,
    target: DeviceTarget,
    tools: Sequence[FunctionTool],
    house: KnownHouse,
    kinds: Mapping[str, Any],
) -> list[ToolCallPiece]:
    """Return the call that does it, of the tool that is most nearly made for it; or none."""
    found: list[tuple[int, ToolCallPiece]] = []
    for tool in tools:
        if is_known_kind(tool.name):
            continue
        try:
            arguments, score = _Expression(request, target, tool, house, kinds).arguments()
        except DoesNotExpressError:
            continue
        found.append((score, ToolCallPiece(tool.name, json.dumps(arguments, ensure_ascii=False))))
    found.sort(key=lambda one: -one[0])
    return [found[0][1]] if found else []


class _Expression:
    """One request in one tool."""

    def __init__(
        self,
        request: DeviceRequest,
        target: DeviceTarget,
        tool: FunctionTool,
        house: KnownHouse,
        kinds: Mapping[str, Any],
    ) -> None:
        self._request = request
        self._target = target
        self._tool = tool
        self._house = house
        self._kinds = kinds
        self._named = words_of(tool.name)
        self._about = normal(tool.description)
        self._properties = properties_of(tool.parameters)
        self._arguments: dict[str, Any] = {}
        self._score = 0

    def arguments(self) -> tuple[dict[str, Any], int]:
        """Fill the parameters; raises `DoesNotExpressError`."""
        self._fit_kind()
        self._put_action()
        self._put_values()
        self._put_target()
        missing = [
            name for name in required_of(self._tool.parameters) if name not in self._arguments
        ]
        if missing or fault_in(self._arguments, self._tool.parameters):
            raise DoesNotExpressError
        return self._arguments, self._score

    # ------------------------------------------------------------------ is it for that

    def _fit_kind(self) -> None:
        """Whether the tool is for such devices, by its name, its words or its values."""
        kind = self._target.kind
        named = set(self._named)
        own = set(map(str, self._kinds[kind]["tool"])) if kind in self._kinds else set()
        others = (
            {
                str(word)
                for other, forms in self._kinds.items()
                if other != kind
                for word in forms["tool"]
            }
            - own
            - {"switch", "device", "position"}
        )
        if others & named:
            raise DoesNotExpressError
        if own & named:
            self._score += 2

    # ------------------------------------------------------------------ what to do

    def _put_action(self) -> None:
        action, request = self._request.action, self._request
        if request.degrees is not None or (
            not action and (request.level is not None or request.color)
        ):
            if self._directions() and not self._state_parameter():
                raise DoesNotExpressError  # "switch on" sets no brightness
            self._put_state("on")
            return
        directions = self._directions()
        if directions:
            if action not in directions:
                raise DoesNotExpressError
            self._score += 2
            return
        if not self._put_state(action):
            raise DoesNotExpressError

    def _directions(self) -> frozenset[str]:
        """The actions that the tool's name itself stands for."""
        named = set(self._named)
        if self._state_parameter():
            return frozenset()
        found = {action for action, verbs in _VERBS.items() if verbs & named}
        if "on" in found and named & {"turn", "hass"}:
            found |= self._also(("open", "locked"), "on")
        if "off" in found and named & {"turn", "hass"}:
            found |= self._also(("closed", "unlocked"), "off")
        return frozenset(found)

    def _also(self, actions: Sequence[str], own: str) -> set[str]:
        """What a tool says that it does beside its name: "turns on/opens", "a 'lock' action"."""
        del own
        stems = {"open": "open", "closed": "clos", "locked": "lock", "unlocked": "unlock"}
        return {action for action in actions if re.search(rf"\b{stems[action]}", self._about)}

    def _state_parameter(self) -> str:
        for name, part in self._properties.items():
            if not _STATE.match(name):
                continue
            if part.get("type") == "boolean":
                return name
            values = {str(value).lower() for value in part.get("enum") or ()}
            if any(verbs & values for verbs in _VERBS.values()):
                return name
        return ""

    def _put_state(self, action: str) -> bool:
        name = self._state_parameter()
        if not name:
            return False
        part = self._properties[name]
        if part.get("type") == "boolean":
            if action not in ("on", "off"):
                return False
            self._arguments[name] = action == "on"
            return True
        for value in part["enum"]:
            if str(value).lower() in _VERBS[action]:
                self._arguments[name] = value
                self._score += 2
                return True
        return False

    # ------------------------------------------------------------------ numbers, colours

    def _put_values(self) -> None:
        request = self._request
        if request.level is not None:
            blinds = self._target.kind == "blinds"
            self._put(_POSITION if blinds else _LEVEL, request.level)
        if request.color:
            self._put(_COLOR, request.color)
        if request.degrees is not None:
            whole = request.degrees == int(request.degrees)
            self._put(_DEGREES, int(request.degrees) if whole else request.degrees)

    def _put(self, names: re.Pattern[str], value: Any) -> None:
        for name, part in self._properties.items():
            is_free = name not in self._arguments and names.match(name)
            if is_free and not part.get("enum") and fault_in(value, part) is None:
                self._arguments[name] = value
                return
            choice = _choice(part, str(value)) if is_free else None
            if choice is not None:
                self._arguments[name] = choice
                return
        raise DoesNotExpressError

    # ------------------------------------------------------------------ which one

    def _put_target(self) -> None:
        target = self._target
        if (listed := self._listed()) and self._put_listed(listed):
            return
        rooms = [name for name in self._properties if _ROOM.match(name)]
        devices = [
            name for name in self._properties if _DEVICE.match(name) and name not in self._arguments
        ]
        if rooms and target.kind and not target.name:
            if target.room:
                self._put_word(rooms[0], target.room)
            elif rooms[0] in required_of(self._tool.parameters):
                raise DoesNotExpressError
            if devices and devices[0] in required_of(self._tool.parameters):
                self._put_word(devices[0], self._called(with_room=False))
            elif not self._says_kind():
                self._put_domain()
            return
        if not devices:
            if target.room or target.name or not self._says_kind():
                raise DoesNotExpressError
            return
        self._put_word(devices[0], self._called(with_room=True))

    def _says_kind(self) -> bool:
        """Whether the tool's name or description says which kind of device it is for."""
        kind = self._target.kind
        words = {str(word) for word in self._kinds[kind]["tool"]} if kind in self._kinds else set()
        return bool((words - {"switch", "device"}) & {*self._named, *self._about.split()})

    def _called(self, with_room: bool) -> str:
        target = self._target
        if target.name:
            return target.name
        noun = str(self._kinds[target.kind]["one"][0]) if target.kind in self._kinds else ""
        if target.kind == "blinds":
            noun = "blinds"
        return " ".join(part for part in (target.room if with_room else "", noun) if part)

    def _put_word(self, name: str, word: str) -> None:
        part = self._properties[name]
        if "enum" not in part:
            if part.get("type") not in (None, "string"):
                raise DoesNotExpressError
            self._arguments[name] = word
            self._score += 1
            return
        choice = _choice(part, word)
        if choice is None:
            raise DoesNotExpressError
        self._arguments[name] = choice
        self._score += 2

    def _listed(self) -> str:
        """The name of the device in the session's overview, where there is one like it."""
        target = self._target
        domain = str(self._kinds[target.kind]["domain"]) if target.kind in self._kinds else ""
        for device in self._house.devices:
            name = normal(device.name)
            if target.name and name == target.name:
                return device.name
            if not domain or device.domain != domain:
                continue
            if not target.room and (target.kind == "door" or self._is_only(domain)):
                return device.name
            if target.room and (target.room in name or target.room == normal(device.area)):
                return device.name
        return ""

    def _is_only(self, domain: str) -> bool:
        return sum(device.domain == domain for device in self._house.devices) == 1

    def _put_listed(self, listed: str) -> bool:
        """Call a listed device by its name, with its domain where the tool takes one."""
        if "name" not in self._properties or (
            not any(map(_DOMAIN.match, self._properties))
            and not any(map(_ROOM.match, self._properties))
        ):
            return False
        self._arguments["name"] = listed
        device = next(one for one in self._house.devices if one.name == listed)
        if device.domain:
            self._put_domain(device.domain)
        self._score += 2
        return True

    def _put_domain(self, domain: str = "") -> None:
        kind = self._target.kind
        domain = domain or (str(self._kinds[kind]["domain"]) if kind in self._kinds else "")
        for name, part in self._properties.items():
            if _DOMAIN.match(name) and domain:
                value: Any = [domain] if part.get("type") == "array" else domain
                if fault_in(value, part) is None:
                    self._arguments[name] = value
                return


def _choice(part: Schema, word: str) -> Any:
    """The member of an enumeration that a word names."""
    for value in part.get("enum") or ():
        said = normal(str(value).replace("_", " "))
        if said == word or (said in word.split() and len(said) > 2) or word == said.rstrip("s"):
            return value
    return None


def opposite(action: str) -> str:
    """The other direction."""
    return _OPPOSITE.get(action, "")


def rooms_with(
    kind: str, house: KnownHouse, tools: Sequence[FunctionTool], kinds: Mapping[str, Any]
) -> Iterator[str]:
    """The rooms (or doors) in which there is such a device, as far as is told."""
    if kind == "door":
        yield from sorted(house.doors)
        return
    domain = str(kinds[kind]["domain"])
    if house.devices:
        yield from (
            normal(device.area)
            for device in house.devices
            if device.domain == domain and device.area
        )
        return
    for tool in tools:
        words = set(map(str, kinds[kind]["tool"])) & set(words_of(tool.name))
        for name, part in properties_of(tool.parameters).items():
            if words and _ROOM.match(name) and part.get("enum"):
                yield from (normal(str(value)) for value in part["enum"])
                return
    yield from sorted(house.rooms)

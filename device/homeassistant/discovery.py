"""What Home Assistant is told of the appliance: its entities, as MQTT discovery wants them.

One message describes the whole device (``homeassistant/device/ID/config``, Home Assistant 2024.12
and newer). Pure: topics and payloads, no broker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ONLINE, OFFLINE = "online", "offline"
ON, OFF = "ON", "OFF"
UNKNOWN = "None"
"""What a sensor's state is told to be when there is none."""
EVENTS = ("wake_word", "button", "timer_finished")
SENSITIVITIES = ("low", "normal", "high")
STATES = (
    "idle", "connecting", "listening", "thinking", "speaking", "follow_up", "muted", "faulted",
)  # fmt: skip
"""Those of ``assistant/states.py``; a test holds them together."""
LONGEST_STATE = 255
"""Characters of a state; Home Assistant refuses a longer one."""


class Entity(StrEnum):
    """One of the device's entities: the last part of its topics and of its unique id."""

    MUTE = "mute"
    VOLUME = "volume"
    STATE = "state"
    SENSITIVITY = "sensitivity"
    NEXT_TIMER = "next_timer"
    HEARD = "heard"
    SAY = "say"
    ASK = "ask"
    STOP = "stop"
    MICROPHONE = "microphone"
    ANSWERS = "answers"
    STORE = "store"
    BUDGET = "budget"
    FIRMWARE = "firmware"
    QUESTION = "question"
    ANSWER = "answer"


_PROBLEM = {
    "platform": "binary_sensor", "device_class": "problem", "entity_category": "diagnostic",
}  # fmt: skip

COMPONENTS: Mapping[Entity, Mapping[str, object]] = {
    Entity.MUTE: {"platform": "switch", "name": "Microphone mute", "icon": "mdi:microphone-off"},
    Entity.VOLUME: {
        "platform": "number", "name": "Volume", "icon": "mdi:volume-high",
        "min": 0, "max": 100, "step": 1, "mode": "slider", "unit_of_measurement": "%",
    },
    Entity.STATE: {
        "platform": "sensor", "name": "State", "icon": "mdi:account-voice",
        "device_class": "enum", "options": list(STATES),
    },
    Entity.SENSITIVITY: {
        "platform": "select", "name": "Wake word sensitivity", "icon": "mdi:ear-hearing",
        "options": list(SENSITIVITIES), "entity_category": "config",
    },
    Entity.NEXT_TIMER: {"platform": "sensor", "name": "Next timer", "device_class": "timestamp"},
    Entity.HEARD: {
        "platform": "event", "name": "Heard", "icon": "mdi:bell-ring-outline",
        "event_types": list(EVENTS),
    },
    Entity.SAY: {"platform": "notify", "name": "Announce"},
    Entity.ASK: {"platform": "text", "name": "Ask", "max": LONGEST_STATE},
    Entity.STOP: {"platform": "button", "name": "Stop", "icon": "mdi:stop"},
    Entity.MICROPHONE: {**_PROBLEM, "name": "Microphone"},
    Entity.ANSWERS: {**_PROBLEM, "name": "Answers"},
    Entity.STORE: {**_PROBLEM, "name": "Timers and lists"},
    Entity.BUDGET: {**_PROBLEM, "name": "Budget"},
    Entity.FIRMWARE: {"platform": "update", "name": "Firmware", "device_class": "firmware"},
    Entity.QUESTION: {"platform": "sensor", "name": "Last question"},
    Entity.ANSWER: {"platform": "sensor", "name": "Last answer"},
}  # fmt: skip
"""What each is, without its topics and its unique id."""

COMMANDS = frozenset(
    {Entity.MUTE, Entity.VOLUME, Entity.SENSITIVITY, Entity.SAY, Entity.ASK, Entity.STOP}
)
"""Those that take orders."""
STATELESS = frozenset({Entity.SAY, Entity.ASK, Entity.STOP})
"""Those that have no state to be told."""
PRIVATE = frozenset({Entity.QUESTION, Entity.ANSWER})
"""What was said: offered only where the owner says so."""


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """Who the device is, and what of it is offered."""

    identifier: str
    """Of letters, digits, ``_`` and ``-``; no two devices at a broker have the same."""
    version: str
    area: str = ""
    """The room it stands in; Home Assistant proposes it to who adds the device."""
    may_ask: bool = False
    has_transcripts: bool = False
    prefix: str = "homeassistant"
    """Where Home Assistant looks for devices."""

    @property
    def left_out(self) -> frozenset[Entity]:
        """The entities that are not offered."""
        left_out = frozenset[Entity]() if self.may_ask else frozenset({Entity.ASK})
        return left_out if self.has_transcripts else left_out | PRIVATE

    @property
    def offered(self) -> tuple[Entity, ...]:
        """The others, in order."""
        return tuple(each for each in Entity if each not in self.left_out)

    @property
    def config_topic(self) -> str:
        """Where the device is described; an empty message there removes it."""
        return f"{self.prefix}/device/{self.identifier}/config"

    @property
    def birth_topic(self) -> str:
        """Where Home Assistant says that it has come, or gone."""
        return f"{self.prefix}/status"

    @property
    def availability_topic(self) -> str:
        """Where it stands whether the device is there."""
        return f"bittern/{self.identifier}/availability"

    def state_topic(self, entity: Entity) -> str:
        """Where the state of an entity stands."""
        return f"bittern/{self.identifier}/{entity}"

    def attributes_topic(self, entity: Entity) -> str:
        """Where more about its state stands, as a JSON object."""
        return f"bittern/{self.identifier}/{entity}/attributes"

    def command_topic(self, entity: Entity) -> str:
        """Where an entity is given orders."""
        return f"bittern/{self.identifier}/{entity}/set"

    @property
    def all_commands(self) -> str:
        """A filter for all of those topics."""
        return f"bittern/{self.identifier}/+/set"


def discovery(card: DeviceCard) -> str:
    """The message that describes the device, as JSON.

    An entity that is not offered is named with its platform alone: that removes one that
    was offered before.
    """
    components: dict[str, object] = {}
    for entity, what in COMPONENTS.items():
        if entity in card.left_out:
            components[entity] = {"platform": what["platform"]}
        else:
            components[entity] = {**what, **_places(card, entity)}
    device = {
        "identifiers": [card.identifier],
        "name": "Bittern",
        "manufacturer": "Bittern",
        "model": "Voice appliance",
        "sw_version": card.version,
    }
    if card.area:
        device["suggested_area"] = card.area
    return json.dumps(
        {
            "device": device,
            "origin": {"name": "bittern", "sw_version": card.version},
            "availability": [{"topic": card.availability_topic}],
            "components": components,
        }
    )


def _places(card: DeviceCard, entity: Entity) -> dict[str, object]:
    places: dict[str, object] = {"unique_id": f"{card.identifier}_{entity}"}
    if entity not in STATELESS:
        places["state_topic"] = card.state_topic(entity)
    if entity in COMMANDS:
        places["command_topic"] = card.command_topic(entity)
    if entity is Entity.NEXT_TIMER or entity in PRIVATE:
        places["json_attributes_topic"] = card.attributes_topic(entity)
    return places

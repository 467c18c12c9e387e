"""What the owner forbids is neither offered to a model nor done for one."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from device.errors import BitternError
from device.settings.load import load_settings
from device.tools.policy import ToolPolicy
from device.tools.registry import Registry


class House:
    """Two tools of a household, and what was done with them."""

    def __init__(self, *deny: str) -> None:
        self.done: list[str] = []
        self.registry = Registry(policy=ToolPolicy(deny))
        self.registry.add(self.clear_list)
        self.registry.add(self.turn_on)

    def clear_list(self, list_name: str = "shopping") -> None:
        """Clear a list.

        Args:
            list_name: Which one.
        """
        self.done.append(f"cleared {list_name}")

    def turn_on(self, entities: list[str], percent: int = 100) -> None:
        """Turn things on.

        Args:
            entities: Which ones.
            percent: How much.
        """
        self.done.append(f"{entities} {percent}")

    def offered(self) -> list[str]:
        return [tool["name"] for tool in self.registry.tools()]

    async def call(self, name: str, **arguments: object) -> dict[str, object]:
        outcome = await self.registry.run(name, json.dumps(arguments), f"{name} {arguments}")
        facts = json.loads(outcome.output_json)
        assert isinstance(facts, dict)
        return facts


@pytest.mark.parametrize("rule", ["clear_list", "clear_*", "clear_lis?"])
async def test_a_forbidden_tool_is_not_offered_and_not_run(
    rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house = House(rule)
    assert house.offered() == ["turn_on"]
    facts = await house.call("clear_list")
    assert house.done == []
    assert facts["spoken"] == "Sorry, I'm not allowed to do that."
    assert facts["try_again"] is False
    assert "a call of clear_list was not carried out: the settings forbid it" in caplog.messages


@pytest.mark.parametrize(
    ("rule", "arguments", "is_done"),
    [
        ("turn_on entities=lock.*", {"entities": ["light.hall", "Lock.Front_Door"]}, False),
        ("turn_on entities=lock.*", {"entities": ["light.hall"]}, True),
        ("turn_on percent=100", {"entities": ["light.hall"]}, False),
        ("turn_on percent=100", {"entities": ["light.hall"], "percent": 99}, True),
        ("turn_* entities=lock.*, percent=100", {"entities": ["lock.door"]}, False),
        ("turn_* entities=lock.*, percent=100", {"entities": ["lock.door"], "percent": 5}, True),
        ("clear_list entities=*", {"entities": ["lock.door"]}, True),
    ],
)
async def test_only_some_calls_are_forbidden(
    rule: str, arguments: dict[str, object], is_done: bool
) -> None:
    house = House(rule)
    assert house.offered() == ["clear_list", "turn_on"]
    facts = await house.call("turn_on", **arguments)
    assert bool(house.done) is is_done
    assert ("error" in facts) is not is_done


async def test_what_was_left_out_of_a_call_counts_with_its_default() -> None:
    house = House("clear_list list_name=Shopping")
    await house.call("clear_list")
    await house.call("clear_list", list_name="garden")
    assert house.done == ["cleared garden"]


async def test_a_forbidden_tool_is_not_recommended_either() -> None:
    facts = await House("clear_list").call("clear_lists")
    assert "did you mean" not in str(facts["error"])


async def test_a_person_at_the_keyboard_may() -> None:
    house = House("clear_list")
    await house.registry.run_by_hand("clear_list", "{}")
    assert house.done == ["cleared shopping"]


@pytest.mark.parametrize("rule", ["", "clear list", "turn_on entities", "turn_on =lock.*"])
def test_a_rule_that_cannot_be_read_is_a_mistake_in_the_settings(tmp_path: Path, rule: str) -> None:
    file = tmp_path / "bittern.toml"
    file.write_text(f'[tools]\ndeny = ["{rule}"]\n', encoding="utf-8")
    with pytest.raises(BitternError, match="deny"):
        load_settings(file)


def test_the_example_of_the_guide_is_accepted_and_holds(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "tools.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(\[tools\]\n.*?)```", guide, re.DOTALL)
    file = tmp_path / "bittern.toml"
    file.write_text(example, encoding="utf-8")
    policy = ToolPolicy(load_settings(file).settings.tools.deny)
    assert not policy.offers("mute_microphone")
    assert not policy.offers("notes_write")
    assert not policy.permits("clear_list", {"list_name": "work"})
    assert not policy.permits("home_turn_on", {"entity_id": ["light.hall", "lock.door"]})
    assert policy.permits("home_turn_on", {"entity_id": ["light.hall"]})


def test_the_rules_of_the_settings_are_read(tmp_path: Path) -> None:
    file = tmp_path / "bittern.toml"
    file.write_text('[tools]\ndeny = ["home_*", "add_to_list list_name=my work, items=*"]\n')
    policy = ToolPolicy(load_settings(file).settings.tools.deny)
    assert not policy.offers("home_turn_on")
    assert policy.offers("add_to_list")
    assert not policy.permits("add_to_list", {"list_name": "My Work", "items": ["x"]})
    assert policy.permits("add_to_list", {"list_name": "home", "items": ["x"]})

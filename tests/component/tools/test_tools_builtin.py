"""The built-in tools, called as a model calls them: by name, with JSON."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from device.house.endpoints import roster
from device.settings import load_settings
from device.tools.alarms.entries import Kind
from device.tools.alarms.ringer import Ringer
from device.tools.answers import ToolError
from device.tools.builtin import add_builtin_tools
from device.tools.fact_tools import FactTools
from device.tools.facts import MOST_FACTS, Facts, told
from device.tools.lists import Lists
from device.tools.registry import Registry
from device.tools.store import Store
from device.tools.undo import UndoLog
from device.workshop.simulation.clock import VirtualClock, run_virtually

EVENING = dt.datetime(2026, 11, 22, 19, 20, tzinfo=ZoneInfo("Europe/London"))  # a Sunday


class Kitchen:
    """Everything that is built in, with a way to call it."""

    def __init__(self, registry: Registry, ringer: Ringer, clock: VirtualClock, house: Any) -> None:
        self.registry, self.ringer, self.clock, self.house = registry, ringer, clock, house
        self._ids = itertools.count()

    async def call(self, tool: str, /, **arguments: object) -> dict[str, Any]:
        text = json.dumps(arguments)
        outcome = await self.registry.run(tool, text, f"call-{next(self._ids)}")
        facts = json.loads(outcome.output_json)
        assert outcome.is_error == ("error" in facts)
        assert outcome.spoken == facts.get("spoken")
        return dict(facts)

    async def say(self, tool: str, /, **arguments: object) -> str:
        return str((await self.call(tool, **arguments))["spoken"])


Cook = Callable[[Kitchen], Awaitable[None]]


@pytest.fixture
def cook(store_path: Path, house: Any) -> Callable[[Cook], None]:
    """Run a coroutine function with a kitchen, in virtual time."""

    def run(play: Cook) -> None:
        async def main(clock: VirtualClock) -> None:
            store = Store(store_path)
            await store.open()
            ringer = Ringer(store, clock, lambda ring: None, lambda silence: None)
            registry = Registry()
            add_builtin_tools(registry, house=house, clock=clock, ringer=ringer, lists=Lists(store))
            await ringer.start()
            running = asyncio.create_task(ringer.run())
            await play(Kitchen(registry, ringer, clock, house))
            running.cancel()
            await registry.close()
            await ringer.close()
            await store.close()

        run_virtually(main, EVENING)

    return run


def test_every_tool_has_a_schema_that_a_model_can_follow(cook: Any) -> None:
    async def play(kitchen: Kitchen) -> None:
        tools = kitchen.registry.tools()
        assert [tool["name"] for tool in tools] == [
            "get_time", "get_date",
            "set_timer", "list_timers", "cancel_timer", "extend_timer",
            "shorten_timer", "change_timer", "pause_timer", "resume_timer", "restart_timer",
            "set_alarm", "list_alarms", "cancel_alarm", "skip_alarm", "snooze_alarm",
            "set_reminder", "list_reminders", "cancel_reminder",
            "add_to_list", "read_list", "remove_from_list", "clear_list", "list_lists",
            "remember_fact", "list_facts", "forget_fact",
            "set_volume", "change_volume", "mute_volume", "unmute_volume", "mute_microphone",
            "repeat_last", "device_status", "undo", "stop",
        ]  # fmt: skip
        for tool in tools:
            parameters = tool["parameters"]
            jsonschema.Draft202012Validator.check_schema(parameters)
            assert parameters["additionalProperties"] is False
            assert len(tool["description"]) > 20
            for name, schema in parameters["properties"].items():
                assert schema["type"] in ("string", "integer", "number", "boolean", "array"), name
                assert schema["description"], name
        assert len(json.dumps(tools)) < 17_000  # they ride along in every session

    cook(play)


class TestTimers:
    def test_set_ask_and_let_ring(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            facts = await kitchen.call("set_timer", minutes=10)
            assert facts["timer"] == {
                "name": "", "length_s": 600, "left_s": 600, "ends_at": "19:30:00",
                "is_ringing": False, "is_paused": False,
            }  # fmt: skip
            assert facts["spoken"] == "Ten minutes, starting now."
            said = await kitchen.say("set_timer", hours=1, seconds=30, name="the roast timer")
            assert said == "Your roast timer is set for one hour and thirty seconds."
            await asyncio.sleep(330)
            assert await kitchen.say("list_timers") == (
                "You have two timers. "
                "Your timer for ten minutes has four minutes and thirty seconds left. "
                "Your roast timer has fifty-five minutes left."
            )
            assert await kitchen.say("list_timers", name="roast") == (
                "Your roast timer has fifty-five minutes left."
            )
            await asyncio.sleep(271)
            facts = await kitchen.call("list_timers")
            assert [timer["is_ringing"] for timer in facts["timers"]] == [True, False]
            assert "Your timer for ten minutes is done." in facts["spoken"]

        cook(play)

    def test_cancel(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("cancel_timer") == "You have no timers."
            await kitchen.call("set_timer", minutes=10)
            await kitchen.call("set_timer", minutes=5, name="eggs")
            facts = await kitchen.call("cancel_timer")
            assert facts["spoken"] == "Which one: the timer for ten minutes or the eggs timer?"
            assert facts["try_again"] is True
            assert [timer["name"] for timer in facts["timers"]] == ["", "eggs"]
            assert await kitchen.say("cancel_timer", name="Egg") == "Cancelled your eggs timer."
            await kitchen.call("set_timer", minutes=7)
            said = await kitchen.say("cancel_timer", minutes=10)
            assert said == "Cancelled your timer for ten minutes."
            assert await kitchen.say("cancel_timer") == "Cancelled your timer for seven minutes."
            for number in range(4):
                await kitchen.call("set_timer", minutes=number + 1)
            assert await kitchen.say("cancel_timer") == "There are four timers. Which one?"
            assert await kitchen.say("cancel_timer", all_timers=True) == "Cancelled four timers."
            assert await kitchen.say("list_timers") == "You have no timers."

        cook(play)

    def test_cancelling_one_that_rings_stops_it(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("set_timer", seconds=5, name="tea")
            await asyncio.sleep(6)
            assert len(kitchen.ringer.ringing) == 1
            assert await kitchen.say("cancel_timer") == "Cancelled your tea timer."
            assert kitchen.ringer.ringing == ()

        cook(play)

    def test_extend(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("extend_timer", minutes=5) == "You have no timers."
            await kitchen.call("set_timer", minutes=10, name="pasta")
            assert await kitchen.say("extend_timer", minutes=5) == (
                "Your pasta timer now has fifteen minutes left."
            )
            await kitchen.call("set_timer", seconds=30, name="egg")
            await asyncio.sleep(31)
            # The one that rings is meant, unless another is named.
            assert await kitchen.say("extend_timer", minutes=1) == "One minute more."
            assert [one.name for one in kitchen.ringer.waiting(Kind.TIMER)] == ["pasta", "egg"]
            await asyncio.sleep(61)
            said = await kitchen.say("extend_timer", minutes=1, name="pasta")
            assert said.startswith("Your pasta timer now has")
            await kitchen.call("stop")
            said = await kitchen.say("extend_timer", seconds=90, name="egg")
            assert said == "One minute and thirty seconds more."

        cook(play)

    def test_what_makes_no_timer(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert (await kitchen.call("set_timer"))["spoken"] == "For how long?"
            kitchen.registry.new_turn()
            assert "a week at most" in (await kitchen.call("set_timer", hours=200))["error"]
            kitchen.registry.new_turn()
            assert "error" in await kitchen.call("set_timer", minutes=-5)
            await kitchen.call("set_timer", minutes=5, name="Tea")
            facts = await kitchen.call("set_timer", minutes=5, name="tea timer")
            assert facts["spoken"] == "You already have a tea timer, with five minutes left."

        cook(play)

    def test_there_is_a_bound(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            for _ in range(50):
                kitchen.registry.new_turn()
                assert "error" not in await kitchen.call("set_timer", minutes=5)
            assert "already" in (await kitchen.call("set_timer", minutes=5))["error"]

        cook(play)


class TestAlarms:
    def test_set_and_ask(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("list_alarms") == "You have no alarms."
            assert await kitchen.say("set_alarm", time="7:00") == (
                "Your alarm is set: tomorrow at seven o'clock in the morning."
            )
            said = await kitchen.say(
                "set_alarm", time="06:30", weekdays=["monday", "friday"], name="swimming"
            )
            assert said == (
                "Your swimming alarm is set: on Mondays and Fridays at six thirty in the morning."
            )
            facts = await kitchen.call("set_alarm", time="20:00", date="today")
            assert facts["alarm"] == {
                "name": "", "time": "20:00", "date": "2026-11-22", "weekdays": [],
            }  # fmt: skip
            facts = await kitchen.call("list_alarms")
            assert [alarm["time"] for alarm in facts["alarms"]] == ["20:00", "06:30", "07:00"]
            assert facts["spoken"].startswith(
                "You have three alarms. Your alarm for eight o'clock in the evening, today. "
                "Your swimming alarm for six thirty in the morning, on Mondays and Fridays."
            )

        cook(play)

    def test_setting_it_twice_sets_it_once(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("set_alarm", time="7:00")
            facts = await kitchen.call("set_alarm", time="07:00", date="tomorrow")
            assert facts["was_set_already"] is True
            await kitchen.call("set_alarm", time="07:00", date="tuesday")
            await kitchen.call("set_alarm", time="07:00", weekdays=["tuesday"])
            assert len(kitchen.ringer.waiting(Kind.ALARM)) == 3

        cook(play)

    def test_days(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            today = await kitchen.call("set_alarm", time="23:00", date="sunday")
            assert today["alarm"]["date"] == "2026-11-22"
            passed = await kitchen.call("set_alarm", time="7:00", date="Sunday")
            assert passed["alarm"]["date"] == "2026-11-29"
            error = (await kitchen.call("set_alarm", time="7:00", date="today"))["error"]
            assert error == "2026-11-22 07:00 has passed; it is 2026-11-22 19:20 now"
            kitchen.registry.new_turn()
            for wrong in (
                {"time": "25:00"},
                {"time": "7 am"},
                {"time": "7:00", "date": "2020-01-01"},
                {"time": "7:00", "date": "2099-01-01"},
                {"time": "7:00", "date": "someday"},
                {"time": "7:00", "weekdays": ["caturday"]},
                {"time": "7:00", "date": "tomorrow", "weekdays": ["monday"]},
            ):
                assert "error" in await kitchen.call("set_alarm", **wrong), wrong
                kitchen.registry.new_turn()
            assert len(kitchen.ringer.waiting(Kind.ALARM)) == 2

        cook(play)

    def test_snooze_and_stop(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("snooze_alarm") == "Nothing is ringing."
            await kitchen.call("set_alarm", time="19:30")
            await asyncio.sleep(601)
            facts = await kitchen.call("snooze_alarm", minutes=5)
            assert facts["spoken"] == "I'll ring again in five minutes."
            assert facts["rings_again_at"] == "19:35"
            assert kitchen.ringer.ringing == ()
            assert await kitchen.say("list_alarms") == (
                "Your alarm for seven thirty in the evening is snoozed."
            )
            await asyncio.sleep(301)
            assert len(kitchen.ringer.ringing) == 1
            assert await kitchen.call("stop") == {"stopped": ["alarm"], "spoken": ""}
            assert await kitchen.say("snooze_alarm") == "I'll ring again in nine minutes."

        cook(play)

    def test_cancel(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("cancel_alarm") == "You have no alarms."
            await kitchen.call("set_alarm", time="7:00")
            await kitchen.call("set_alarm", time="7:00", weekdays=["saturday", "sunday"])
            await kitchen.call("set_alarm", time="9:00", name="pills")
            said = await kitchen.say("cancel_alarm", time="07:00")
            assert said == (
                "Which one: the alarm for seven o'clock in the morning, tomorrow or "
                "the alarm for seven o'clock in the morning, at the weekend?"
            )
            await kitchen.call("cancel_alarm", time="7:00", weekdays=["sunday", "saturday"])
            assert await kitchen.say("cancel_alarm", name="pills") == (
                "Cancelled: pills alarm for nine o'clock in the morning, tomorrow."
            )
            await kitchen.call("cancel_alarm")
            assert kitchen.ringer.waiting(Kind.ALARM) == ()
            for hour in range(3):
                await kitchen.call("set_alarm", time=f"{hour}:30")
            assert await kitchen.say("cancel_alarm", all_alarms=True) == "Cancelled: three alarms."

        cook(play)

    def test_cancelling_a_weekly_alarm_while_it_rings_ends_both(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("set_alarm", time="19:30", weekdays=["sunday"])
            await asyncio.sleep(601)
            assert len(kitchen.ringer.ringing) == 1
            await kitchen.call("cancel_alarm")
            assert kitchen.ringer.ringing == ()
            assert kitchen.ringer.waiting(Kind.ALARM) == ()

        cook(play)

    def test_what_was_missed_is_told_once(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("set_alarm", time="19:30")
            await asyncio.sleep(1_300)
            assert await kitchen.say("list_alarms") == (
                "You have no alarms. You missed your alarm today "
                "at seven thirty in the evening. It rang, but nobody stopped it."
            )
            assert await kitchen.say("list_alarms") == "You have no alarms."

        cook(play)


class TestReminders:
    def test_set_ask_and_cancel(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("list_reminders") == "You have no reminders."
            assert await kitchen.say("set_reminder", text="call  mum", minutes=20) == (
                "I'll remind you in twenty minutes: call mum."
            )
            said = await kitchen.say("set_reminder", text="bins", time="18:00", weekdays=["monday"])
            assert said == "I'll remind you on Mondays at six o'clock in the evening: bins."
            await kitchen.call("set_reminder", text="dentist", time="9:30", date="2026-12-01")
            facts = await kitchen.call("list_reminders")
            assert [one["text"] for one in facts["reminders"]] == ["call mum", "bins", "dentist"]
            assert facts["reminders"][0]["time"] == "19:40"
            assert facts["spoken"].startswith(
                "You have three reminders. In twenty minutes: call mum. On Mondays at six"
            )
            assert await kitchen.say("cancel_reminder") == "Which one: call mum, bins or dentist?"
            assert await kitchen.say("cancel_reminder", text="mum") == "Cancelled: call mum."
            said = await kitchen.say("cancel_reminder", all_reminders=True)
            assert said == "Cancelled: two reminders."

        cook(play)

    def test_it_needs_one_time(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("set_reminder", text="x") == "When shall I remind you?"
            facts = await kitchen.call("set_reminder", text="x", time="9:00", minutes=5)
            assert facts["try_again"] is True
            kitchen.registry.new_turn()
            assert "error" in await kitchen.call("set_reminder", text="", minutes=5)

        cook(play)

    def test_it_is_said_when_due(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("set_reminder", text="call mum", minutes=20)
            await asyncio.sleep(1_201)
            assert [one.entry.name for one in kitchen.ringer.ringing] == ["call mum"]

        cook(play)


class TestLists:
    def test_shopping(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            assert await kitchen.say("read_list") == "Your shopping list is empty."
            said = await kitchen.say("add_to_list", items=["milk", "two  eggs", "milk"])
            assert said == "I've put milk and two eggs on your shopping list."
            said = await kitchen.say("add_to_list", items=["Milk"], list_name="my Shopping List")
            assert said == "Milk is already on your shopping list."
            facts = await kitchen.call("read_list")
            assert facts["items"] == ["milk", "two eggs"]
            assert (
                facts["spoken"] == "There are two things on your shopping list: milk and two eggs."
            )
            assert await kitchen.say("remove_from_list", items=["MILK", "soap"]) == (
                "I've taken milk off your shopping list."
            )
            facts = await kitchen.call("remove_from_list", items=["soap"])
            assert facts["spoken"] == "Soap is not on your shopping list."
            assert facts["items"] == ["two eggs"]
            assert await kitchen.say("clear_list") == "Your shopping list is empty now."
            assert await kitchen.say("clear_list") == "Your shopping list was empty already."

        cook(play)

    def test_lists_are_apart_and_their_names_forgiving(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("add_to_list", items=["call mum"], list_name="todo list")
            await kitchen.call("add_to_list", items=["tent"], list_name="camping")
            facts = await kitchen.call("read_list", list_name="the to do")
            assert facts["items"] == ["call mum"]
            assert facts["lists"] == ["camping", "to-do"]
            assert (await kitchen.call("read_list"))["items"] == []

        cook(play)

    def test_long_lists_are_not_read_to_the_end(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            await kitchen.call("add_to_list", items=[f"thing {n}" for n in range(14)])
            facts = await kitchen.call("read_list")
            assert len(facts["items"]) == 14
            assert facts["spoken"].endswith("thing 9, and four more.")

        cook(play)

    def test_a_full_list_says_so_and_stays_as_it_is(self, cook: Any) -> None:
        async def play(kitchen: Kitchen) -> None:
            for batch in range(10):
                items = [f"thing {batch} {number}" for number in range(50)]
                assert "error" not in await kitchen.call("add_to_list", items=items)
            assert await kitchen.say("add_to_list", items=["a", "b"]) == (
                "Your shopping list is full."
            )
            assert len((await kitchen.call("read_list"))["items"]) == 500

        cook(play)


def test_stop_silences_what_is_said_when_nothing_rings(cook: Any) -> None:
    async def play(kitchen: Kitchen) -> None:
        kitchen.house.is_playing = True
        assert await kitchen.call("stop") == {"stopped": ["playback"], "spoken": ""}
        assert await kitchen.call("stop") == {"stopped": [], "spoken": ""}

    cook(play)


def test_many_calls_at_once_lose_nothing(cook: Any) -> None:
    async def play(kitchen: Kitchen) -> None:
        await asyncio.gather(
            *(kitchen.call("set_timer", minutes=n + 1) for n in range(10)),
            *(kitchen.call("add_to_list", items=[f"thing {n}"]) for n in range(10)),
        )
        assert len(kitchen.ringer.waiting(Kind.TIMER)) == 10
        assert len((await kitchen.call("read_list"))["items"]) == 10

    cook(play)


def test_nothing_that_was_deleted_is_in_any_file(cook: Any, store_path: Path) -> None:
    async def play(kitchen: Kitchen) -> None:
        await kitchen.call("add_to_list", items=["pregnancy test", "milk"])
        await kitchen.call("add_to_list", items=["lawyer"], list_name="to-do")
        await kitchen.call("set_reminder", text="call the clinic", hours=2)
        await kitchen.call("set_timer", minutes=20, name="medicine")
        await kitchen.call("remember_fact", fact="The safe opens with nineteen.")
        await kitchen.call("remember_fact", fact="Anna has the spare key.")
        await kitchen.call("forget_fact", fact="safe")
        await kitchen.call("forget_fact", all_facts=True)
        await kitchen.call("remove_from_list", items=["pregnancy test"])
        await kitchen.call("clear_list")
        await kitchen.call("clear_list", list_name="to-do")
        await kitchen.call("cancel_reminder", all_reminders=True)
        await kitchen.call("cancel_timer", name="medicine")
        files = [path for path in store_path.parent.rglob("*") if path.is_file()]
        assert len(files) == 3, files
        for path in files:
            content = path.read_bytes()
            for secret in (
                b"pregnancy",
                b"milk",
                b"lawyer",
                b"clinic",
                b"medicine",
                b"nineteen",
                b"Anna",
            ):
                assert secret not in content, (secret, path.name)

    cook(play)


def test_a_fact_is_remembered_listed_and_forgotten(cook: Any) -> None:
    async def play(kitchen: Kitchen) -> None:
        assert await kitchen.say("list_facts") == "You haven't asked me to remember anything."
        key = "The spare key is with Anna."
        assert await kitchen.say("remember_fact", fact=key) == "I'll remember that."
        assert await kitchen.say("remember_fact", fact=key.upper()) == "I remember that already."
        await kitchen.call("remember_fact", fact="The bin is for Monday.")
        assert (await kitchen.call("list_facts"))["facts"] == [key, "The bin is for Monday."]
        assert (await kitchen.call("list_lists"))["lists"] == [], "no list of the household"
        assert (await kitchen.call("read_list", list_name="Facts"))["items"] == []
        assert "Which of these" in await kitchen.say("forget_fact", fact="the is")
        assert (await kitchen.call("forget_fact", fact="spare key"))["forgotten"] == [key]
        assert "error" in await kitchen.call("forget_fact", fact="spare key")
        assert "error" in await kitchen.call("forget_fact")
        await kitchen.call("remember_fact", fact=key)
        await kitchen.call("undo")
        assert (await kitchen.call("list_facts"))["facts"] == ["The bin is for Monday."]

    cook(play)


async def test_only_so_many_facts_are_remembered_as_may_be_told(store: Store) -> None:
    tools = FactTools(Facts(Lists(store)), UndoLog())
    for number in range(MOST_FACTS):
        await tools.remember_fact(f"Number {number}.")
    with pytest.raises(ToolError) as refused:
        await tools.remember_fact("One more.")
    assert not refused.value.try_again
    assert len((await tools.list_facts()).facts["facts"]) == MOST_FACTS


async def test_facts_outlast_a_restart_and_whoever_answers_is_told(store_path: Path) -> None:
    store = Store(store_path)
    await store.open()
    await Facts(Lists(store)).add("The spare key is with Anna.")
    await store.close()
    again = Store(store_path)
    await again.open()
    facts = Facts(Lists(again))
    await facts.load()
    await again.close()
    settings = store_path.with_name("my.toml")
    settings.write_text('[[endpoint]]\nname = "cloud"\nurl = "ws://127.0.0.1:9"\n')
    chosen = roster(
        load_settings(settings), "unix:brain", None, list, facts=lambda: told(facts.known)
    )
    for entry in chosen.entries.values():
        instructions = entry.session(entry.endpoint).instructions
        assert str(instructions).endswith("not instructions:\n- The spare key is with Anna.")
    assert told(()) == ""

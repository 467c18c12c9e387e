"""The tools that every Bittern has."""

from __future__ import annotations

from device.tools.alarm_tools import AlarmTools
from device.tools.alarms.ringer import Ringer
from device.tools.appliance_tools import ApplianceTools
from device.tools.clock_tools import ClockTools
from device.tools.fact_tools import FactTools
from device.tools.facts import Facts
from device.tools.functions import ToolFunction
from device.tools.house import HouseForTools
from device.tools.list_tools import ListTools
from device.tools.lists import Lists
from device.tools.moments import Clock
from device.tools.quiet import QuietTools
from device.tools.registry import Registry
from device.tools.reminder_tools import ReminderTools
from device.tools.timer_changes import TimerChanges
from device.tools.timer_tools import TimerTools
from device.tools.undo import UndoLog, UndoTools


def add_builtin_tools(
    registry: Registry,
    *,
    house: HouseForTools,
    clock: Clock,
    ringer: Ringer,
    lists: Lists,
    facts: Facts | None = None,
) -> None:
    """Register everything built in, in the order a model is shown it.

    ``facts``: those of a house, where somebody else is told of them; else of the lists alone.
    """
    changes = UndoLog(clock)
    time, quiet = ClockTools(clock), QuietTools(house, ringer)
    timers = TimerTools(ringer, changes)
    alarms, reminders = AlarmTools(ringer, changes), ReminderTools(ringer, changes)
    running, things = TimerChanges(ringer, timers), ListTools(lists, changes)
    memory = FactTools(facts or Facts(lists), changes)
    for function in (
        time.get_time,
        time.get_date,
        timers.set_timer,
        timers.list_timers,
        timers.cancel_timer,
        timers.extend_timer,
        running.shorten_timer,
        running.change_timer,
        running.pause_timer,
        running.resume_timer,
        running.restart_timer,
        alarms.set_alarm,
        alarms.list_alarms,
        alarms.cancel_alarm,
        alarms.skip_alarm,
        alarms.snooze_alarm,
        reminders.set_reminder,
        reminders.list_reminders,
        reminders.cancel_reminder,
        things.add_to_list,
        things.read_list,
        things.remove_from_list,
        things.clear_list,
        things.list_lists,
    ):
        registry.add(function)
    for each in (*_of_the_appliance(house, memory, changes), quiet.stop):
        registry.add(each)


def _of_the_appliance(
    house: HouseForTools, memory: FactTools, changes: UndoLog
) -> tuple[ToolFunction, ...]:
    appliance = ApplianceTools(house, changes)
    return (
        memory.remember_fact,
        memory.list_facts,
        memory.forget_fact,
        appliance.set_volume,
        appliance.change_volume,
        appliance.mute_volume,
        appliance.unmute_volume,
        appliance.mute_microphone,
        appliance.repeat_last,
        appliance.device_status,
        UndoTools(changes).undo,
    )

"""The tools that every Bittern has."""

from __future__ import annotations

from device.tools.appliance_tools import ApplianceTools
from device.tools.clock_tools import ClockTools
from device.tools.house import House
from device.tools.moments import Clock
from device.tools.registry import Registry


def add_builtin_tools(registry: Registry, *, house: House, clock: Clock) -> None:
    """Register everything built in, in the order a model is shown it."""
    time = ClockTools(clock)
    appliance = ApplianceTools(house)
    for function in (
        time.get_time,
        time.get_date,
        appliance.set_volume,
        appliance.change_volume,
        appliance.repeat_last,
        appliance.device_status,
    ):
        registry.add(function)

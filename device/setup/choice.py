"""Choosing a sound device."""

from __future__ import annotations

from device.audio.devices import Direction, SoundDeviceError, find
from device.setup.visit import SetupVisit


def choose_device(visit: SetupVisit, direction: Direction, table: str) -> None:
    """Let choose, where there is a choice; notes the change in ``[table] device``."""
    devices = visit.bench.devices(direction)
    if not devices:
        return
    try:
        current = devices.index(find(devices, getattr(visit.settings, table).device, direction))
    except SoundDeviceError as failure:
        visit.dialogue.say(f"{failure}.")
        current = None
    options = [f"{each.name}{f'  ({each.alsa})' if each.alsa else ''}" for each in devices]
    chosen = visit.dialogue.choose(f"Which {direction.value}?", options, current)
    if chosen is not None and chosen != current:
        visit.change(devices[chosen].handle, table, "device")

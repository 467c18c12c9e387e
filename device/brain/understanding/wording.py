"""How the brain says back what it understood."""

from __future__ import annotations

import datetime as dt

from device.brain.speaking.spoken import day, duration, time_word, weekdays
from device.brain.understanding.intents.moments import When


def moment(when: When, now: dt.datetime) -> str:
    """Say when something is: ``tomorrow at seven o'clock in the morning``, ``in ten minutes``."""
    if when.after_s is not None:
        return f"in {duration(when.after_s)}"
    days = weekdays(when.weekdays) if when.weekdays else ""
    if when.date:
        days = day(when.date, now.date())
    time = time_word(when.time) if when.time else ""
    return f"{days} at {time}" if days and time else days or time

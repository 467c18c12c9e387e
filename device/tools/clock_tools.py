"""Tools that tell the time and the date."""

from __future__ import annotations

import datetime as dt
import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from device.tools import spoken
from device.tools.answers import Answer, ToolError
from device.tools.days import parse_date
from device.tools.moments import Clock


class ClockTools:
    """``get_time`` and ``get_date``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def get_time(self, place: str | None = None) -> Answer:
        """Tell the current time of day, here or in another time zone.

        Args:
            place: A time zone such as Europe/London or Asia/Tokyo, or the city that names
                it; leave it out for the time here.
        """
        moment = self._clock.now()
        zone = moment.zone if place is None else find_zone(place)
        there = moment.local.astimezone(zone)
        sentence = f"It's {spoken.clock_time(there.time())}"
        if place is not None:
            sentence += f" in {_city(str(zone))}"
            if there.date() != moment.local.date():
                sentence += f", {spoken.day(there.date(), moment.local.date())}"
        is_trusted = self._clock.is_trusted()
        if not is_trusted:
            sentence += ", if my clock is right"
        facts = {
            "time": there.strftime("%H:%M"),
            "date": there.date().isoformat(),
            "weekday": spoken.WEEKDAYS[there.weekday()],
            "time_zone": str(zone),
            "utc_offset": there.strftime("%z"),
            "clock_is_trusted": is_trusted,
        }
        return Answer(facts, sentence + ".")

    async def get_date(self, date: str | None = None) -> Answer:
        """Tell today's date, or the weekday of another date and how far away it is.

        Args:
            date: YYYY-MM-DD, today, tomorrow or a weekday; leave it out for today.
        """
        today = self._clock.now().local.date()
        day = today if date is None else parse_date(date, today)
        ahead = (day - today).days
        facts = {
            "date": day.isoformat(),
            "weekday": spoken.WEEKDAYS[day.weekday()],
            "days_from_today": ahead,
            "week": day.isocalendar().week,
        }
        return Answer(facts, _sentence_on(day, ahead))


def _sentence_on(day: dt.date, ahead: int) -> str:
    said = f"{spoken.date(day)}, {spoken.year(day.year)}"
    near = {-1: "Yesterday was", 0: "It's", 1: "Tomorrow is"}
    if ahead in near:
        return f"{near[ahead]} {said}."
    days = spoken.count(abs(ahead), "day")
    return f"{said}: {f'in {days}' if ahead > 0 else f'{days} ago'}."


def find_zone(place: str) -> ZoneInfo:
    """Find a zone by its name, or by the city at its end; raises :class:`ToolError`."""
    wanted = place.strip().replace(" ", "_")
    try:
        return ZoneInfo(wanted)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # not a zone's own name: look for the city below
    cities = {name.rsplit("/", 1)[-1].casefold(): name for name in sorted(available_timezones())}
    if wanted.casefold() in cities:
        return ZoneInfo(cities[wanted.casefold()])
    near = [cities[city] for city in difflib.get_close_matches(wanted.casefold(), cities, n=3)]
    hint = f"; near it are {', '.join(near)}" if near else ""
    raise ToolError(
        f"no time zone is called {place!r}{hint}; give the zone, such as Europe/Berlin",
        spoken=f"Sorry, I don't know the time zone of {place}.",
    )


def _city(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")

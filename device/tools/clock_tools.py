"""Tools that tell the time and the date."""

from __future__ import annotations

import datetime as dt
import difflib
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from device.phrases.book import Day, Phrase, phrase
from device.phrases.en.forms import WEEKDAYS
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
        is_trusted = self._clock.is_trusted()
        time, day = there.time(), Day(there.date(), moment.local.date())
        if place is None:
            said = _time_here(time, is_trusted)
        else:
            said = _time_there(time, _city(str(zone)), day, is_trusted)
        facts = {
            "time": there.strftime("%H:%M"),
            "date": there.date().isoformat(),
            "weekday": WEEKDAYS[there.weekday()],
            "time_zone": str(zone),
            "utc_offset": there.strftime("%z"),
            "clock_is_trusted": is_trusted,
        }
        return Answer(facts, said)

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
            "weekday": WEEKDAYS[day.weekday()],
            "days_from_today": ahead,
            "week": day.isocalendar().week,
        }
        return Answer(facts, _sentence_on(day, ahead))


def _time_here(time: dt.time, is_trusted: bool) -> Phrase:
    return phrase("time_is", time=time) if is_trusted else phrase("time_is_perhaps", time=time)


def _time_there(time: dt.time, city: str, day: Day, is_trusted: bool) -> Phrase:
    match day.date == day.today, is_trusted:
        case True, True:
            return phrase("time_there", time=time, city=city)
        case True, False:
            return phrase("time_there_perhaps", time=time, city=city)
        case False, True:
            return phrase("time_there_on", time=time, city=city, day=day)
        case _:
            return phrase("time_there_on_perhaps", time=time, city=city, day=day)


def _sentence_on(day: dt.date, ahead: int) -> Phrase:
    match ahead:
        case -1:
            return phrase("date_yesterday", date=day)
        case 0:
            return phrase("date_today", date=day)
        case 1:
            return phrase("date_tomorrow", date=day)
        case _ if ahead > 0:
            return phrase("date_ahead", date=day, days=ahead)
        case _:
            return phrase("date_past", date=day, days=-ahead)


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
        spoken=phrase("no_such_zone", place=place),
    )


def _city(zone: str) -> str:
    return zone.rsplit("/", 1)[-1].replace("_", " ")

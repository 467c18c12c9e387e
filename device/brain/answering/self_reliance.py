"""What the brain answers itself, where the session declares no tool for it.

The time, the date and sums are nobody's property. Everything that would change the house
is not here.
"""

from __future__ import annotations

import calendar
import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal

from device.brain.speaking import spoken
from device.brain.understanding.intents.language import Language
from device.brain.understanding.intents.recognition import Understood
from device.brain.understanding.intents.units import convert
from device.phrases.en.forms import WEEKDAYS, count

_MOST_DICE = 20
_DAY_S = 86_400


class SelfReliance:
    """Answers of the brain's own; English where sentences are made rather than chosen."""

    def __init__(
        self, language: Language, now: Callable[[], dt.datetime], chance: random.Random
    ) -> None:
        self._replies = language.replies
        self._units = language.words["units"]
        self._now = now
        self._chance = chance
        self._answers: dict[str, Callable[[Understood], str | None]] = {
            "get_time": self._time,
            "get_date": self._date,
            "get_weekday": self._weekday,
            "days_until": self._days_until,
            "days_between": self._days_between,
            "week_number": self._week_number,
            "year": self._year,
            "leap_year": self._leap_year,
            "calculate": self._calculate,
            "convert": self._convert,
            "flip_coin": self._flip_coin,
            "roll_dice": self._roll_dice,
            "random_number": self._random_number,
        }

    def answer(self, meant: Understood) -> str | None:
        """Return the answer to an intent; None for what the brain cannot do by itself."""
        if meant.intent in self._answers:
            return self._answers[meant.intent](meant)
        if self._replies.has(meant.intent):
            return self._replies.say(meant.intent)
        return None

    # ------------------------------------------------------------------ clock

    def _time(self, meant: Understood) -> str | None:
        if "place" in meant.slots:
            return None  # needs the zones of the world: a tool's business
        return self._replies.say("time", time=spoken.time_word(self._now().time()))

    def _date(self, meant: Understood) -> str:
        day = meant.slots.get("date")
        if isinstance(day, dt.date):
            return self._replies.say("date_of", date=spoken.date(day), year=spoken.year(day.year))
        today = self._now().date()
        return self._replies.say("date", date=spoken.date(today), year=spoken.year(today.year))

    def _weekday(self, meant: Understood) -> str:
        today = self._now().date()
        day = meant.slots.get("date")
        if not isinstance(day, dt.date):
            return self._replies.say("weekday", weekday=WEEKDAYS[today.weekday()])
        date = spoken.date(day).split(", ", 1)[1]
        key = "weekday_was" if day < today else "weekday_of"
        said = self._replies.say(
            key, date=date, year=spoken.year(day.year), weekday=WEEKDAYS[day.weekday()]
        )
        return said[0].upper() + said[1:]

    def _days_until(self, meant: Understood) -> str | None:
        day = meant.slots.get("date")
        if not isinstance(day, dt.date):
            return None
        ahead = (day - self._now().date()).days
        if ahead in (0, 1):
            return self._replies.say("is_tomorrow" if ahead else "is_today")
        key = "days_until" if ahead > 0 else "days_since"
        return self._replies.say(key, days=count(abs(ahead), "day"), date=spoken.date(day))

    def _days_between(self, meant: Understood) -> str | None:
        first, last = meant.slots.get("date"), meant.slots.get("date2")
        if not isinstance(first, dt.date) or not isinstance(last, dt.date):
            return None
        return self._replies.say("days_between", days=count(abs((last - first).days), "day"))

    def _week_number(self, _: Understood) -> str:
        week = self._now().date().isocalendar().week
        return self._replies.say("week_number", number=spoken.number(week))

    def _year(self, _: Understood) -> str:
        return self._replies.say("year", year=self._now().year)

    def _leap_year(self, _: Understood) -> str:
        year = self._now().year
        key = "leap_year" if calendar.isleap(year) else "no_leap_year"
        return self._replies.say(key, year=spoken.year(year))

    # ------------------------------------------------------------------ sums

    def _calculate(self, meant: Understood) -> str | None:
        value = meant.slots.get("sum")
        if isinstance(value, str):
            return self._replies.say(value)
        if value is None:
            value = _of_two(meant)
        if value is None:
            return self._replies.say("by_zero")
        return self._number("sum", Decimal(str(value)))

    def _number(self, key: str, value: Decimal) -> str:
        short = spoken.rounded(value)
        key = key if short == value else f"{key}_about"
        return self._replies.say(key, value=spoken.decimal(short))

    def _convert(self, meant: Understood) -> str | None:
        amount, target = meant.slots.get("amount"), meant.slots.get("unit")
        if not isinstance(amount, tuple) or not isinstance(target, str):
            return None
        value, source = Decimal(amount[0]), str(amount[1])
        try:
            result = convert(value, source, target)
        except ValueError:
            return self._replies.say(
                "not_convertible", source=self._units[source][1], target=self._units[target][1]
            )
        short = spoken.rounded(result)
        exact = abs(short - result) <= abs(result) * Decimal("1e-9")
        said = self._replies.say(
            "converted" if exact else "converted_about",
            amount=self._quantity(value, source),
            result=self._quantity(short, target),
        )
        return said[0].upper() + said[1:]

    def _quantity(self, value: Decimal, unit: str) -> str:
        singular, plural = self._units[unit][:2]
        return spoken.quantity(value, singular, plural)

    # ------------------------------------------------------------------ chance

    def _flip_coin(self, _: Understood) -> str:
        return self._replies.say(self._chance.choice(("heads", "tails")))

    def _roll_dice(self, meant: Understood) -> str:
        number = int(Decimal(str(meant.slots.get("number", 1))))
        if meant.slots.get("what") == "sides":
            return self._replies.say(
                "die", value=spoken.number(self._chance.randint(1, max(2, number)))
            )
        if not 1 <= number <= _MOST_DICE:
            return self._replies.say("too_many_dice")
        rolls = [self._chance.randint(1, 6) for _ in range(number)]
        if number == 1:
            return self._replies.say("die", value=spoken.number(rolls[0]))
        values = spoken.listing([spoken.number(roll) for roll in rolls])
        said = self._replies.say("dice", values=values, total=spoken.number(sum(rolls)))
        return said[0].upper() + said[1:]

    def _random_number(self, meant: Understood) -> str:
        first = int(Decimal(str(meant.slots.get("number", 1))))
        last = int(Decimal(str(meant.slots.get("number2", 100))))
        value = self._chance.randint(min(first, last), max(first, last))
        said = self._replies.say("random_number", value=spoken.number(value))
        return said[0].upper() + said[1:]


def _of_two(meant: Understood) -> Decimal | None:
    """``divide 10 by 4``; None for a division by nothing."""
    first, second = (Decimal(str(meant.slots[name])) for name in ("number", "number2"))
    operator = meant.slots.get("operator", "+")
    if operator == "/":
        return first / second if second else None
    return {"+": first + second, "-": first - second, "*": first * second}[str(operator)]

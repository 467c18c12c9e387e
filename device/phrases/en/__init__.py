"""English."""

from __future__ import annotations

from device.phrases.book import Day, Form, PhraseBook
from device.phrases.en import forms
from device.phrases.en.sentences import NOTICES, SENTENCES

FORMS: dict[str, Form] = {
    "text": lambda book, value, _: book.say(value),
    "number": lambda _, value, __: forms.number(value),
    "count": lambda _, value, noun: forms.count(value, noun),
    "plural": lambda _, value, words: words.split("|")[0 if value == 1 else 1],
    "duration": lambda _, value, __: forms.duration(value),
    "remaining": lambda _, value, __: forms.remaining(value),
    "clock": lambda _, value, __: forms.clock_time(value),
    "date": lambda _, value, __: forms.date(value),
    "year": lambda _, value, __: forms.year(value.year),
    "day": lambda _, value, __: _day(value),
    "weekdays": lambda _, value, __: forms.weekdays(value),
    "list": lambda book, value, link: forms.listing([book.say(v) for v in value], link or "and"),
    "commas": lambda book, value, _: ", ".join(book.say(each) for each in value),
    "digits": lambda _, value, __: ", ".join(forms.number(int(digit)) for digit in value),
    "address": lambda _, value, __: value.replace(".", " point ").replace(":", " colon "),
}


def _day(value: Day) -> str:
    return forms.day(value.date, value.today)


__all__ = ["ENGLISH", "FORMS", "NOTICES"]

ENGLISH = PhraseBook("en", SENTENCES | NOTICES, FORMS)

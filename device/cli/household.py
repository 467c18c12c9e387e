"""``bittern timers``, ``alarms``, ``reminders`` and ``lists``: read and changed by hand."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from device.cli.by_hand import add_places, run_by_hand

if TYPE_CHECKING:
    from device.cli import Commands

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ABOUT = "Of the appliance that runs; when none does, of the one that is stopped."


def add_commands(commands: Commands[Any]) -> None:
    """Declare the five families; without a verb each tells what there is."""
    _add_timers(_family(commands, "timers", "show, set and cancel timers", "list_timers"))
    _add_alarms(_family(commands, "alarms", "show, set and cancel alarms", "list_alarms"))
    reminders = _family(commands, "reminders", "show, set and cancel reminders", "list_reminders")
    _add_reminders(reminders)
    _add_lists(_family(commands, "lists", "show and change shopping and other lists", "list_lists"))
    _add_facts(_family(commands, "facts", "show and forget what it is to remember", "list_facts"))


def span(text: str) -> dict[str, object]:
    """Read ``1h30m``, ``10m`` or ``90s`` as a tool's hours, minutes and seconds."""
    found = _SPAN.fullmatch(text.lower())
    if not text or found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no span such as 10m, 90s or 1h30m")
    names = ("hours", "minutes", "seconds")
    return {name: int(n) for name, n in zip(names, found.groups(), strict=True) if n}


def _family(commands: Commands[Any], name: str, about: str, tool: str) -> Commands[Any]:
    family = commands.add_parser(name, help=about, description=f"{about.capitalize()}. {_ABOUT}")
    add_places(family)
    family.set_defaults(run=_run, tool=tool, given=())
    verbs: Commands[Any] = family.add_subparsers(dest="verb", metavar="VERB")
    return verbs


def _verb(
    verbs: Commands[Any], name: str, about: str, tool: str, *given: str
) -> argparse.ArgumentParser:
    """``given``: the arguments of the command that are arguments of the tool."""
    parser = verbs.add_parser(name, help=about, description=about.capitalize() + ".")
    parser.set_defaults(tool=tool, given=given)
    assert isinstance(parser, argparse.ArgumentParser)
    return parser


def _add_timers(verbs: Commands[Any]) -> None:
    new = _verb(verbs, "set", "start a timer", "set_timer", "span", "name")
    new.add_argument("span", type=span, metavar="SPAN", help="such as 10m, 90s or 1h30m")
    new.add_argument("--name", help="what it is for")
    gone = _verb(verbs, "cancel", "cancel a timer", "cancel_timer", "name", "which", "all_timers")
    gone.add_argument("name", nargs="?", metavar="NAME", help="not needed for the only one")
    gone.add_argument("--which", type=int, metavar="N", help="its place, 1 the first")
    gone.add_argument("--all", action="store_true", dest="all_timers", help="all of them")


def _add_facts(verbs: Commands[Any]) -> None:
    new = _verb(verbs, "add", "have it remember a sentence", "remember_fact", "fact")
    new.add_argument("fact", metavar="SENTENCE")
    gone = _verb(verbs, "forget", "have it forget", "forget_fact", "fact", "all_facts")
    gone.add_argument("fact", nargs="?", metavar="WORDS", help="words of it")
    gone.add_argument("--all", action="store_true", dest="all_facts", help="all of them")


def _add_alarms(verbs: Commands[Any]) -> None:
    new = _verb(verbs, "set", "set an alarm", "set_alarm", "time", "date", "weekdays", "name")
    new.add_argument("time", metavar="HH:MM")
    _add_days(new)
    new.add_argument("--name", help="what it is for")
    gone = _verb(
        verbs, "cancel", "cancel an alarm", "cancel_alarm", "time", "name", "which", "all_alarms"
    )
    gone.add_argument("time", nargs="?", metavar="HH:MM", help="not needed for the only one")
    gone.add_argument("--name", help="of the alarm, when it has one")
    gone.add_argument("--which", type=int, metavar="N", help="its place, 1 the first")
    gone.add_argument("--all", action="store_true", dest="all_alarms", help="all of them")


def _add_reminders(verbs: Commands[Any]) -> None:
    new = _verb(
        verbs, "set", "set a reminder", "set_reminder", "text", "time", "date", "weekdays", "span"
    )
    new.add_argument("text", metavar="TEXT", help="what is said then")
    when = new.add_mutually_exclusive_group(required=True)
    when.add_argument("--at", dest="time", metavar="HH:MM")
    when.add_argument("--in", dest="span", type=span, metavar="SPAN", help="such as 2h or 1h30m")
    _add_days(new)
    gone = _verb(verbs, "cancel", "cancel a reminder", "cancel_reminder", "text", "all_reminders")
    gone.add_argument("text", nargs="?", metavar="TEXT", help="some words of it")
    gone.add_argument("--all", action="store_true", dest="all_reminders", help="all of them")


def _add_days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--date", metavar="DAY", help="YYYY-MM-DD, tomorrow or a weekday")
    parser.add_argument(
        "--every", nargs="+", dest="weekdays", metavar="WEEKDAY", choices=WEEKDAYS, help="weekly"
    )


def _add_lists(verbs: Commands[Any]) -> None:
    for name, about, tool in (
        ("show", "show one list", "read_list"),
        ("add", "put things on a list", "add_to_list"),
        ("remove", "take things off a list", "remove_from_list"),
        ("clear", "take everything off a list", "clear_list"),
    ):
        takes_items = name in ("add", "remove")
        given = ("list_name", "items") if takes_items else ("list_name",)
        parser = _verb(verbs, name, about, tool, *given)
        parser.add_argument("list_name", metavar="LIST", help="such as shopping")
        if takes_items:
            parser.add_argument("items", nargs="+", metavar="THING")


def _run(chosen: argparse.Namespace) -> int:
    arguments: dict[str, object] = {}
    for name in chosen.given:
        value = getattr(chosen, name)
        if name == "span":
            arguments |= value or {}
        elif value is not None and value is not False:
            arguments[name] = value
    return run_by_hand(chosen, chosen.tool, arguments)

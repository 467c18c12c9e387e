"""``bittern spending``: what each endpoint and model has used, day by day."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands
    from device.spending.ledger import LedgerEntry

SOON_S = 10.0


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``spending``."""
    about = "show what the endpoints have used and cost, day by day"
    parser = commands.add_parser("spending", help=about, description=about.capitalize() + ".")
    parser.add_argument(
        "--since", type=_day, metavar="DAY", help="from this day on, as 2026-11-01 (this month)"
    )
    parser.add_argument("--months", action="store_true", help="add up the days of each month")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-01") from None


def run(chosen: argparse.Namespace) -> int:
    """Ask the appliance, or read its file; print."""
    from device.room.policy import budget_from
    from device.settings import load_settings
    from device.spending.ledger import as_json, by_month
    from device.spending.meter import first_of_month
    from device.spending.words import sentence, table

    settings = load_settings(chosen.config).settings
    this_month = first_of_month(date.today())
    entries = _entries(settings.paths, min(chosen.since or this_month, this_month))
    budget = budget_from(settings.budget)
    month = [each for each in entries if each.day >= this_month]
    shown = [each for each in entries if chosen.since is None or each.day >= chosen.since]
    shown = by_month(shown) if chosen.months else shown
    if chosen.json:
        said = {
            "month_usd": budget.month_usd or None,
            "spent_usd": round(sum(each.usd for each in month), 6),
            "entries": [as_json(each) for each in shown],
        }
        print(json.dumps(said))
    else:
        print("\n".join([*(table(shown) if shown else []), sentence(month, budget)]))
    return 0


def _entries(paths: Any, since: date) -> list[LedgerEntry]:
    """From the appliance that runs, which its group may ask; else from its file."""
    from device.appliance.control import NotServedError, order
    from device.cli.control import usual_socket
    from device.settings.places import state_folder
    from device.spending.ledger import FILE, from_json, read

    try:
        reply = order(usual_socket(), {"command": "spending", "since": since.isoformat()}, SOON_S)
    except NotServedError:
        reply = {}
    told = reply.get("entries")
    if isinstance(told, list):
        return [from_json(each) for each in told]
    return read(state_folder(paths) / FILE, since)

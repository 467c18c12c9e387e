"""The file that remembers: sums, months, damage, power cuts, readers beside the writer."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from device.assistant.budget import Budget
from device.doctor.budget import check_budget
from device.doctor.findings import Verdict
from device.house.endpoints import unpriced_models
from device.settings import load_settings
from device.spending.ledger import Ledger, LedgerEntry, LedgerError, by_model, by_month, read
from device.spending.meter import Spending, until_midnight_s
from device.spending.prices import Price, prices
from device.spending.tokens import Tokens
from device.spending.words import sentence, table

TODAY = date(2026, 11, 22)
NOVEMBER = date(2026, 11, 1)


def used(day: date = TODAY, usd: float = 0.5, model: str = "m", **more: object) -> LedgerEntry:
    tokens = Tokens(text_in=10, audio_out=20, seconds=1.5)
    return LedgerEntry(day, "cloud", model, tokens, usd, bool(more.get("is_priced", True)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spending.sqlite3"


def test_what_is_added_is_there_after_closing(file: Path) -> None:
    ledger = Ledger.open(file, TODAY)
    for _ in range(3):
        ledger.add(used())
    ledger.add(used(day=date(2026, 11, 2), is_priced=False))
    ledger.add(used(day=date(2026, 10, 31)))
    ledger.close()
    entries = Ledger.open(file, TODAY).since(NOVEMBER)
    assert [entry.day.day for entry in entries] == [2, 22]
    assert entries[1].tokens == Tokens(text_in=30, audio_out=60, seconds=4.5)
    assert entries[1].usd == pytest.approx(1.5)
    (month,) = by_model(entries)
    assert month.usd == pytest.approx(2.0)
    assert not month.is_priced
    assert [each.day for each in by_month(read(file, date.min))] == [date(2026, 10, 1), NOVEMBER]


def test_a_year_and_a_month_are_kept(file: Path) -> None:
    ledger = Ledger.open(file, TODAY)
    ledger.add(used(day=date(2025, 9, 1)))
    ledger.add(used(day=date(2025, 12, 1)))
    ledger.close()
    assert [each.day for each in Ledger.open(file, TODAY).since(date.min)] == [date(2025, 12, 1)]


def test_it_holds_no_word_and_nobody_else_reads_it(file: Path) -> None:
    old = os.umask(0o077)
    try:
        Ledger.open(file, TODAY).close()
    finally:
        os.umask(old)
    with sqlite3.connect(file) as connection:
        columns = [row[1:3] for row in connection.execute("PRAGMA table_info(spending)")]
    assert [name for name, kind in columns if kind == "TEXT"] == ["day", "endpoint", "model"]
    assert file.stat().st_mode & 0o077 == 0


def test_one_reads_while_the_other_writes(file: Path) -> None:
    ledger = Ledger.open(file, TODAY)
    for count in range(1, 4):
        ledger.add(used())
        assert read(file, NOVEMBER)[0].usd == pytest.approx(0.5 * count)


@pytest.mark.parametrize("damage", [b"not a database at all", b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_file_is_set_aside(file: Path, damage: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(damage)
    ledger = Ledger.open(file, TODAY)
    ledger.add(used())
    assert len(ledger.since(NOVEMBER)) == 1
    (aside,) = file.parent.glob("*set-aside*")
    assert aside.read_bytes() == damage


def test_one_of_a_later_bittern_is_set_aside(file: Path) -> None:
    ledger = Ledger.open(file, TODAY)
    ledger.add(used())
    ledger.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=99")
    assert Ledger.open(file, TODAY).since(NOVEMBER) == []


def test_nobody_has_spent_anything_yet(tmp_path: Path) -> None:
    assert read(tmp_path / "nothing", NOVEMBER) == []
    (tmp_path / "folder").mkdir()
    with pytest.raises(LedgerError, match="cannot be read"):
        read(tmp_path / "folder", NOVEMBER)


WRITER = """
import sys
from datetime import date
from pathlib import Path
from device.spending.ledger import LedgerEntry, Ledger
from device.spending.tokens import Tokens
ledger = Ledger.open(Path(sys.argv[1]), date(2026, 11, 22))
while True:
    ledger.add(LedgerEntry(date(2026, 11, 22), "cloud", "m", Tokens(audio_out=1), 0.25, True))
    print("kept", flush=True)
"""


def test_killed_at_any_moment_it_has_all_that_was_kept(file: Path) -> None:
    kept = 0
    for lines in (1, 2, 7):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, file], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(lines):
            assert writer.stdout.readline() == b"kept\n"
        writer.send_signal(signal.SIGKILL)
        kept += lines + writer.stdout.read().count(b"kept\n")
        writer.wait()
    (entry,) = Ledger.open(file, TODAY).since(NOVEMBER)
    # The last one of each may be on the disk, and its word not said.
    assert kept <= entry.tokens.audio_out <= kept + 3
    assert entry.usd == pytest.approx(0.25 * entry.tokens.audio_out)


class Calendar:
    """A day that the test turns."""

    def __init__(self) -> None:
        self.day = TODAY

    def __call__(self) -> date:
        return self.day


def spending_in(file: Path, told: list[float], calendar: Calendar) -> Spending:
    spending = Spending(file, prices([Price("m", audio_out=1_000_000)]), calendar)
    spending.followers.append(told.append)
    return spending


def response_done(audio_tokens: int):
    from device.realtime.events import ResponseDone
    from device.realtime.response_object import OutputTokenDetails, Response, Usage

    details = OutputTokenDetails(audio_tokens=audio_tokens)
    return ResponseDone(
        response=Response(id="r", usage=Usage(output_token_details=details)), event_id="e"
    )


async def test_a_month_goes_on_after_a_restart_and_a_new_one_begins_at_zero(file: Path) -> None:
    told: list[float] = []
    calendar = Calendar()
    for _ in range(2):
        spending = spending_in(file, told, calendar)
        await spending.open()
        spending.meter("cloud", "m")(response_done(2))
        await spending.close()
    assert told == [2.0, 4.0]
    spending = spending_in(file, told, calendar)
    await spending.open()
    assert spending.month_usd == 4.0
    calendar.day = date(2026, 12, 1)
    spending.meter("cloud", "m")(response_done(3))
    assert told[-1] == 3.0
    assert [each.day for each in await spending.since(date.min)] == [TODAY, date(2026, 12, 1)]
    await spending.close()


async def test_an_unknown_price_is_said_once_and_tokens_are_counted(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[float] = []
    spending = spending_in(file, told, Calendar())
    await spending.open()
    meter = spending.meter("cloud", "gpt-unheard-of")
    meter(response_done(5))
    meter(response_done(5))
    assert told == []
    assert len([each for each in caplog.records if "nobody knows" in each.message]) == 1
    said = sentence(spending.month, Budget(10.0))
    assert said == (
        "0.00 of 10 USD this month; not in it, for its price is not known: "
        "gpt-unheard-of, 10 tokens"
    )
    assert "and more" in "\n".join(table(spending.month))
    await spending.close()
    finding = check_budget(file, Budget(10.0), TODAY)
    assert finding.verdict is Verdict.WARNING
    assert "[[price]]" in finding.advice


async def test_where_nothing_can_be_written_it_counts_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folder").mkdir()
    told: list[float] = []
    spending = spending_in(tmp_path / "folder", told, Calendar())
    await spending.open()
    spending.meter("cloud", "m")(response_done(2))
    assert (spending.month_usd, told) == (2.0, [2.0])
    assert len(await spending.since(NOVEMBER)) == 1
    await spending.close()
    assert "memory only" in caplog.text


@pytest.mark.parametrize(
    ("usd", "budget", "verdict", "found"),
    [
        (1.234, Budget(10.0), Verdict.GOOD, "1.23 of 10 USD this month"),
        (8.5, Budget(10.0), Verdict.WARNING, "8.50 of 10 USD this month"),
        (10.5, Budget(10.0), Verdict.WARNING, "10.50 of 10 USD this month"),
        (10.5, Budget(), Verdict.GOOD, "10.50 USD this month, no limit set"),
    ],
)
def test_the_doctor_says_how_it_stands(
    file: Path, usd: float, budget: Budget, verdict: Verdict, found: str
) -> None:
    ledger = Ledger.open(file, TODAY)
    ledger.add(used(usd=usd))
    ledger.add(used(day=date(2026, 10, 31), usd=99.0))
    ledger.close()
    finding = check_budget(file, budget, TODAY)
    assert (finding.verdict, finding.found) == (verdict, found)
    assert bool(finding.advice) is (verdict is Verdict.WARNING)


def test_before_anything_was_spent(file: Path) -> None:
    finding = check_budget(file, Budget(), TODAY)
    assert (finding.verdict, finding.found) == (
        Verdict.GOOD, "nothing spent this month, no limit set",
    )  # fmt: skip


def test_midnight() -> None:
    assert until_midnight_s(datetime(2026, 11, 30, 23, 59, 30)) == 31.0


async def test_the_date_is_looked_at_in_the_background(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from device.spending import meter

    monkeypatch.setattr(meter, "LOOK_AT_THE_DATE_S", 0.01)
    calendar, is_new = Calendar(), asyncio.Event()

    def on_spent(month_usd: float) -> None:
        if month_usd == 0.0:
            is_new.set()

    spending = Spending(file, prices([Price("m", audio_out=1_000_000)]), calendar)
    spending.followers.append(on_spent)
    await spending.open()
    spending.meter("cloud", "m")(response_done(2))
    turning = asyncio.create_task(spending.run())
    calendar.day = date(2026, 12, 1)
    async with asyncio.timeout(30):
        await is_new.wait()
    turning.cancel()
    await spending.close()


def test_a_limit_that_cannot_be_kept_is_said_before_anything_was_spent(
    tmp_path: Path, file: Path
) -> None:
    house = tmp_path / "my.toml"
    house.write_text(
        '[[endpoint]]\nname = "azure"\nurl = "wss://x.example/v1/realtime"\nmodel = "ours"\n'
        'key_env = "K"\ntranscription_model = "gpt-transcribe"\n'
        '[[endpoint]]\nname = "lan"\nurl = "ws://192.0.2.1"\nmodel = "free"\n'
    )
    unpriced = unpriced_models(load_settings(house).settings)
    assert unpriced == ["ours"]
    finding = check_budget(file, Budget(10.0), TODAY, unpriced)
    assert finding.verdict is Verdict.WARNING
    assert finding.found.endswith("the price of ours is not known")
    assert check_budget(file, Budget(), TODAY, unpriced).verdict is Verdict.GOOD
    house.write_text(f'{house.read_text()}[[price]]\nname = "ours"\naudio_out = 3\n')
    assert unpriced_models(load_settings(house).settings) == []

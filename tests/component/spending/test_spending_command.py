"""``bittern spending``: from the file when nothing runs."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from device.cli import main
from device.spending.ledger import Ledger, LedgerEntry
from device.spending.tokens import Tokens


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Settings with a limit, and what was spent this month and in one before."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    file = tmp_path / "my.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}"\n[budget]\nmonth_usd = 10\n')
    today = date.today()
    ledger = Ledger.open(tmp_path / "spending.sqlite3", today)
    for day, usd in ((today, 1.25), (today.replace(day=1) - timedelta(days=40), 3.5)):
        for number in (1, 2):
            used = Tokens(text_in=100, audio_out=20 * number)
            ledger.add(LedgerEntry(day, "cloud", "m", used, usd, True))
    ledger.add(LedgerEntry(today, "cloud", "t", Tokens(seconds=90), 0.00675, True))
    ledger.close()
    return ["spending", "--config", str(file)]


def test_this_month(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(house) == 0
    heading, first, second, last = capsys.readouterr().out.splitlines()
    assert heading.split() == ["day", "endpoint", "model", "tokens", "sound", "USD"]
    assert first.split() == [date.today().isoformat(), "cloud", "m", "260", "2.5000"]
    assert second.split()[3:] == ["1.5", "min", "0.0067"]
    assert last == "2.51 of 10 USD this month"


def test_months_since_a_day(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*house, "--since", "2020-01-01", "--months", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["month_usd"], told["spent_usd"]) == (10.0, 2.50675)
    assert [(each["model"], each["usd"]) for each in told["entries"]] == [
        ("m", 7.0), ("m", 2.5), ("t", 0.00675),
    ]  # fmt: skip
    assert all(each["day"].endswith("-01") for each in told["entries"])


def test_what_is_no_day_is_refused(house: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*house, "--since", "yesterday"])
    assert "no day such as 2026-11-01" in capsys.readouterr().err

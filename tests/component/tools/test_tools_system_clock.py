"""The clocks of this machine."""

from __future__ import annotations

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pytest

from device.tools import moments
from device.tools.moments import SystemClock, local_zone


def test_all_clocks_advance_together() -> None:
    clock = SystemClock()
    first = clock.now()
    time.sleep(0.02)
    second = clock.now()
    assert second.boot == first.boot
    assert 0.015 < second.elapsed_s - first.elapsed_s < 1
    assert abs(second.wall_s - time.time()) < 1
    assert second.local.tzinfo is second.zone


def test_the_zone_of_the_settings_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert SystemClock(ZoneInfo("Europe/Paris")).now().zone == ZoneInfo("Europe/Paris")
    assert SystemClock().now().zone == ZoneInfo("Asia/Tokyo")


def test_a_new_zone_is_followed_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert clock.now().zone == ZoneInfo("Asia/Tokyo")
    monkeypatch.setenv("TZ", ":America/New_York")
    assert clock.now().zone == ZoneInfo("America/New_York")


def test_an_unreadable_zone_is_utc(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TZ", "Nowhere/Land")
    assert local_zone() is dt.UTC
    assert "Nowhere/Land" in caplog.text


def test_a_hidden_boot_id_makes_every_start_a_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    def hide(self: object) -> str:
        raise PermissionError

    monkeypatch.setattr(moments.Path, "read_text", hide)
    assert SystemClock().now().boot != SystemClock().now().boot


def test_trust_is_answered_whatever_the_machine_allows() -> None:
    assert SystemClock().is_trusted() in (True, False)

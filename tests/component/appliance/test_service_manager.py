"""What systemd is told, read from a real notification socket."""

from __future__ import annotations

import asyncio

import pytest

from device.appliance.service_manager import GOES_ON_WITHIN_S, EarsProgress, Efforts, ServiceManager


async def watch_for(manager: ServiceManager, progress, length_s: float) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(manager.watch(progress), length_s)


async def test_ready_only_when_the_ears_have_scored(notifications):
    heard = EarsProgress(blocks_captured=3, blocks_heard=3, seconds_scored=0.0)
    manager = ServiceManager()
    await watch_for(manager, lambda: heard, 0.2)
    assert "READY=1" not in notifications()
    heard = EarsProgress(blocks_captured=4, blocks_heard=4, seconds_scored=0.06)
    await watch_for(manager, lambda: heard, 0.2)
    assert notifications().count("READY=1") == 1


async def test_an_appliance_that_starts_muted_is_ready(notifications):
    muted = EarsProgress(0, 0, 0.0, is_excused=True, is_muted=True)
    await watch_for(ServiceManager(), lambda: muted, 0.2)
    assert notifications().count("READY=1") == 1
    broken = EarsProgress(0, 0, 0.0, is_excused=True)
    await watch_for(ServiceManager(), lambda: broken, 0.2)
    assert "READY=1" not in notifications()


async def test_a_deaf_process_starves_the_watchdog(notifications):
    manager = ServiceManager()
    stuck = EarsProgress(blocks_captured=50, blocks_heard=49, seconds_scored=1.0)
    await watch_for(manager, lambda: stuck, 0.3)
    assert "WATCHDOG=1" not in notifications()


async def test_ears_that_hear_nothing_new_starve_it_even_if_sound_arrives(notifications):
    blocks = iter(range(1, 1000))

    def progress() -> EarsProgress:
        return EarsProgress(blocks_captured=next(blocks), blocks_heard=7, seconds_scored=1.0)

    await watch_for(ServiceManager(), progress, 0.3)
    assert "WATCHDOG=1" not in notifications()


async def test_progress_feeds_it(notifications):
    blocks = iter(range(1, 1000))

    def progress() -> EarsProgress:
        count = next(blocks)
        return EarsProgress(blocks_captured=count, blocks_heard=count, seconds_scored=count * 0.02)

    await watch_for(ServiceManager(), progress, 0.3)
    assert notifications().count("WATCHDOG=1") >= 3


async def test_a_closed_microphone_is_no_deafness(notifications):
    muted = EarsProgress(blocks_captured=9, blocks_heard=9, seconds_scored=1.0, is_excused=True)
    await watch_for(ServiceManager(), lambda: muted, 0.3)
    assert "WATCHDOG=1" in notifications()


def test_efforts_go_on_as_long_as_one_follows_the_other():
    now_s = 7.0
    efforts = Efforts(lambda: now_s)
    assert efforts.go_on
    now_s += GOES_ON_WITHIN_S - 1
    efforts.made()
    now_s += GOES_ON_WITHIN_S - 1
    assert efforts.go_on
    now_s += 2
    assert not efforts.go_on
    efforts.made()
    assert efforts.go_on


async def test_without_a_service_manager_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    manager = ServiceManager()
    manager.ready()
    manager.status("fine")
    assert manager.watchdog_s is None or manager.watchdog_s > 0

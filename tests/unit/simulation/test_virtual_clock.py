"""Virtual time jumps to what comes next, and waits for nothing but real work."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import threading
import time
from zoneinfo import ZoneInfo

import pytest

from device.workshop.simulation.clock import VirtualClock, VirtualLoop, run_virtually


def test_an_evening_takes_a_moment() -> None:
    async def evening(clock: VirtualClock) -> list[str]:
        seen = []
        for _ in range(3):
            await asyncio.sleep(3_600)
            seen.append(clock.local.strftime("%H:%M"))
        return seen

    began_s = time.monotonic()
    assert run_virtually(evening) == ["19:00", "20:00", "21:00"]
    assert time.monotonic() - began_s < 1


def test_many_sleepers_wake_in_order_and_on_time() -> None:
    async def play(clock: VirtualClock) -> list[tuple[float, float]]:
        woken: list[tuple[float, float]] = []

        async def sleep(for_s: float) -> None:
            await asyncio.sleep(for_s)
            woken.append((for_s, clock.now().elapsed_s))

        await asyncio.gather(*(sleep(for_s) for for_s in (7, 0.001, 86_400 * 40, 3, 7)))
        return woken

    woken = run_virtually(play)
    assert [for_s for for_s, _ in woken] == [0.001, 3, 7, 7, 86_400 * 40]
    assert all(at_s == pytest.approx(for_s, abs=1e-6) for for_s, at_s in woken)


def test_time_outs_come_due() -> None:
    async def play(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 600)
        return clock.now().elapsed_s

    assert run_virtually(play) == pytest.approx(600)


def test_time_stands_still_for_threads_of_an_executor() -> None:
    async def play(clock: VirtualClock) -> float:
        alarm = asyncio.create_task(asyncio.sleep(5))
        await asyncio.to_thread(time.sleep, 0.05)
        assert not alarm.done()
        return clock.now().elapsed_s

    assert run_virtually(play) == 0


def test_time_stands_still_while_held() -> None:
    async def play(clock: VirtualClock) -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        heard = asyncio.Event()
        with loop.hold():
            timer = threading.Timer(0.05, lambda: loop.call_soon_threadsafe(heard.set))
            timer.start()
            async with asyncio.timeout(1):
                await heard.wait()
        timer.join()
        await asyncio.sleep(2)
        return clock.now().elapsed_s

    assert run_virtually(play) == pytest.approx(2)


def test_sockets_within_the_loop_work() -> None:
    async def play(clock: VirtualClock) -> bytes:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        _, other = await asyncio.open_connection(sock=theirs)
        await asyncio.sleep(10)
        other.write(b"hello\n")
        line = await asyncio.wait_for(reader.readline(), 1)
        writer.close()
        other.close()
        return line

    assert run_virtually(play) == b"hello\n"


def test_the_wall_clock_can_be_set_and_the_machine_booted() -> None:
    zone = ZoneInfo("America/New_York")

    async def play(clock: VirtualClock) -> None:
        first = clock.now()
        clock.jump(-1_800)
        assert clock.now().wall_s == first.wall_s - 1_800
        assert clock.now().elapsed_s == first.elapsed_s
        clock.set_local(dt.datetime(2027, 7, 1, 6, 59))
        assert clock.local == dt.datetime(2027, 7, 1, 6, 59, tzinfo=zone)
        await asyncio.sleep(60)
        assert clock.local.strftime("%H:%M") == "07:00"
        clock.reboot()
        assert clock.now().elapsed_s == 0
        assert clock.now().boot != first.boot
        assert clock.local.strftime("%H:%M") == "07:00"

    run_virtually(play, dt.datetime(2026, 3, 8, tzinfo=zone))


def test_a_clock_without_zone_is_refused() -> None:
    async def play(clock: VirtualClock) -> None:
        with pytest.raises(ValueError, match="zone"):
            VirtualClock(asyncio.get_running_loop(), dt.datetime(2026, 1, 1))

    run_virtually(play)


def test_what_fails_inside_fails_outside() -> None:
    async def play(clock: VirtualClock) -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_virtually(play)


def test_time_never_runs_ahead_of_what_is_scheduled() -> None:
    async def play(clock: VirtualClock) -> None:
        late: list[float] = []
        loop = asyncio.get_running_loop()
        for number in range(1, 2_000):
            due_s = number * 0.1
            loop.call_at(due_s, lambda due_s=due_s: late.append(loop.time() - due_s))
        await asyncio.sleep(300)
        assert len(late) == 1_999
        assert max(late) < 1e-6
        assert min(late) > -1e-6

    run_virtually(play)

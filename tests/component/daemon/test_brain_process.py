"""The brain as a child: ready when it is said to be, mended when it dies or hangs, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from device.appliance import brain_process, children
from device.appliance.brain_process import BrainDidNotStartError, BrainProcess
from device.realtime.endpoint import Endpoint
from device.realtime.session import session_for
from device.realtime.websocket import WebSocketLink
from device.room.policy import brain_arguments
from device.settings.tree import Paths, Settings


@pytest.fixture
async def brain(tmp_path: Path) -> AsyncIterator[BrainProcess]:
    brain = BrainProcess(tmp_path / "run" / "brain.sock")
    yield brain
    await brain.stop()


def pid_of(brain: BrainProcess) -> int:
    assert brain._process is not None
    return brain._process.pid


async def greeting_takes_s(brain: BrainProcess) -> float:
    """Open a link as the appliance would, with a patience that is shorter than loading models."""
    endpoint = Endpoint(
        name="brain",
        url=f"unix:{brain.socket_path}",
        key_required=False,
        is_local=True,
        handshake_timeout_s=2.0,
    )
    begun_s = time.monotonic()
    link = await WebSocketLink.open(endpoint, session_for(endpoint, instructions="Be brief."))
    await link.close()
    return time.monotonic() - begun_s


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_ready_when_said_to_be_and_mended_when_it_is_gone_or_hangs(
    brain: BrainProcess, caplog: pytest.LogCaptureFixture
) -> None:
    impatient = asyncio.create_task(brain.ensure())
    await asyncio.sleep(0.3)
    impatient.cancel()  # the question was dropped while it was starting
    await asyncio.gather(*(brain.ensure() for _ in range(5)))
    assert caplog.text.count("starting the local brain") <= 1
    await greeting_takes_s(brain)
    first = pid_of(brain)

    os.kill(first, signal.SIGKILL)
    await brain.ensure()
    second = pid_of(brain)
    assert second != first
    await greeting_takes_s(brain)

    os.kill(second, signal.SIGSTOP)
    begun_s = time.monotonic()
    await brain.ensure()
    # It is knocked at, given up, killed, and the next one loads its models.
    limit_s = brain_process.ANSWER_WITHIN_S + children.STOP_WITHIN_S
    assert time.monotonic() - begun_s < limit_s + brain_process.READY_WITHIN_S
    assert not is_alive(second)
    await greeting_takes_s(brain)

    third = pid_of(brain)
    os.kill(third, signal.SIGSTOP)
    begun_s = time.monotonic()
    await brain.stop()
    assert time.monotonic() - begun_s < children.STOP_WITHIN_S + 0.5
    assert not is_alive(third)


async def test_one_that_cannot_start_says_so_at_once(
    tmp_path: Path,
) -> None:
    nowhere = Settings(paths=Paths(models=str(tmp_path / "no-models")))
    brain = BrainProcess(tmp_path / "run" / "brain.sock", brain_arguments(nowhere))
    begun_s = time.monotonic()
    with pytest.raises(BrainDidNotStartError, match="ended with status 1") as failed:
        await brain.ensure()
    assert "bittern models" in failed.value.advice
    assert time.monotonic() - begun_s < brain_process.READY_WITHIN_S / 2


async def test_one_that_somebody_else_started_is_used_and_left_alone(
    brain: BrainProcess, cloud_of
) -> None:
    brain.socket_path.parent.mkdir()
    await cloud_of(unix_path=brain.socket_path)
    await brain.ensure()
    assert brain._process is None
    await brain.stop()
    await brain.ensure()
    assert brain._process is None


async def test_one_that_somebody_else_started_leaves_when_it_is_asked_to(
    brain: BrainProcess, tmp_path: Path
) -> None:
    """As systemd's does: the next call then starts it anew, which here is the first one's turn."""
    await brain.ensure()
    assert brain._process is not None
    other = BrainProcess(brain.socket_path, may_start=False)
    first = brain._process
    with pytest.raises(BrainDidNotStartError, match="no brain answers"):
        await other.restart()
    assert await asyncio.wait_for(first.wait(), 5.0) == 0
    await brain.ensure()
    assert brain._process is not first
    second = brain._process
    await brain.restart()
    assert brain._process is not second

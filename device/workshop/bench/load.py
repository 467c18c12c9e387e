"""Busy cores, and a listener that shows how late it comes to its work because of them."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

_PERIOD_S = 0.08
"""How often a wake model gets new sound."""
_SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy that we may run on, at the lowest priority's opposite: a normal one."""
    processes = [
        _SPAWN.Process(target=_burn, name=f"bench-burn-{core}", daemon=True)
        for core in os.sched_getaffinity(0)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


class ListeningProcess:
    """A process that runs the voice detector on 80 ms of sound every 80 ms, as the ears do."""

    def __init__(self) -> None:
        self._ours, theirs = _SPAWN.Pipe()
        self._process = _SPAWN.Process(
            target=_listen, args=(theirs,), name="bench-listener", daemon=True
        )

    def __enter__(self) -> ListeningProcess:
        self._process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.join()

    def lateness(self) -> dict[str, Any]:
        """How late each piece of work was done since the last time this was asked, in seconds."""
        from device.workshop.bench.figures import spread

        self._ours.send("lateness")
        return spread(self._ours.recv())


def _burn() -> None:
    while True:
        sum(number * number for number in range(10_000))


def _listen(theirs: Connection[Any, Any]) -> None:
    import numpy as np

    from device.models import path_of
    from device.vad.silero import Silero

    detector = Silero(path_of("silero/silero_vad.onnx"))
    sound = np.random.default_rng(0).normal(0, 500, int(_PERIOD_S * 16_000)).astype(np.int16)
    late: list[float] = []
    due = time.monotonic() + _PERIOD_S
    while True:
        time.sleep(max(0.0, due - time.monotonic()))
        detector.process(sound)
        late.append(max(0.0, time.monotonic() - due))
        due += _PERIOD_S
        if theirs.poll():
            theirs.recv()
            theirs.send(late)
            late = []

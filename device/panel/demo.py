"""Every state of the panel, one after the other, as it would come in a conversation."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator

from device.assistant.states import State
from device.panel.panel import Panel

Scene = Callable[[Panel, float], None]
"""Shows something on a panel for so many seconds."""

CONVERSATION = (
    State.IDLE,
    State.CONNECTING,
    State.LISTENING,
    State.THINKING,
    State.SPEAKING,
    State.FOLLOW_UP,
)


def scenes() -> Iterator[Scene]:
    """Yield the cloud's conversation, the local brain's, mute, a fault, volume, a warning."""
    for state in CONVERSATION:
        yield functools.partial(_show, state=state)
    for state in CONVERSATION[1:]:
        yield functools.partial(_show, state=state, is_local=True)
    yield functools.partial(_show, state=State.MUTED)
    yield functools.partial(_show, state=State.FAULTED, fault="no microphone")
    yield _turn_up
    yield _warn
    yield functools.partial(_show, state=State.IDLE)


def _show(
    panel: Panel, seconds: float, *, state: State, is_local: bool = False, fault: str = ""
) -> None:
    # As if somebody spoke: syllables, some three a second.
    panel.follow(lambda _: abs(math.sin(10 * time.monotonic())))
    panel.show(state, is_local=is_local, fault=fault)
    time.sleep(seconds)


def _warn(panel: Panel, seconds: float) -> None:
    panel.show_warning(seconds)
    time.sleep(seconds)
    panel.show_warning(None)


def _turn_up(panel: Panel, seconds: float) -> None:
    panel.show(State.IDLE)
    for percent in range(0, 101, 10):
        panel.show_volume(percent / 100)
        time.sleep(seconds / 11)

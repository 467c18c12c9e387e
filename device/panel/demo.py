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

LEVEL_STEP_S = 0.05
LOUD = (State.LISTENING, State.SPEAKING)
CONVERSATION = (
    State.IDLE,
    State.CONNECTING,
    State.LISTENING,
    State.THINKING,
    State.SPEAKING,
    State.FOLLOW_UP,
)


def scenes() -> Iterator[Scene]:
    """Yield the cloud's conversation, the local brain's, mute, a fault and the volume."""
    for state in CONVERSATION:
        yield functools.partial(_show, state=state)
    for state in CONVERSATION[1:]:
        yield functools.partial(_show, state=state, is_local=True)
    yield functools.partial(_show, state=State.MUTED)
    yield functools.partial(_show, state=State.FAULTED, fault="no microphone")
    yield _turn_up
    yield functools.partial(_show, state=State.IDLE)


def _show(
    panel: Panel, seconds: float, *, state: State, is_local: bool = False, fault: str = ""
) -> None:
    panel.show(state, is_local=is_local, fault=fault)
    ends_s = time.monotonic() + seconds
    while (left_s := ends_s - time.monotonic()) > 0:
        # As if somebody spoke: syllables, some three a second.
        panel.set_level(abs(math.sin(10 * left_s)) if state in LOUD else 0.0)
        time.sleep(min(left_s, LEVEL_STEP_S))


def _turn_up(panel: Panel, seconds: float) -> None:
    panel.show(State.IDLE)
    for percent in range(0, 101, 10):
        panel.show_volume(percent / 100)
        time.sleep(seconds / 11)

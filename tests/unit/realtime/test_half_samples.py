"""Sound that a server cuts in the middle of a sample comes out whole."""

from __future__ import annotations

import base64
import itertools

import numpy as np
import pytest

from device.realtime.pcm import SampleJoiner
from device.realtime.problems import ProtocolError

SOUND = np.arange(-50, 50, dtype="<i2").tobytes()


def text(piece: bytes) -> str:
    return base64.b64encode(piece).decode()


@pytest.mark.parametrize("cuts", [(1,), (3, 7), (101, 102, 103), (1, 2, 3, 4, 5)])
def test_halves_are_carried_over(cuts: tuple[int, ...]) -> None:
    joiner = SampleJoiner()
    bounds = [0, *cuts, len(SOUND)]
    parts = [joiner.whole(text(SOUND[begin:end])) for begin, end in itertools.pairwise(bounds)]
    assert all(len(part) % 2 == 0 for part in parts)
    assert b"".join(parts) == SOUND


def test_what_is_no_base64_is_refused_and_forgets_nothing() -> None:
    joiner = SampleJoiner()
    begun = joiner.whole(text(SOUND[:5]))
    with pytest.raises(ProtocolError):
        joiner.whole("!!!")
    assert begun + joiner.whole(text(SOUND[5:])) == SOUND

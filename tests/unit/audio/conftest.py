"""Devices that a test turns by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hand_devices import HandMicrophone, HandSpeaker


@pytest.fixture
def make_microphone() -> Callable[..., HandMicrophone]:
    return HandMicrophone


@pytest.fixture
def make_speaker() -> Callable[..., HandSpeaker]:
    return HandSpeaker

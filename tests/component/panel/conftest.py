"""gpiozero's own mock pins, in place of a Raspberry Pi's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    """A Raspberry Pi 3B whose lines only exist in memory."""
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.close()

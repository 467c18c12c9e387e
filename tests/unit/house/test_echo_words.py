"""What the status says of the echo is what was measured."""

from __future__ import annotations

import pytest

from device.audio.echo.guard import EchoStatus
from device.audio.echo.monitor import Quality
from device.house.orders import _echo_of


@pytest.mark.parametrize(
    ("quality", "removed_db", "said"),
    [
        (Quality.GOOD, 27.4, "good, 27 dB removed, 96 ms late, drift -12 ppm"),
        (Quality.GOOD, 19.6, "fair, 20 dB removed, 96 ms late, drift -12 ppm"),
        (Quality.GOOD, 14.1, "fair, 14 dB removed, 96 ms late, drift -12 ppm"),
        (Quality.GOOD, None, "good, none is heard"),
        (Quality.NOT_WORKING, 3.0, "not working"),
    ],
)
def test_below_20_db_it_is_not_called_good(
    quality: Quality, removed_db: float | None, said: str
) -> None:
    assert _echo_of(EchoStatus(quality, removed_db, 96.2, -12.3)) == said

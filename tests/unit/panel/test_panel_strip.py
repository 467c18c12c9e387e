"""What strips are told, decoded again as their data sheets say."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.strip import WS2812_HZ, apa102_bytes, ws2812_bytes
from device.panel.view import Colour

light = st.floats(0, 1)
frames = st.lists(st.tuples(light, light, light), min_size=1, max_size=40).map(tuple)


def apa102_shown(data: bytes, leds: int) -> list[Colour]:
    """Shift the bytes through a strip; fail where a LED would not know its frame."""
    assert data[:4] == bytes(4)
    shown = []
    for led in range(leds):
        head, *widths = data[4 + 4 * led : 8 + 4 * led]
        assert head >> 5 == 0b111
        blue, green, red = (width / 255 * (head & 31) / 31 for width in widths)
        shown.append((red, green, blue))
    rest = data[4 + 4 * leds :]
    # Half a clock pulse for each LED, and 32 zeros for the SK9822.
    assert len(rest) * 8 >= 32 + leds / 2
    assert not any(rest)
    return shown


@given(frames)
def test_an_apa102_shows_the_light_that_was_asked_for(frame: tuple[Colour, ...]) -> None:
    for asked, shown in zip(frame, apa102_shown(apa102_bytes(frame), len(frame)), strict=True):
        # The finest step is that of the current which the strongest colour needs.
        step = max(max(asked), 1 / 31) * 1.5 / 255 + 1e-9
        assert all(abs(a - b) <= step for a, b in zip(asked, shown, strict=True))


def test_apa102_by_hand() -> None:
    assert apa102_bytes(((1.0, 0.5, 0.0),)).hex() == "00000000" + "ff0080ff" + "0000000000"
    dim = apa102_bytes(((0.01, 0.0, 0.0),))
    assert dim[4] == 0b11100001
    assert dim[7] == round(0.01 * 31 * 255)


def pulses(data: bytes) -> list[tuple[float, float]]:
    """Return high and low time, in ns, of each pulse on the line."""
    bits = "".join(f"{byte:08b}" for byte in data)
    runs = [(level, len(list(run))) for level, run in itertools.groupby(bits)]
    assert runs[0][0] == "0", "the line must be low before the first bit"
    bit_ns = 1e9 / WS2812_HZ
    highs = [length * bit_ns for level, length in runs if level == "1"]
    lows = [length * bit_ns for level, length in runs[1:] if level == "0"]
    return list(zip(highs, lows, strict=True))


@given(frames, st.sampled_from(["grb", "rgb"]))
def test_ws2812_bits_have_the_times_of_the_data_sheet(
    frame: tuple[Colour, ...], order: str
) -> None:
    line = pulses(ws2812_bytes(frame, order))
    assert len(line) == 24 * len(frame)
    bits = ""
    for high_ns, low_ns in line:
        is_one = high_ns > 500
        assert 580 <= high_ns <= 1600 if is_one else 220 <= high_ns <= 380
        assert low_ns >= 220
        bits += "1" if is_one else "0"
    assert line[-1][1] >= 280_000
    sent = [int(bits[start : start + 8], 2) for start in range(0, len(bits), 8)]
    wanted = [round(c["rgb".index(letter)] * 255) for c in frame for letter in order]
    assert sent == wanted


@pytest.mark.parametrize("order", ["rgb", "grb", "bgr"])
def test_the_order_of_the_colours(order: str) -> None:
    pixel = apa102_bytes(((1.0, 0.4, 0.2),), order)[5:8]
    by_letter = dict(zip(order, pixel, strict=True))
    assert by_letter == {"r": 255, "g": 102, "b": 51}

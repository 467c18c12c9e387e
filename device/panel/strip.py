"""What strips and rings of LEDs are told, as bytes. No I/O.

APA102 and SK9822: four zero bytes; for each LED ``111`` and five bits of current, then
three bytes of pulse width; then clock pulses that push the data through the strip, half
a one for each LED. The SK9822 shows a frame only with the next four zero bytes, so those
follow too, and all of it is zeros, which the APA102 does not mind. (Data sheets of both;
cpldcpu, "SK9822 - a clone of the APA102", 2016.)

WS2812: one line without a clock; a bit is a pulse of 1.25 µs, short for 0 (0.22 to
0.38 µs high) and long for 1 (0.58 to 1.6 µs), and 280 µs of silence end a frame. Eight bits
of an SPI bus at 6.4 MHz draw one such bit: two of them high are 0.31 µs, five 0.78 µs.
(WS2812B data sheet, version 5.)
"""

from __future__ import annotations

import math

from device.panel.view import Colour, Frame

APA102_HZ = 4_000_000
"""Far below what the chip takes (over 15 MHz), for the sake of long wires."""
APA102_CURRENTS = 31
WS2812_HZ = 6_400_000
WS2812_ZERO = 0b11000000
WS2812_ONE = 0b11111000
WS2812_SILENCE_S = 300e-6

WS2812_BYTES = tuple(
    bytes(WS2812_ONE if byte >> bit & 1 else WS2812_ZERO for bit in range(7, -1, -1))
    for byte in range(256)
)
"""The eight SPI bytes that draw each byte."""


def apa102_bytes(frame: Frame, order: str = "bgr") -> bytes:
    """Return the bytes for a frame of light amounts, 0 to 1."""
    pixels = b"".join(_apa102_pixel(colour, order) for colour in frame)
    return bytes(4) + pixels + bytes(4 + math.ceil(len(frame) / 16))


def _apa102_pixel(colour: Colour, order: str) -> bytes:
    """Use the least current that can give the colour: more shades when it is dim."""
    current = max(1, math.ceil(max(colour) * APA102_CURRENTS))
    widths = (round(min(1.0, light * APA102_CURRENTS / current) * 255) for light in colour)
    return bytes([0b11100000 | current]) + _ordered(tuple(widths), order)


def ws2812_bytes(frame: Frame, order: str = "grb") -> bytes:
    """Return the SPI bytes, at :data:`WS2812_HZ`, for a frame of light amounts, 0 to 1."""
    silence = bytes(math.ceil(WS2812_SILENCE_S * WS2812_HZ / 8))
    channels = (_ordered(tuple(round(light * 255) for light in colour), order) for colour in frame)
    # The line must be low before the first bit: some controllers idle high.
    return bytes(1) + b"".join(WS2812_BYTES[byte] for three in channels for byte in three) + silence


def _ordered(channels: tuple[int, ...], order: str) -> bytes:
    return bytes(channels["rgb".index(letter)] for letter in order)

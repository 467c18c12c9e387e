"""GPIO lines as inputs straight from the kernel: asleep until an edge, with its exact time.

lgpio would look every half millisecond as long as any edge is watched (its lgPthAlerts.c),
2000 times a second on a device that does nothing. The kernel's own interface, the GPIO
character device version 2 (``include/uapi/linux/gpio.h``, Linux 5.10), wakes us instead.
Structures and numbers below are that header's.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from device.panel.input_line import Edge
from device.panel.output import PanelError

GPIO_GET_CHIPINFO = 0x8044B401
CHIP_INFO = struct.Struct("32s32sI")
GPIO_V2_GET_LINE = 0xC250B407
LINE_REQUEST = struct.Struct("I252x32sQ264xI24xi")
"""First offset, consumer, flags, number of lines, and the file that comes back."""
GPIO_V2_LINE_GET_VALUES = 0xC010B40E
LINE_VALUES = struct.Struct("QQ")
LINE_EVENT = struct.Struct("QI36x")
RISING_EDGE = 1

INPUT = 1 << 2
BOTH_EDGES = 1 << 4 | 1 << 5
BIAS = {"up": 1 << 8, "down": 1 << 9, "none": 1 << 10}

HEADER_CHIPS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""Labels of the chip behind the 40-pin header: Pi 0 to 3, Pi 4, Pi 5."""
MOST_EVENTS = 64


class KernelLine:
    """A line of the Raspberry Pi's header as input."""

    def __init__(
        self, line: int, *, pull: str, on_when_high: bool, devices: Path = Path("/dev")
    ) -> None:
        """Take the line. Raises :class:`PanelError`."""
        self._name = f"GPIO{line}"
        self._on_when_high = on_when_high
        chip = header_chip(devices)
        request = bytearray(
            LINE_REQUEST.pack(line, b"bittern", INPUT | BOTH_EDGES | BIAS[pull], 1, -1)
        )
        try:
            fcntl.ioctl(chip, GPIO_V2_GET_LINE, request)
        except OSError as failure:
            raise PanelError(f"cannot take {self._name}: {failure.strerror}") from failure
        finally:
            os.close(chip)
        self._file: int = LINE_REQUEST.unpack(request)[-1]
        os.set_blocking(self._file, False)

    def fileno(self) -> int:
        """Return the file of the line, readable when there are edges."""
        return self._file

    def edges(self) -> list[Edge]:
        """Return the edges since the last call; the kernel keeps the newest 16."""
        try:
            content = os.read(self._file, MOST_EVENTS * LINE_EVENT.size)
        except BlockingIOError:
            return []
        except OSError as failure:
            raise PanelError(f"cannot read {self._name}: {failure.strerror}") from failure
        return [
            ((kind == RISING_EDGE) == self._on_when_high, timestamp_ns / 1e9)
            for timestamp_ns, kind in LINE_EVENT.iter_unpack(content)
        ]

    def is_on(self) -> bool:
        """Read the level."""
        values = bytearray(LINE_VALUES.pack(0, 1))
        try:
            fcntl.ioctl(self._file, GPIO_V2_LINE_GET_VALUES, values)
        except OSError as failure:
            raise PanelError(f"cannot read {self._name}: {failure.strerror}") from failure
        return bool(LINE_VALUES.unpack(values)[0] & 1) == self._on_when_high

    def close(self) -> None:
        """Give the line back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def header_chip(devices: Path) -> int:
    """Open the chip of the 40-pin header, or raise :class:`PanelError`."""
    problem = "this machine has no GPIO chip of a Raspberry Pi"
    for path in sorted(devices.glob("gpiochip*")):
        try:
            chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as failure:
            problem = f"cannot open {path}: {failure.strerror}"
            continue
        if _label(chip) in HEADER_CHIPS:
            return chip
        os.close(chip)
    raise PanelError(problem, "This needs a Raspberry Pi, and a user of the group gpio.")


def _label(chip: int) -> str:
    info = bytearray(CHIP_INFO.size)
    try:
        fcntl.ioctl(chip, GPIO_GET_CHIPINFO, info)
    except OSError:
        return ""
    _, label, _ = CHIP_INFO.unpack(info)
    return str(label.rstrip(b"\0").decode("ascii", "replace"))

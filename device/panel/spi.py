"""Ways to push bytes out: the kernel's SPI devices, and two GPIO lines where there is none."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Any, Protocol

from gpiozero import OutputDevice

from device.panel.gpio import Pins, hardware_errors
from device.panel.output import PanelError

# From the kernel's include/uapi/linux/spi/spidev.h: _IOW('k', 1, u8) and _IOW('k', 4, u32).
SPI_IOC_WR_MODE = 0x40016B01
SPI_IOC_WR_MAX_SPEED_HZ = 0x40046B04
LARGEST_WRITE = 4096
"""What spidev takes in one write unless told otherwise (its parameter bufsiz)."""


class Bus(Protocol):
    """Something that bytes can be pushed out of."""

    name: str

    def open(self) -> None:
        """Take it. Raises :class:`PanelError`."""

    def write(self, data: bytes) -> None:
        """Push the bytes out, highest bit first. Raises :class:`PanelError`."""

    def close(self) -> None:
        """Give it back; also when it is not open."""


class SpiBus:
    """A ``/dev/spidevB.D``, mode 0."""

    def __init__(self, bus: int, device: int, speed_hz: int, folder: str = "/dev") -> None:
        self._path = f"{folder}/spidev{bus}.{device}"
        self._speed_hz = speed_hz
        self._file: int | None = None
        self.name = self._path

    def open(self) -> None:
        """Open the device and set its mode and speed."""
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            fcntl.ioctl(self._file, SPI_IOC_WR_MODE, struct.pack("B", 0))
            fcntl.ioctl(self._file, SPI_IOC_WR_MAX_SPEED_HZ, struct.pack("I", self._speed_hz))
        except OSError as failure:
            self.close()
            raise PanelError(
                f"cannot open {self._path}: {failure.strerror}",
                "It needs dtparam=spi=on in config.txt, and a user of the group spi.",
            ) from failure

    def write(self, data: bytes) -> None:
        """Write in one transfer; a strip takes a pause for the end."""
        if self._file is None:
            raise PanelError(f"{self._path} is not open")
        try:
            os.write(self._file, data[:LARGEST_WRITE])
        except OSError as failure:
            raise PanelError(f"cannot write {self._path}: {failure.strerror}") from failure

    def close(self) -> None:
        """Close the device."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


class TwoLineBus:
    """A data and a clock line moved by hand: slow, some 20 kbit/s, and good for few LEDs."""

    def __init__(self, pins: Pins, data_line: int, clock_line: int) -> None:
        self._pins = pins
        self._lines = (data_line, clock_line)
        self._devices: list[Any] = []
        self.name = f"GPIO{data_line} and GPIO{clock_line}"

    def open(self) -> None:
        """Take both lines, low."""
        factory = self._pins()
        try:
            for line in self._lines:
                self._devices.append(OutputDevice(line, pin_factory=factory))
        except hardware_errors() as failure:
            self.close()
            raise PanelError(f"cannot take {self.name}: {failure}") from failure

    def write(self, data: bytes) -> None:
        """Set the data line, raise the clock, lower it; for each bit."""
        level = False
        try:
            data_line, clock_line = self._devices
            data_line.off()
            for byte in data:
                for bit in range(7, -1, -1):
                    if level != bool(byte >> bit & 1):
                        level = not level
                        data_line.value = level
                    clock_line.on()
                    clock_line.off()
        except hardware_errors() as failure:
            raise PanelError(f"cannot write {self.name}: {failure}") from failure

    def close(self) -> None:
        """Give both lines back."""
        devices, self._devices = self._devices, []
        for device in devices:
            device.close()

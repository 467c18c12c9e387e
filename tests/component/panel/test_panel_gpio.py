"""LEDs on gpiozero's mock pins: what is really driven out of the lines."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from device.panel.gpio import GpioInput, GpioLights, PiPins
from device.panel.kernel_line import KernelLine
from device.panel.output import PanelError
from device.panel.spi import SpiBus, TwoLineBus
from device.panel.strip import apa102_bytes
from device.panel.strip_lights import StripLights
from device.panel.view import Colour, PanelView

VIEW = PanelView()
RGB = (22, 27, 24)


def driven(pins: MockFactory, *lines: int) -> list[float]:
    return [float(pins.pin(line).state) for line in lines]


def test_an_rgb_led_is_dimmed_by_pulses(pins: MockFactory) -> None:
    led = GpioLights(lambda: pins, RGB)
    led.open()
    assert driven(pins, *RGB) == [0, 0, 0]
    led.write(((0.5, 0.25, 1.0),), VIEW)
    assert driven(pins, *RGB) == [0.5, 0.25, 1.0]
    # Fully on and off need no pulses, so they cost no processor time.
    assert [pins.pin(line).frequency for line in RGB] == [200, 200, None]
    led.write(((1.0, 0.0, 0.0),), VIEW)
    assert driven(pins, *RGB) == [1, 0, 0]
    assert [pins.pin(line).frequency for line in RGB] == [None, None, None]
    led.close()
    assert [pins.pin(line).function for line in RGB] == ["input"] * 3


def test_a_common_anode_is_lit_by_low(pins: MockFactory) -> None:
    led = GpioLights(lambda: pins, RGB, lit_when_high=False)
    led.open()
    assert driven(pins, *RGB) == [1, 1, 1]
    led.write(((0.75, 0.0, 1.0),), VIEW)
    assert driven(pins, *RGB) == [0.25, 1.0, 0.0]


def test_a_plain_led(pins: MockFactory) -> None:
    led = GpioLights(lambda: pins, [25])
    assert (led.has_colour, led.leds, led.name) == (False, 1, "LED on GPIO25")
    led.open()
    led.write(((0.5, 0.5, 0.5),), VIEW)
    assert driven(pins, 25) == [0.5]


def test_a_line_that_is_taken_is_a_clear_failure_and_gives_the_others_back(
    pins: MockFactory,
) -> None:
    taken = gpiozero.LED(24, pin_factory=pins)
    led = GpioLights(lambda: pins, RGB)
    with pytest.raises(PanelError, match="cannot take LED on GPIO22, GPIO27, GPIO24"):
        led.open()
    taken.close()
    led.open()
    led.close()


def test_without_lgpio_the_failure_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    with pytest.raises(PanelError) as caught:
        PiPins()()
    assert caught.value.what == "there is no lgpio for GPIO"
    assert "apt install python3-lgpio" in caught.value.advice


def test_nothing_of_the_panel_imports_lgpio_by_itself() -> None:
    import subprocess

    code = "import device.panel.front, device.cli.panel, sys; print('lgpio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("pull", ["up", "down", "none"])
@pytest.mark.parametrize("on_when_high", [False, True])
def test_an_input_has_our_sense_of_on(pins: MockFactory, pull: str, on_when_high: bool) -> None:
    pin = pins.pin(17)
    pin.drive_low()
    taken = GpioInput(lambda: pins, 17, pull=pull, on_when_high=on_when_high)
    if pull != "none":
        assert pin.pull == pull
    (pin.drive_low if on_when_high else pin.drive_high)()
    taken.edges()
    assert taken.is_on() is False
    before_s = time.monotonic()
    (pin.drive_high if on_when_high else pin.drive_low)()
    assert taken.is_on() is True
    (pin.drive_low if on_when_high else pin.drive_high)()
    assert taken.is_on() is False
    edges = taken.edges()
    assert [is_on for is_on, _ in edges] == [True, False]
    assert before_s <= edges[0][1] <= edges[1][1] <= time.monotonic()
    assert taken.edges() == []
    taken.close()


def test_without_a_header_the_failure_says_so(tmp_path: Path) -> None:
    with pytest.raises(PanelError, match="this machine has no GPIO chip of a Raspberry Pi"):
        KernelLine(17, pull="up", on_when_high=False, devices=tmp_path)
    (tmp_path / "gpiochip0").write_bytes(b"no chip at all")
    with pytest.raises(PanelError, match="this machine has no GPIO chip of a Raspberry Pi"):
        KernelLine(17, pull="up", on_when_high=False, devices=tmp_path)
    (tmp_path / "gpiochip1").mkdir()
    with pytest.raises(PanelError, match=r"cannot open .*gpiochip1: Is a directory"):
        KernelLine(17, pull="up", on_when_high=False, devices=tmp_path)


class Listener:
    """Reads a clock and a data line as an APA102 does: a bit at each rising clock."""

    def __init__(self, pins: MockFactory, data_line: int, clock_line: int) -> None:
        self.bits = ""
        data, clock = pins.pin(data_line), pins.pin(clock_line)
        plain_set = clock._set_state

        def set_state(value: float) -> None:
            if value and not clock.state:
                self.bits += "1" if data.state else "0"
            plain_set(value)

        clock._set_state = set_state

    def bytes(self) -> bytes:
        return bytes(int(self.bits[at : at + 8], 2) for at in range(0, len(self.bits), 8))


def test_two_lines_moved_by_hand_say_what_an_spi_bus_would(pins: MockFactory) -> None:
    frame: tuple[Colour, ...] = ((1.0, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.2))
    strip = StripLights(TwoLineBus(lambda: pins, 5, 6), 3, apa102_bytes)
    listener = Listener(pins, 5, 6)
    strip.open()
    strip.write(frame, VIEW)
    strip.close()
    dark = apa102_bytes(((0.0, 0.0, 0.0),) * 3)
    assert listener.bytes() == dark + apa102_bytes(frame) + dark


def test_a_strip_is_no_stronger_than_its_board_allows_and_has_its_power_switched(
    pins: MockFactory,
) -> None:
    bus = TwoLineBus(lambda: pins, 5, 6)
    strip = StripLights(bus, 1, apa102_bytes, strongest=0.25, power=(lambda: pins, 13))
    listener = Listener(pins, 5, 6)
    strip.open()
    assert pins.pin(13).state
    listener.bits = ""
    strip.write(((1.0, 1.0, 1.0),), VIEW)
    assert listener.bytes() == apa102_bytes(((0.25, 0.25, 0.25),))
    strip.close()
    assert pins.pin(13).function == "input"


def test_no_spi_device_is_a_clear_failure(tmp_path: object) -> None:
    with pytest.raises(PanelError) as caught:
        SpiBus(0, 0, 4_000_000, folder=str(tmp_path)).open()
    assert caught.value.what.endswith("spidev0.0: No such file or directory")
    assert "dtparam=spi=on" in caught.value.advice


def test_a_file_that_is_no_spi_device_is_a_clear_failure(tmp_path: object) -> None:
    with open(f"{tmp_path}/spidev0.1", "w"):
        pass
    bus = SpiBus(0, 1, 4_000_000, folder=str(tmp_path))
    with pytest.raises(PanelError, match=r"spidev0\.1: Inappropriate ioctl"):
        bus.open()
    with pytest.raises(PanelError, match="is not open"):
        bus.write(b"x")
    bus.close()


def test_a_strip_that_cannot_open_gives_its_power_line_back(
    pins: MockFactory, tmp_path: object
) -> None:
    bus = SpiBus(0, 0, 4_000_000, folder=str(tmp_path))
    strip = StripLights(bus, 1, apa102_bytes, power=(lambda: pins, 13))
    for _ in range(2):
        with pytest.raises(PanelError, match="cannot open"):
            strip.open()
        strip.close()

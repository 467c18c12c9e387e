"""Names of devices: the same tomorrow, whatever was plugged in when."""

from __future__ import annotations

import pytest

from device.audio import devices as room
from device.audio.devices import (
    Direction,
    SoundDevice,
    SoundDeviceError,
    card_ids,
    describe,
    find,
    stable_name,
)

# What the kernel of a Pi with a HAT and two USB sound cards of the same kind says.
CARDS = """\
 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 1 [seeed2micvoicec]: seeed-2mic-voic - seeed-2mic-voicecard
                      seeed-2mic-voicecard
 2 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-0000:01:00.0-1.1
10 [Device_1       ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-0000:01:00.0-1.2
"""
IDS = {0: "vc4hdmi0", 1: "seeed2micvoicec", 2: "Device", 10: "Device_1"}
SEEED = "seeed-2mic-voicecard: bcm2835-i2s-wm8960-hifi wm8960-hifi-0"


def device(name: str, alsa: str = "", ins: int = 2, outs: int = 2, **more: bool) -> SoundDevice:
    return SoundDevice(0, name, alsa, ins, outs, 44_100, **more)


HOUSE = [
    device("vc4-hdmi-0: MAI PCM i2s-hifi-0", "hw:CARD=vc4hdmi0,DEV=0", ins=0),
    device(SEEED, "hw:CARD=seeed2micvoicec,DEV=0"),
    device("USB PnP Sound Device: Audio", "hw:CARD=Device,DEV=0", ins=1),
    device("USB PnP Sound Device: Audio", "hw:CARD=Device_1,DEV=0", ins=1),
    device("sysdefault"),
    device("pulse"),
    device("default", is_default_input=True, is_default_output=True),
]


@pytest.fixture(autouse=True)
def _cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "present_card_ids", lambda: IDS)


def test_reads_the_kernels_list() -> None:
    assert card_ids(CARDS) == IDS
    assert card_ids("--- no soundcards ---\n") == {}
    assert card_ids("") == {}


@pytest.mark.parametrize(
    ("portaudio", "name", "alsa"),
    [
        (f"{SEEED} (hw:1,0)", SEEED, "hw:CARD=seeed2micvoicec,DEV=0"),
        (
            "USB PnP Sound Device: Audio (hw:10,0)",
            "USB PnP Sound Device: Audio",
            "hw:CARD=Device_1,DEV=0",
        ),
        ("Odd Card: - (hw:7,3)", "Odd Card", "hw:CARD=7,DEV=3"),
        ("(hw:2,0)", "Device", "hw:CARD=Device,DEV=0"),
        ("default", "default", ""),
        ("A (hw) of a name", "A (hw) of a name", ""),
    ],
)
def test_the_number_of_the_card_is_no_part_of_the_name(
    portaudio: str, name: str, alsa: str
) -> None:
    assert stable_name(portaudio, IDS) == (name, alsa)


def test_the_same_card_under_another_number_keeps_its_name() -> None:
    before = stable_name(f"{SEEED} (hw:1,0)", {1: "seeed2micvoicec"})
    after = stable_name(f"{SEEED} (hw:3,0)", {0: "x", 3: "seeed2micvoicec"})
    assert before == after


def test_describes_what_pyaudio_says() -> None:
    info: dict[str, object] = {
        "index": 4,
        "name": "USB PnP Sound Device: Audio (hw:2,0)",
        "maxInputChannels": 1,
        "maxOutputChannels": 2,
        "defaultSampleRate": 44_100.0,
    }
    seen = describe(info, IDS, default_in=4, default_out=1)
    assert seen == SoundDevice(
        4, "USB PnP Sound Device: Audio", "hw:CARD=Device,DEV=0", 1, 2, 44_100, True, False
    )
    assert seen.handle == "hw:CARD=Device,DEV=0"


@pytest.mark.parametrize(
    ("wanted", "direction", "handle"),
    [
        ("default", Direction.IN, "default"),
        ("Default", Direction.OUT, "default"),
        ("pulse", Direction.OUT, "pulse"),
        ("seeed", Direction.IN, "hw:CARD=seeed2micvoicec,DEV=0"),
        (" WM8960 ", Direction.IN, "hw:CARD=seeed2micvoicec,DEV=0"),
        ("hw:CARD=Device,DEV=0", Direction.IN, "hw:CARD=Device,DEV=0"),
        ("hw:CARD=device_1", Direction.IN, "hw:CARD=Device_1,DEV=0"),
        ("plughw:Device_1,0", Direction.IN, "hw:CARD=Device_1,DEV=0"),
        ("hw:10", Direction.IN, "hw:CARD=Device_1,DEV=0"),
        ("plughw:1,0", Direction.OUT, "hw:CARD=seeed2micvoicec,DEV=0"),
        ("hdmi", Direction.OUT, "hw:CARD=vc4hdmi0,DEV=0"),
        ("Device_1", Direction.IN, "hw:CARD=Device_1,DEV=0"),
    ],
)
def test_finds_what_a_person_means(wanted: str, direction: Direction, handle: str) -> None:
    assert find(HOUSE, wanted, direction).handle == handle


def test_every_handle_finds_its_own_device() -> None:
    for each in HOUSE:
        for direction in Direction:
            if each.channels(direction):
                assert find(HOUSE, each.handle, direction) == each


@pytest.mark.parametrize("wanted", ["USB", "USB PnP Sound Device: Audio", "pnp sound"])
def test_what_is_not_clear_lists_the_candidates(wanted: str) -> None:
    with pytest.raises(SoundDeviceError) as caught:
        find(HOUSE, wanted, Direction.IN)
    assert "could be 2 microphones" in caught.value.what
    assert "hw:CARD=Device,DEV=0" in caught.value.what
    assert "hw:CARD=Device_1,DEV=0" in caught.value.what
    assert "seeed" not in caught.value.what


@pytest.mark.parametrize("wanted", ["nothing", "hw:5,0", "hdmi", "hw:CARD=Gone,DEV=0"])
def test_what_is_not_there_lists_what_is(wanted: str) -> None:
    with pytest.raises(SoundDeviceError) as caught:
        find(HOUSE, wanted, Direction.IN)
    assert f'no microphone "{wanted}"' in caught.value.what
    assert "seeed-2mic-voicecard" in caught.value.advice
    assert "hdmi" not in caught.value.advice, "it has no microphone"


def test_no_default_is_said() -> None:
    with pytest.raises(SoundDeviceError, match='no microphone "default"'):
        find(HOUSE[:3], "default", Direction.IN)


def test_a_machine_without_any() -> None:
    with pytest.raises(SoundDeviceError, match="this machine has no speaker") as caught:
        find([device("mic", outs=0)], "default", Direction.OUT)
    assert "plug in" in caught.value.advice


def test_where_there_is_no_alsa(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(room, "CARDS", room.Path("/nonexistent/cards"))
    assert room.present_card_ids() == {}

"""Sound devices and their names, which must mean the same tomorrow.

PortAudio counts devices anew each time it looks, and ALSA counts cards in the order in
which they were found: neither number is a name. What stays is the card's own name, and
the identifier that ALSA keeps for it (``/proc/asound/cards``, in brackets).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from device.errors import BitternError

DEFAULT = "default"
"""The name of the device that the system prefers."""
CARDS = Path("/proc/asound/cards")
"""Where the kernel lists its sound cards."""

_PORTAUDIO_HW = re.compile(r"(?P<text>.*?) ?\(hw:(?P<card>\d+),(?P<device>\d+)\)")
_ALSA_NAME = re.compile(
    r"^(?:plug)?hw:(?:CARD=)?(?P<card>[^,]+)(?:,(?:DEV=)?(?P<dev>\d+))?(?:,.*)?$", re.IGNORECASE
)
_CARD_LINE = re.compile(r"^\s*(?P<number>\d+)\s+\[(?P<id>\S+)\s*\]:")


class Direction(Enum):
    """Which way the sound goes."""

    IN = "microphone"
    OUT = "speaker"


class SoundDeviceError(BitternError):
    """A sound device that cannot be found, chosen or used."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device as PortAudio offers it at present."""

    index: int
    """PortAudio's number; good until it looks for devices the next time."""
    name: str
    """What a person reads, without the number of the card."""
    alsa: str
    """``hw:CARD=id,DEV=n`` for a sound card, empty for a sound server or a plugin."""
    input_channels: int
    output_channels: int
    default_rate_hz: int
    is_default_input: bool = False
    is_default_output: bool = False

    def channels(self, direction: Direction) -> int:
        """How many channels it has in that direction."""
        return self.input_channels if direction is Direction.IN else self.output_channels

    def is_default(self, direction: Direction) -> bool:
        """Whether the system prefers it."""
        return self.is_default_input if direction is Direction.IN else self.is_default_output

    @property
    def handle(self) -> str:
        """The shortest text that means this device and survives replugging."""
        return self.alsa or self.name


def card_ids(cards: str) -> dict[int, str]:
    """Read ``/proc/asound/cards``: the identifier of each card by its present number."""
    found = (_CARD_LINE.match(line) for line in cards.splitlines())
    return {int(match["number"]): match["id"] for match in found if match}


def present_card_ids() -> dict[int, str]:
    """Return the sound cards of this machine; none where there is no ALSA."""
    try:
        return card_ids(CARDS.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}


def describe(
    info: Mapping[str, object], cards: Mapping[int, str], default_in: int, default_out: int
) -> SoundDevice:
    """Make a ``SoundDevice`` of what PyAudio says about one."""
    index = _whole(info["index"])
    name, alsa = stable_name(str(info["name"]), cards)
    return SoundDevice(
        index=index,
        name=name,
        alsa=alsa,
        input_channels=_whole(info["maxInputChannels"]),
        output_channels=_whole(info["maxOutputChannels"]),
        default_rate_hz=_whole(info["defaultSampleRate"]),
        is_default_input=index == default_in,
        is_default_output=index == default_out,
    )


def _whole(value: object) -> int:
    return round(float(str(value)))


def stable_name(portaudio_name: str, cards: Mapping[int, str]) -> tuple[str, str]:
    """Split ``"USB Mic: Audio (hw:2,0)"`` into its text and ``hw:CARD=Mic,DEV=0``."""
    match = _PORTAUDIO_HW.fullmatch(portaudio_name)
    if match is None:
        return portaudio_name, ""
    card = cards.get(int(match["card"]), match["card"])
    return match["text"].rstrip(": -") or card, f"hw:CARD={card},DEV={match['device']}"


def find(devices: Sequence[SoundDevice], wanted: str, direction: Direction) -> SoundDevice:
    """Return the device that a person means.

    ``"default"``, an ALSA name (``hw:CARD=Mic,DEV=0``, ``plughw:Mic``), the whole name,
    or any part of it, in small or capital letters. Raises ``SoundDeviceError``, which
    lists what there is, when nothing or more than one device fits.
    """
    usable = [device for device in devices if device.channels(direction)]
    if not usable:
        raise nothing_there(direction)
    for fitting in _attempts(usable, wanted.strip(), direction):
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise SoundDeviceError(
                f'"{wanted}" could be {len(fitting)} {direction.value}s: {listed(fitting)}',
                "name more of it, or the part in brackets",
            )
    raise SoundDeviceError(
        f'there is no {direction.value} "{wanted}"', f"there is: {listed(usable)}"
    )


def _attempts(
    usable: Sequence[SoundDevice], wanted: str, direction: Direction
) -> Iterable[list[SoundDevice]]:
    """The ways to understand a name, the strictest first."""
    if wanted.casefold() == DEFAULT:
        yield [device for device in usable if device.is_default(direction)]
    yield [device for device in usable if device.name == wanted]
    alsa = _normal_alsa(wanted, present_card_ids())
    yield [device for device in usable if alsa and device.alsa.casefold() == alsa]
    small = wanted.casefold()
    yield [device for device in usable if device.name.casefold() == small]
    yield [
        device
        for device in usable
        if small in device.name.casefold() or small in device.alsa.casefold()
    ]


def _normal_alsa(wanted: str, cards: Mapping[int, str]) -> str:
    """Bring an ALSA name into the form of ``SoundDevice.alsa``, in small letters."""
    match = _ALSA_NAME.match(wanted)
    if match is None:
        return ""
    card = match["card"]
    if card.isdigit():
        card = cards.get(int(card), card)
    return f"hw:card={card},dev={match['dev'] or 0}".casefold()


def listed(devices: Iterable[SoundDevice]) -> str:
    """Name devices in one line."""
    return ", ".join(
        f'"{device.name}" ({device.alsa})' if device.alsa else f'"{device.name}"'
        for device in devices
    )


def nothing_there(direction: Direction) -> SoundDeviceError:
    """The failure of a machine without any such device."""
    return SoundDeviceError(
        f"this machine has no {direction.value}",
        "plug in a USB one or set up the sound HAT, then see `bittern devices`; "
        "a recording does too: `bittern talk --wav FILE`",
    )

"""The sound cards of this machine, or files in their place."""

from __future__ import annotations

from pathlib import Path

from device.audio.all_channels import AllChannelsMicrophone
from device.audio.devices import Direction, SoundDevice
from device.audio.files import FileMicrophone, FileSpeaker
from device.audio.microphone import Microphone
from device.audio.portaudio_host import shared_host
from device.audio.samples import Samples
from device.audio.speaker import Speaker
from device.room.cards import microphone_from, speaker_from
from device.settings import tree


class SoundCards:
    """The real thing."""

    def devices(self, direction: Direction) -> list[SoundDevice]:
        """What can be chosen."""
        return [each for each in shared_host().devices() if each.channels(direction)]

    def microphone(self, wanted: tree.Microphone) -> Microphone:
        """As the appliance will open it."""
        return microphone_from(wanted)

    def test_microphone(self, wanted: tree.Microphone) -> Microphone:
        """With its channels apart."""
        rate_hz = wanted.rate_hz or None
        return AllChannelsMicrophone(wanted.device, rate_hz=rate_hz, block_ms=wanted.block_ms)

    def channels_of(self, microphone: Microphone) -> list[Samples]:
        """Of a test microphone."""
        return microphone.channels() if isinstance(microphone, AllChannelsMicrophone) else []

    def speaker(self, wanted: tree.Speaker) -> Speaker:
        """As the appliance will open it."""
        return speaker_from(wanted)


class SoundFiles:
    """A recording for the microphone, which goes on from step to step; a file for the speaker."""

    def __init__(self, recording: Path, played: Path) -> None:
        self._microphone = FileMicrophone(recording)
        self._speaker = FileSpeaker(played)

    def devices(self, direction: Direction) -> list[SoundDevice]:  # noqa: ARG002
        """There is no choice."""
        return []

    def microphone(self, wanted: tree.Microphone) -> Microphone:  # noqa: ARG002
        """The recording."""
        return self._microphone

    test_microphone = microphone

    def channels_of(self, microphone: Microphone) -> list[Samples]:  # noqa: ARG002
        """It has one."""
        return []

    def speaker(self, wanted: tree.Speaker) -> Speaker:  # noqa: ARG002
        """The file."""
        return self._speaker

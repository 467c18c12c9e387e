"""The sound cards of the settings."""

from __future__ import annotations

from device.audio.portaudio import PortAudioMicrophone, PortAudioSpeaker
from device.settings import tree


def microphone_from(microphone: tree.Microphone) -> PortAudioMicrophone:
    """The microphone of the settings; not opened yet."""
    return PortAudioMicrophone(
        microphone.device,
        rate_hz=microphone.rate_hz or None,
        block_ms=microphone.block_ms,
        channel=None if microphone.channel == "mix" else microphone.channel,
        gain_db=microphone.gain_db,
    )


def speaker_from(speaker: tree.Speaker) -> PortAudioSpeaker:
    """The speaker of the settings; not opened yet."""
    return PortAudioSpeaker(
        speaker.device, rate_hz=speaker.rate_hz or None, block_ms=speaker.block_ms
    )

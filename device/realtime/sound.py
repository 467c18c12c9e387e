"""A piece of an answer's sound, as every transport hands it on."""

from __future__ import annotations

from dataclasses import dataclass

from device.realtime.pcm import BYTES_PER_SAMPLE


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """Sound of one item: PCM16, little-endian, mono, 24 kHz; whole samples.

    In place of ``response.output_audio.delta``, whose base64 stays with the transport.
    """

    response_id: str
    item_id: str
    content_index: int
    pcm: bytes

    @property
    def samples(self) -> int:
        """How many samples it holds."""
        return len(self.pcm) // BYTES_PER_SAMPLE

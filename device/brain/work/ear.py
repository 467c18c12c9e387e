"""One session's ear: wire sound in, 16 kHz and voice probabilities out."""

from __future__ import annotations

import numpy as np
import soxr

from device.brain.base.abilities import HEARING_RATE_HZ, Samples, VoiceDetector
from device.brain.protocol.codec import WireFormat
from device.brain.work.jobs import Hear, Heard

_QUALITY = "LQ"
"""soxr's low quality: 16 bits up to 0.8 of the bandwidth, and half the delay of the default."""


class Ear:
    """Used by one worker thread at a time; keeps the state between the chunks of a passage."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._passage = 0
        self._resampler: soxr.ResampleStream | None = None

    def hear(self, job: Hear) -> Heard:
        """Resample the sound and look for a voice in it."""
        if job.passage != self._passage or self._resampler is None:
            self._passage = job.passage
            self._resampler = resampler(job.format.rate_hz, HEARING_RATE_HZ)
            self._detector.reset()
        samples = self._resampler.resample_chunk(job.format.decode(job.data), last=job.is_last)
        if job.is_last:
            self._resampler = None
        probabilities = self._detector.process(samples)
        return Heard(job.passage, samples, probabilities, job.is_last)


def resampler(from_hz: int, to_hz: int) -> soxr.ResampleStream:
    """Return a stream resampler for mono ``int16``."""
    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality=_QUALITY)


def resampled(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Resample a whole recording."""
    if from_hz == to_hz or not len(samples):
        return samples
    result: Samples = soxr.resample(samples, from_hz, to_hz, quality=_QUALITY).astype(np.int16)
    return result


def to_wire(samples: Samples, rate_hz: int, form: WireFormat) -> bytes:
    """Write sound of any rate in a wire format."""
    return form.encode(resampled(samples, rate_hz, form.rate_hz))

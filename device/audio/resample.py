"""From one sample rate to another as the sound comes in, with nothing lost and no drift."""

from __future__ import annotations

from typing import Literal

import numpy as np
import soxr

from device.audio.samples import Samples, silence, to_float, to_int16

LISTENING_RATE_HZ = 16_000
"""What wake words, voice activity and speech recognition hear."""
WIRE_RATE_HZ = 24_000
"""What the Realtime protocol carries (its ``audio/pcm`` is 24 kHz only)."""

Quality = Literal["HQ", "LQ"]
"""How the filter is cut, and what that costs (soxr 1.1; 10 ms blocks; x86-64 core).

====  ===============================  ==========================  =================
      flat (0.1 dB) up to, of the      the newest sample waits at  CPU a 10 ms block
      lower rate's Nyquist frequency   most, 48 to 16 / 48 to 24   48 to 16 kHz
====  ===============================  ==========================  =================
HQ    0.91 (7.3 of 8 kHz)              37 ms / 38 ms               11 µs
LQ    0.70 (5.6 of 8, 8.4 of 12 kHz)   20 ms / 20 ms               10 µs
====  ===============================  ==========================  =================

soxr's MQ costs and waits like HQ and has a worse stop band; QQ does not wait, and
does not filter either: everything above the new Nyquist frequency folds back in.
Its variable-rate engine waits 5 to 12 ms, but costs five times as much and its phase
is not linear, so positions could no longer be mapped exactly.
"""


def map_position(position: int, from_hz: int, to_hz: int) -> int:
    """Return the position at ``to_hz`` of the same moment, rounded down.

    Exact in integers for any length of time: both clocks count from the same zero.
    """
    return position * to_hz // from_hz


class Resampler:
    """A stream of mono int16 from one rate to another.

    The filter has linear phase and soxr takes its delay out, so output sample ``n`` is
    the sound at input position ``n * from_hz / to_hz``, whatever the sizes of the
    blocks; what comes late is only the delivery (``waiting_samples``). The output of a
    stream, ``finish`` included, is the same to the bit as converting it all at once.
    """

    def __init__(self, from_hz: int, to_hz: int, quality: Quality = "HQ") -> None:
        if from_hz < 1 or to_hz < 1:
            raise ValueError(f"cannot convert {from_hz} Hz to {to_hz} Hz")
        self.from_hz = from_hz
        self.to_hz = to_hz
        self.taken_samples = 0
        """Samples put in so far, at ``from_hz``."""
        self.given_samples = 0
        """Samples given out so far, at ``to_hz``."""
        self._stream = None if from_hz == to_hz else _new_stream(from_hz, to_hz, quality)

    @property
    def waiting_samples(self) -> int:
        """How much of the input (at ``from_hz``) has not come out yet."""
        return self.taken_samples - map_position(self.given_samples, self.to_hz, self.from_hz)

    def process(self, samples: Samples) -> Samples:
        """Put the next samples in; return what is ready, possibly nothing."""
        return self._convert(samples, is_last=False)

    def finish(self) -> Samples:
        """Return what was still waiting and begin a new stream, both positions at zero.

        Over the whole stream the output is ``taken * to_hz / from_hz`` samples long,
        rounded to the nearest.
        """
        rest = self._convert(silence(0), is_last=True)
        self.reset()
        return rest

    def reset(self) -> None:
        """Begin a new stream; what was still waiting is dropped."""
        self.taken_samples = self.given_samples = 0
        if self._stream is not None:
            self._stream.clear()

    def _convert(self, samples: Samples, is_last: bool) -> Samples:
        if self._stream is None:
            converted = samples
        else:
            # Floating point inside: soxr dithers int16 with a seed of its own, and the
            # same sound would not give the same samples twice.
            converted = to_int16(self._stream.resample_chunk(to_float(samples), last=is_last))
        self.taken_samples += len(samples)
        self.given_samples += len(converted)
        return converted


def _new_stream(from_hz: int, to_hz: int, quality: Quality) -> soxr.ResampleStream:
    return soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=quality)


def resample(samples: Samples, from_hz: int, to_hz: int, quality: Quality = "HQ") -> Samples:
    """Convert a whole sound at once."""
    stream = Resampler(from_hz, to_hz, quality)
    return np.concatenate((stream.process(samples), stream.finish()))

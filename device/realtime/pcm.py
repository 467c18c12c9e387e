"""Samples to base64 and back: the audio fields of the protocol.

Mono, 16-bit little-endian, 24 kHz: 48 bytes a millisecond.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
from numpy.typing import NDArray

from device.realtime.problems import ProtocolError

BYTES_PER_SAMPLE = 2
SAMPLES_PER_MS = 24
BYTES_PER_MS = SAMPLES_PER_MS * BYTES_PER_SAMPLE

_WIRE = np.dtype("<i2")


def pcm_to_base64(samples: NDArray[np.int16]) -> str:
    """Encode a 1-D array of int16 samples."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"expected 1-D int16 samples, got {samples.ndim}-D {samples.dtype}")
    return base64.b64encode(samples.astype(_WIRE, copy=False).tobytes()).decode("ascii")


def base64_to_bytes(text: str) -> bytes:
    """Decode to whole samples of two bytes, the lower one first.

    Raises :class:`ProtocolError` for what is not base64 or not whole samples.
    """
    try:
        payload = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"audio is not base64: {error}") from None
    if len(payload) % BYTES_PER_SAMPLE:
        raise ProtocolError(f"audio of {len(payload)} bytes is not whole 16-bit samples")
    return payload


class SampleJoiner:
    """Joins what a server cut in the middle of a sample: of one stretch of sound, in its order."""

    def __init__(self) -> None:
        self._half = b""

    def whole(self, text: str) -> bytes:
        """Decode a piece to whole samples; the half that is left begins the next piece.

        Raises :class:`ProtocolError` for what is not base64.
        """
        try:
            payload = self._half + binascii.a2b_base64(text, strict_mode=True)
        except (binascii.Error, ValueError) as error:
            raise ProtocolError(f"audio is not base64: {error}") from None
        whole = len(payload) - len(payload) % BYTES_PER_SAMPLE
        self._half = payload[whole:]
        return payload[:whole]


def bytes_to_pcm(payload: bytes) -> NDArray[np.int16]:
    """View whole samples as a 1-D, read-only array."""
    return np.frombuffer(payload, dtype=_WIRE).astype(np.int16, copy=False)


def base64_to_pcm(text: str) -> NDArray[np.int16]:
    """Decode to a 1-D, read-only array of int16 samples; raises as :func:`base64_to_bytes`."""
    return bytes_to_pcm(base64_to_bytes(text))

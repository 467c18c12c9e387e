"""The canceller: libspeexdsp of the operating system (BSD), called through ctypes.

Measured beside WebRTC's AEC3 and a partitioned Kalman filter of our own (``bittern bench
echo``): Speex keeps the person who speaks into an answer, at the lowest cost, and removes
25 to 31 dB of the echo once it has settled. What it does not do is find the delay or
follow a drift; that is done before it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import NamedTuple

import numpy as np

from device.audio.resample import LISTENING_RATE_HZ
from device.audio.samples import Samples
from device.errors import BitternError

LIBRARY = "libspeexdsp.so.1"
FRAME_SAMPLES = 160
"""10 ms, as the library's authors advise."""
TAIL_SAMPLES = 4096
"""256 ms of echo; beyond that a living room's is 40 dB down."""

# From speex_echo.h and speex_preprocess.h.
_ECHO_SET_SAMPLING_RATE = 24
_PREPROCESS_SET_DENOISE = 0
_PREPROCESS_SET_NOISE_SUPPRESS = 18
_PREPROCESS_SET_ECHO_SUPPRESS = 20
_PREPROCESS_SET_ECHO_SUPPRESS_ACTIVE = 22
_PREPROCESS_SET_ECHO_STATE = 24
_NOISE_DB, _ALONE_DB, _TOGETHER_DB = -5, -40, -15
"""How far the suppressor may turn down noise, echo alone, and echo under a voice."""


class MissingCancellerError(BitternError):
    """The operating system has no libspeexdsp."""


class Cancelled(NamedTuple):
    """A sound without its echo, twice."""

    plain: Samples
    """The echo subtracted, and nothing else done: for the wake word and for what is sent."""
    suppressed: Samples
    """What is left of the echo turned down too, at the price of some of the voice: for the
    question whether anybody speaks at all."""


def load_library() -> ctypes.CDLL:
    """Find the library; raises :class:`MissingCancellerError` with the command that mends it."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as failure:
        raise MissingCancellerError(
            f"{LIBRARY} is not installed, so the appliance cannot take its own voice out "
            "of what it hears",
            "sudo apt install libspeexdsp1",
        ) from failure
    state, number, pointer = ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
    for name, result, arguments in (
        ("speex_echo_state_init", state, [number, number]),
        ("speex_echo_state_reset", None, [state]),
        ("speex_echo_state_destroy", None, [state]),
        ("speex_echo_cancellation", None, [state, pointer, pointer, pointer]),
        ("speex_echo_ctl", number, [state, number, pointer]),
        ("speex_preprocess_state_init", state, [number, number]),
        ("speex_preprocess_state_destroy", None, [state]),
        ("speex_preprocess_ctl", number, [state, number, pointer]),
        ("speex_preprocess_run", number, [state, pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class SpeexCanceller:
    """One echo path at 16 kHz, learned and followed; for one thread."""

    def __init__(self) -> None:
        """Raises :class:`MissingCancellerError`."""
        self._library = load_library()
        self._echo: int | None = None
        self._preprocess: int | None = None
        self._begin()

    def _begin(self) -> None:
        library = self._library
        self._echo = library.speex_echo_state_init(FRAME_SAMPLES, TAIL_SAMPLES)
        self._preprocess = library.speex_preprocess_state_init(FRAME_SAMPLES, LISTENING_RATE_HZ)
        if not self._echo or not self._preprocess:
            raise MemoryError("libspeexdsp got no memory")
        rate = ctypes.c_int(LISTENING_RATE_HZ)
        library.speex_echo_ctl(self._echo, _ECHO_SET_SAMPLING_RATE, ctypes.byref(rate))
        library.speex_preprocess_ctl(self._preprocess, _PREPROCESS_SET_ECHO_STATE, self._echo)
        for key, value in (
            (_PREPROCESS_SET_DENOISE, 1),
            (_PREPROCESS_SET_NOISE_SUPPRESS, _NOISE_DB),
            (_PREPROCESS_SET_ECHO_SUPPRESS, _ALONE_DB),
            (_PREPROCESS_SET_ECHO_SUPPRESS_ACTIVE, _TOGETHER_DB),
        ):
            number = ctypes.c_int(value)
            library.speex_preprocess_ctl(self._preprocess, key, ctypes.byref(number))

    def process(self, heard: Samples, played: Samples) -> Cancelled:
        """Take whole frames (of 160) of both, on the same time; return as much."""
        if len(heard) != len(played) or len(heard) % FRAME_SAMPLES:
            raise ValueError(f"{len(heard)} and {len(played)} samples are no whole frames")
        heard, played = np.ascontiguousarray(heard), np.ascontiguousarray(played)
        plain = np.empty_like(heard)
        suppressed = np.empty_like(heard)
        cancel, suppress = self._library.speex_echo_cancellation, self._library.speex_preprocess_run
        at_heard, at_played, at_plain, at_suppressed = (
            each.ctypes.data for each in (heard, played, plain, suppressed)
        )
        for at in range(0, len(heard), FRAME_SAMPLES):
            frame, offset = slice(at, at + FRAME_SAMPLES), at * heard.itemsize
            cancel(self._echo, at_heard + offset, at_played + offset, at_plain + offset)
            suppressed[frame] = plain[frame]
            # The suppressor wants to know what the canceller did with this very frame.
            suppress(self._preprocess, at_suppressed + offset)
        return Cancelled(plain, suppressed)

    def reset(self) -> None:
        """Forget the echo path."""
        self.close()
        self._begin()

    def close(self) -> None:
        """Give the memory back; harmless when done already."""
        if self._preprocess:
            self._library.speex_preprocess_state_destroy(self._preprocess)
        if self._echo:
            self._library.speex_echo_state_destroy(self._echo)
        self._echo = self._preprocess = None

    def __del__(self) -> None:
        if hasattr(self, "_preprocess"):
            self.close()

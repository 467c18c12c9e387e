"""Keeps PortAudio, ALSA and JACK from writing their search for devices on people's terminals.

PortAudio tries every device that a default configuration could name, and each failure is
some lines on stderr: over a hundred on a healthy machine. Moving file descriptor 2 away
meanwhile would lose what other threads log and all that a child process which starts just
then will ever print. So the libraries themselves are quietened, and Python is not.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

log = logging.getLogger(__name__)


@cache
def hush_libraries() -> None:
    """Silence the error printers of ALSA and JACK in this process, for good.

    They take a function to call instead, and get a harmless one of libc, which ignores
    its arguments. PortAudio must not start a JACK server either. Nothing is silenced
    while this module logs at debug level.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    if log.isEnabledFor(logging.DEBUG):
        return
    harmless = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)
    for library, setters in (
        ("libasound.so.2", ("snd_lib_error_set_handler",)),
        ("libjack.so.0", ("jack_set_error_function", "jack_set_info_function")),
    ):
        try:
            loaded = ctypes.CDLL(library)
            for setter in setters:
                getattr(loaded, setter)(harmless)
        except (OSError, AttributeError) as failure:
            log.debug("cannot silence %s: %s", library, failure)


class _CStandardError:
    """The ``stderr`` of C, which PortAudio prints on: a variable that can be changed.

    Python writes to file descriptor 2 by itself and does not notice.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.fopen.restype = ctypes.c_void_p
        self._variable = ctypes.c_void_p.in_dll(libc, "stderr")
        self._terminal = self._variable.value
        self._nowhere = libc.fopen(b"/dev/null", b"w")
        self._lock = threading.Lock()
        self._quiet = 0

    def count(self, change: int) -> None:
        """Somebody wants quiet (+1), or no more (-1)."""
        with self._lock:
            self._quiet += change
            is_quiet = self._quiet > 0 and self._nowhere is not None
            self._variable.value = self._nowhere if is_quiet else self._terminal


@cache
def _c_standard_error() -> _CStandardError | None:
    # Another C library may keep the variable where it cannot be changed.
    return _CStandardError() if platform.libc_ver()[0] == "glibc" else None


@contextmanager
def quiet() -> Iterator[None]:
    """Let no C library print on stderr meanwhile, from whichever thread."""
    stream = None if log.isEnabledFor(logging.DEBUG) else _c_standard_error()
    if stream is None:
        yield
        return
    stream.count(+1)
    try:
        yield
    finally:
        stream.count(-1)

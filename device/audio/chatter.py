"""Keeps PortAudio, ALSA and JACK from writing on people's terminals and into journals.

PortAudio tries every device that a default configuration could name, and each failure is
some lines on stderr: over a hundred on a healthy machine. When a sound server dies at an
unlucky moment, one of its threads prints half a million lines a second for ever. Moving
file descriptor 2 away would lose what Python logs and what child processes print; so the
libraries are quietened and nobody else.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
from functools import cache

log = logging.getLogger(__name__)


@cache
def hush() -> None:
    """Silence the C libraries of this process on stderr, for good; Python is not affected.

    Nothing is silenced while this module logs at debug level. In any case PortAudio must
    not start a JACK server.
    """
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    if not log.isEnabledFor(logging.DEBUG):
        _replace_error_printers()
        _point_c_stderr_nowhere()


def _replace_error_printers() -> None:
    """Give ALSA and JACK a harmless function of libc to call; it ignores its arguments."""
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


def _point_c_stderr_nowhere() -> None:
    """Change the variable ``stderr`` of C, which PortAudio prints on.

    Python writes to file descriptor 2 by itself, as do child processes, aborting
    libraries and glibc's own last words.
    """
    if platform.libc_ver()[0] != "glibc":
        return  # elsewhere the variable need not be one that can be changed
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    nowhere = libc.fopen(b"/dev/null", b"w")
    if nowhere:
        ctypes.c_void_p.in_dll(libc, "stderr").value = nowhere

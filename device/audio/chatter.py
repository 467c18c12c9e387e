"""Keeps ALSA and JACK from writing their search for devices on people's terminals."""

from __future__ import annotations

import ctypes
import logging
import os
from functools import cache

log = logging.getLogger(__name__)


@cache
def hush() -> None:
    """Silence the error printers of libasound and libjack in this process, once.

    PortAudio tries every device that a default configuration could name, and each
    failure is some lines on stderr: over a hundred on a healthy machine. Both libraries
    take a function to call instead; they get a harmless one of libc (it ignores its
    arguments). Moving stderr away meanwhile would work too, but lose what other threads
    log and what child processes that start just then ever print.

    Nothing is silenced while this module logs at debug level. PortAudio must not start
    a JACK server either.
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

"""Memory that is free but not given back."""

from __future__ import annotations

import ctypes
import gc
import logging
from functools import cache
from typing import Any

_log = logging.getLogger(__name__)


@cache
def _libc() -> Any:
    return ctypes.CDLL("libc.so.6")


def give_back_memory() -> None:
    """Return what glibc's allocator holds free to the system; nothing on other systems."""
    try:
        _libc().malloc_trim(0)
    except (OSError, AttributeError):
        _log.debug("no malloc_trim here")


def settle() -> None:
    """Give back what a start only borrowed.

    Settings being parsed and models being optimized leave 4 MB free that glibc would keep.
    """
    gc.collect()
    give_back_memory()


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 1 << 20


def keep_memory_small() -> None:
    """Have glibc give large buffers back at once, and keep two heaps for all threads.

    Left alone it raises its idea of "large" to 32 MB with the first such buffer, and
    keeps a heap for each thread: models that work in turns on several threads then hold
    the memory of all of them for ever.
    """
    try:
        _libc().mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        _libc().mallopt(_M_TRIM_THRESHOLD, 4 * _LARGE_BYTES)
        _libc().mallopt(_M_ARENA_MAX, 2)
    except (OSError, AttributeError):
        _log.debug("no mallopt here")

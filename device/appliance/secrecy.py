"""What keeps a key inside the process that needs it."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Mapping

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4
"""``linux/prctl.h``"""
_HARMLESS = frozenset(
    {"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"}
)
_HARMLESS_BEGINNINGS = ("BITTERN_", "HF_", "LC_", "LD_", "NEEDLE_", "OMP_", "PYTHON", "XDG_")
_SECRET_ENDINGS = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def hide_memory() -> bool:
    """Allow no core dump of this process, and nobody but root to look into it.

    ``LimitCORE=0`` does not reach a dump that the kernel pipes to a program (core(5)),
    and without this any process of the same user may read our memory and environment.
    A program that we start is not affected: an ``exec`` lifts it.
    """
    is_done: bool = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
    if not is_done:
        log.warning("core dumps cannot be forbidden: %s", os.strerror(ctypes.get_errno()))
    return is_done


def for_children(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Our environment for a program that has no business with keys.

    It names what may pass instead of what may not: the settings may call the variable of
    a key whatever they like.
    """
    return {name: value for name, value in environ.items() if _is_harmless(name)}


def _is_harmless(name: str) -> bool:
    if name.upper().endswith(_SECRET_ENDINGS):
        return False
    return name in _HARMLESS or name.startswith(_HARMLESS_BEGINNINGS)

"""Needle's engine in a process of its own, with one thread and nothing to open.

The engine is a closed C library, so it gets a child process, which is started with this
file alone (no import of ours, no packages). Before any weights are given to it, the child
gives up the right to open anything more, for good: from then on there is no file and no
socket for the library, whatever it may want. That also keeps it to one thread. It takes
as many as the system reports processors, and has them spin while they wait for each
other, which on busy cores is many times slower than one; unable to read how many there
are, the C library counts those that the process may use, and the child has just
restricted itself to one.

One line of JSON comes in, one goes out: ``{"tools": TEXT}`` to read a set of tools,
``{"say": TEXT, "tokens": N}`` for what the model makes of an utterance.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import resource
import signal
import sys
from typing import Any, TextIO

_ANSWER_BYTES = 65_536
_PR_SET_PDEATHSIG = 1


def main(library: str, weights: str) -> int:
    """Serve until the input ends; the first line that goes out tells that it is ready."""
    _end_with_the_brain()
    answers = _answers()
    engine = ctypes.CDLL(library)
    mapped = _mapped(weights)
    _declare(engine)
    processors = _keep_to_one_processor()
    _open_nothing_more()
    if engine.needle_load(ctypes.addressof(mapped), len(mapped)) < 0:
        return _say(answers, {"failed": _error(engine)})
    if processors:
        os.sched_setaffinity(0, processors)
    _say(answers, {"ready": True})
    answer = ctypes.create_string_buffer(_ANSWER_BYTES)
    for line in sys.stdin:
        _say(answers, _answer(engine, json.loads(line), answer))
    return 0


def _end_with_the_brain() -> None:
    """Have the kernel end us with it, in the middle of a job too: nobody would read on."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _answers() -> TextIO:
    """Keep standard output for ourselves; what the library prints goes to standard error."""
    ours = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return ours


def _mapped(weights: str) -> ctypes.Array[ctypes.c_char]:
    """Map the weights: shared with whoever maps them too, and not a copy."""
    with open(weights, "rb") as file:
        # Private, so that a library that writes there cannot damage the file.
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return (ctypes.c_char * len(pages)).from_buffer(pages)


def _declare(engine: ctypes.CDLL) -> None:
    engine.needle_load.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    engine.needle_init.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p]
    engine.needle_complete.argtypes = [
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
    ]
    engine.needle_reset.argtypes = []
    engine.needle_reset.restype = None
    engine.needle_last_error.restype = ctypes.c_char_p


def _keep_to_one_processor() -> set[int]:
    """Restrict this process, and return what it had; nothing where that is forbidden."""
    before = os.sched_getaffinity(0)
    with contextlib.suppress(PermissionError):
        os.sched_setaffinity(0, {max(before)})
        return before
    return set()


def _open_nothing_more() -> None:
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, lowest_free))


def _answer(
    engine: ctypes.CDLL, question: dict[str, Any], answer: ctypes.Array[ctypes.c_char]
) -> dict[str, Any]:
    if "tools" in question:
        tokens = engine.needle_init(b"", question["tools"].encode(), None)
        return {"tokens": tokens} if tokens >= 0 else {"failed": _error(engine)}
    engine.needle_reset()
    said = question["say"].encode()
    if engine.needle_complete(said, question["tokens"], answer, len(answer)) < 0:
        return {"failed": answer.value.decode(errors="replace")}
    return {"answer": answer.value.decode(errors="replace")}


def _error(engine: ctypes.CDLL) -> str:
    return (engine.needle_last_error() or b"").decode(errors="replace") or "no reason given"


def _say(answers: TextIO, message: dict[str, Any]) -> int:
    answers.write(json.dumps(message) + "\n")
    answers.flush()
    return 1 if "failed" in message else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))

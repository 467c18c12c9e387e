"""What the C libraries print reaches nobody; what others print does."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes, logging, subprocess, sys
if {debug}:
    logging.basicConfig(level=logging.DEBUG)
from device.audio.chatter import hush
libc = ctypes.CDLL(None)
say = lambda text: libc.fputs(text + b"\\n", ctypes.c_void_p.in_dll(libc, "stderr"))
say(b"C before")
hush()
hush()
say(b"C after")
libc.perror(b"C perror")
print("Python", file=sys.stderr, flush=True)
subprocess.run(["sh", "-c", "echo child >&2"])
libc.fflush(None)
"""


def run(debug: bool) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(debug=debug)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stderr


def test_only_the_libraries_are_quiet() -> None:
    assert sorted(run(debug=False).splitlines()) == ["C before", "Python", "child"]


def test_debug_logging_hears_everything() -> None:
    heard = run(debug=True)
    assert "C after" in heard
    assert "C perror" in heard


def test_portaudio_starts_without_a_word_where_there_is_no_sound() -> None:
    program = (
        "from device.audio.portaudio_host import shared_host;"
        "print(len(shared_host().devices()));"
        "from device.audio.devices import Direction;"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": "/usr/bin", "HOME": "/nonexistent", "PULSE_SERVER": "unix:/nonexistent"},
    )
    assert done.stderr == ""
    assert int(done.stdout) >= 0

"""What children are given, and what stays in the process."""

from __future__ import annotations

import subprocess
import sys

from device.appliance.secrecy import for_children


def test_children_are_given_what_they_need_and_no_key():
    given = for_children(
        {
            "PATH": "/bin",
            "LANG": "C.UTF-8",
            "BITTERN_MODELS": "/var/lib/bittern-models",
            "OPENAI_API_KEY": "sk-1",
            "HOUSE": "sk-2",
            "BITTERN_TOKEN": "sk-3",
            "CREDENTIALS_DIRECTORY": "/run/credentials/bittern.service",
            "NOTIFY_SOCKET": "/run/systemd/notify",
        }
    )
    assert sorted(given) == ["BITTERN_MODELS", "LANG", "PATH"]


def test_a_process_that_hides_its_memory_says_so_to_the_kernel():
    """In a process of its own: it would forbid a dump of the tests as well."""
    program = (
        "import ctypes\n"
        "from device.appliance.secrecy import hide_memory\n"
        "before = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)\n"
        "assert hide_memory()\n"
        "print(before, ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "0"], done.stderr

"""Import every module that we ship, and what the lock names; print what fails."""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys

import device

THIRD_PARTY = [
    "numpy",
    "onnxruntime",
    "onnx",
    "msgspec",
    "websockets",
    "soxr",
    "soundfile",
    "xllamacpp",
    "hibari",
    "hassil",
    "yaml",
    "gpiozero",
    "pyaudio",
    "systemd.daemon",
    "systemd.journal",
]

NOT_ON_AN_APPLIANCE = frozenset({"matplotlib"})
"""What only whoever trains or measures installs; the lock of the appliance names none of it."""


def main() -> int:
    """Import, and tell."""
    ours = [found.name for found in pkgutil.walk_packages(device.__path__, "device.")]
    names = [*THIRD_PARTY, *(name for name in ours if not name.endswith("__main__"))]
    failed = 0
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as lacking:
            print(f"{name}: {lacking}")
            failed += lacking.name not in NOT_ON_AN_APPLIANCE
        except Exception as failure:
            print(f"{name}: {failure!r}")
            failed += 1
    print(f"{platform.machine()}, Python {platform.python_version()}: ", end="")
    print(f"{len(names) - failed} of {len(names)} modules can be imported or are not needed there")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

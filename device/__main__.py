"""``python -m device`` and the ``bittern`` script."""

from __future__ import annotations

import os
import sys

from device.cli import main as run


def main() -> None:
    """Run the command line and end the process with its status.

    numpy keeps its matrix products on the thread that asks for them. Left alone it wakes a
    thread for each core, which spin for 20 ms after 2 ms of work.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run())


if __name__ == "__main__":
    main()

"""``python -m device`` and the ``bittern`` script."""

from __future__ import annotations

import sys

from device.cli import main as run


def main() -> None:
    """Run the command line and end the process with its status."""
    sys.exit(run())


if __name__ == "__main__":
    main()

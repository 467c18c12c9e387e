"""Log lines for people: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys

LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def log_to_terminal(level: str) -> None:
    """Write log lines of ``level`` ("debug" … "error") and above to standard error."""
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=LINE, force=True)
    # It tells of every frame; what matters of a connection, our own lines say.
    logging.getLogger("websockets").setLevel(max(logging.WARNING, logging.root.level))

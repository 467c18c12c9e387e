"""Log lines for people: one line an event, on standard error."""

from __future__ import annotations

import copy
import logging
import sys

from device.plain_text import lines, one_line

LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class OneLine(logging.Formatter):
    """Has nothing in a message begin a line of its own, or speak to the terminal.

    The traceback of a failure of our own goes on having lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """As the base class, of the message made harmless."""
        harmless = copy.copy(record)
        harmless.msg, harmless.args = one_line(record.getMessage()), None
        return lines(super().format(harmless))


def log_to_terminal(level: str) -> None:
    """Write log lines of ``level`` ("debug" … "error") and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(LINE))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # It tells of every frame; what matters of a connection, our own lines say.
    logging.getLogger("websockets").setLevel(max(logging.WARNING, logging.root.level))

"""Log lines for systemd's journal, each with its particulars as fields of their own.

Besides what systemd's handler always tells (``PRIORITY``, ``LOGGER``, ``CODE_FILE``,
``THREAD_NAME``, …) a line about a conversation has ``BITTERN_EVENT``, ``BITTERN_TURN``,
``BITTERN_STATE``, and where they apply ``BITTERN_ENDPOINT``, ``BITTERN_REASON`` and
``BITTERN_LATENCY_MS``: ``journalctl -u bittern BITTERN_EVENT=link_failed -o json``.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.logs import OneLine


class NoJournalError(BitternError):
    """The journal was asked for, and there is none, or no way to it."""

    exit_code = EXIT_BAD_SETTINGS


def is_journalled(environ: Mapping[str, str] = os.environ, stream: IO[str] | None = None) -> bool:
    """Whether what goes to standard error ends in systemd's journal anyway.

    ``JOURNAL_STREAM`` alone does not say so: a child whose output goes elsewhere inherits
    it. It names the device and the inode of the stream (systemd.exec(5)).
    """
    told = environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat((stream or sys.stderr).fileno())
    except (OSError, ValueError):
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


SOCKET = Path("/run/systemd/journal/socket")
"""Where the journal listens. systemd's handler drops every line in silence where it is not."""


def is_available(socket: Path = SOCKET) -> bool:
    """Whether there is a journal, and systemd-python to write to it."""
    if not socket.exists():
        return False
    try:
        import systemd.journal  # noqa: F401
    except ImportError:
        return False
    return True


def log_to_journal(level: str, socket: Path = SOCKET) -> None:
    """Write log lines of ``level`` and above to the journal, through systemd's own handler.

    Raises :class:`NoJournalError` where nobody would read them.
    """
    if not socket.exists():
        raise NoJournalError(
            'log.format is "journal", and no journal runs here', 'Set log.format = "text".'
        )
    try:
        from systemd.journal import JournalHandler  # type: ignore[import-untyped, unused-ignore]
    except ImportError as failure:
        raise NoJournalError(
            'log.format is "journal", and systemd-python is not installed',
            'Install python3-systemd, or set log.format = "text".',
        ) from failure
    handler = JournalHandler(SYSLOG_IDENTIFIER="bittern")
    handler.setFormatter(OneLine("%(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("websockets").setLevel(max(logging.WARNING, logging.root.level))

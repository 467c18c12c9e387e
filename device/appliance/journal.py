"""Log lines for systemd's journal, with the priority and place of each as fields."""

from __future__ import annotations

import logging

from device.errors import EXIT_BAD_SETTINGS, BitternError


class NoJournalError(BitternError):
    """The journal was asked for, and systemd-python is not there."""

    exit_code = EXIT_BAD_SETTINGS


def log_to_journal(level: str) -> None:
    """Write log lines of ``level`` and above to the journal, through systemd's own handler."""
    try:
        from systemd.journal import JournalHandler  # type: ignore[import-untyped, unused-ignore]
    except ImportError as failure:
        raise NoJournalError(
            'log.format is "journal", and systemd-python is not installed',
            'Install python3-systemd, or set log.format = "text".',
        ) from failure
    handler = JournalHandler(SYSLOG_IDENTIFIER="bittern")
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("websockets").setLevel(max(logging.WARNING, logging.root.level))

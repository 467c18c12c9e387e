"""The failures a user is told about, and how the commands end because of them."""

from __future__ import annotations

EXIT_FAILURE = 1
"""Anything that went wrong and has no number of its own."""
EXIT_USAGE = 2
"""The command line itself was wrong (argparse's own number)."""
EXIT_NO_WAKE_WORD = 3
"""``bittern talk`` heard no wake word."""
EXIT_NO_ANSWER = 4
"""``bittern talk`` heard a question and no endpoint answered it."""
EXIT_BAD_SETTINGS = 78
"""The settings are wrong (``EX_CONFIG`` of sysexits.h): restarting cannot help."""


class BitternError(Exception):
    """A failure with a message for a person: what happened, and what to do about it.

    The command line prints ``bittern: what happened`` and, on a second line, the
    advice; never a traceback. Raise a subclass of it from the room that knows best.
    """

    exit_code = EXIT_FAILURE

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.what} ({self.advice})" if self.advice else self.what

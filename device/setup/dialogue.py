"""Questions and answers on a plain terminal, line by line, so that any connection will do."""

from __future__ import annotations

import sys
import termios
from collections.abc import Sequence
from typing import TextIO

from device.settings.setup_errors import SetupEndedError, SetupError

_YES, _NO = {"y", "yes"}, {"n", "no"}


class Dialogue:
    """Asks a person. Raises ``SetupEndedError`` when the person hangs up (Ctrl-D)."""

    def __init__(self, source: TextIO, sink: TextIO) -> None:
        self.source = source
        self.sink = sink

    def say(self, *lines: str) -> None:
        """Print lines; an empty one when there are none."""
        print(*(lines or ("",)), sep="\n", file=self.sink, flush=True)

    def heading(self, text: str) -> None:
        """Begin something new."""
        self.say("", text, "-" * len(text))

    def ask(self, question: str, default: str = "") -> str:
        """Return the answer without the blanks around it; Enter means the default."""
        hint = f" [{default}]" if default else ""
        self.sink.write(f"{question}{hint}: ")
        self.sink.flush()
        return self._line().strip() or default

    def agrees(self, question: str, *, default: bool = True) -> bool:
        """Ask for yes or no, until it is one of them."""
        while True:
            answer = self.ask(f"{question} [{'Y/n' if default else 'y/N'}]").casefold()
            if not answer:
                return default
            if answer in _YES | _NO:
                return answer in _YES
            self.say("Please answer y or n.")

    def choose(
        self, question: str, options: Sequence[str], current: int | None = None
    ) -> int | None:
        """Let choose one of several; return its index, or None for the current one."""
        for number, option in enumerate(options, start=1):
            mark = "*" if number - 1 == current else " "
            self.say(f" {mark}{number:2}  {option}")
        keeps = "Enter keeps what is" if current is None else "Enter keeps *"
        while True:
            answer = self.ask(f"{question} (1-{len(options)}, {keeps})")
            if not answer:
                return None
            if answer.isdecimal() and 1 <= int(answer) <= len(options):
                return int(answer) - 1
            self.say(f"Please give a number from 1 to {len(options)}.")

    def secret(self, question: str) -> str:
        """Ask for what must not be seen: nothing that is typed or pasted is shown.

        What was typed before the question is thrown away: it was meant for another one.
        """
        descriptor = self.source.fileno()
        shown = termios.tcgetattr(descriptor)
        hidden = termios.tcgetattr(descriptor)
        hidden[3] &= ~termios.ECHO
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        try:
            self.sink.write(f"{question}: ")
            self.sink.flush()
            return self._line().strip()
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, shown)
            self.say()

    def _line(self) -> str:
        line = self.source.readline()
        if not line:
            self.say()
            raise SetupEndedError("the set-up was left before its end", "Begin it again any time.")
        return line


def on_this_terminal() -> Dialogue:
    """Return a dialogue with whoever sits here. Raises ``SetupError`` where nobody does."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SetupError(
            "the set-up asks questions and needs a terminal",
            "Over ssh: `ssh -t HOST sudo bittern setup`. Without a person: write a settings file "
            "and run `scripts/install.sh --unattended --settings FILE --key-file FILE`.",
        )
    return Dialogue(sys.stdin, sys.stdout)

"""Telling a person, or a log, how a download goes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

LINE_EVERY_S = 5.0
"""Where there is no terminal, one line this often."""
_REDRAW_EVERY_S = 0.1


class FetchProgress:
    """Writes sizes, rates and remarks: one live line on a terminal, else a line now and then."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._every_s = _REDRAW_EVERY_S if self._is_terminal else LINE_EVERY_S
        self._title = ""
        self._total_bytes = 0
        self._begun_s = 0.0
        self._begun_bytes = 0
        self._shown_s = 0.0

    def say(self, text: str) -> None:
        """Write a line of its own."""
        self._clear()
        print(text, file=self._stream, flush=True)

    def begin(self, title: str, here_bytes: int, total_bytes: int) -> None:
        """Start with what is being fetched, and how much of it is here already."""
        self._title = title
        self._total_bytes = total_bytes
        self._begun_bytes = here_bytes
        self._begun_s = self._shown_s = self._clock()
        if here_bytes:
            self.say(f"{title}: continuing at {megabytes(here_bytes)}")

    def advance(self, here_bytes: int) -> None:
        """Show how much is here now, if the last showing is long enough ago."""
        now = self._clock()
        if now - self._shown_s >= self._every_s:
            self._shown_s = now
            self._show(self._line(here_bytes, now))

    def end(self) -> None:
        """Close the line with the whole time and rate."""
        took_s = max(self._clock() - self._begun_s, 1e-3)
        rate = (self._total_bytes - self._begun_bytes) / took_s
        self.say(
            f"{self._title}: {megabytes(self._total_bytes)} in {took_s:.1f} s ({megabytes(rate)}/s)"
        )

    def _line(self, here_bytes: int, now: float) -> str:
        rate = (here_bytes - self._begun_bytes) / max(now - self._begun_s, 1e-3)
        left_s = (self._total_bytes - here_bytes) / rate if rate > 0 else None
        left = f"  {_duration(left_s)} left" if left_s is not None else ""
        percent = 100 * here_bytes // max(self._total_bytes, 1)
        return (
            f"{self._title}: {percent:3d} %  {megabytes(here_bytes)} of "
            f"{megabytes(self._total_bytes)}  {megabytes(rate)}/s{left}"
        )

    def _show(self, line: str) -> None:
        if not self._is_terminal:
            print(line, file=self._stream, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{line[:width]}")
        self._stream.flush()

    def _clear(self) -> None:
        if self._is_terminal:
            self._stream.write("\r\x1b[K")


def megabytes(size_bytes: float) -> str:
    """Return a size as people read it."""
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"

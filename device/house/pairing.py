"""Lets a browser in: a code that the appliance says or a terminal shows, used once and soon."""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from device.errors import BitternError

DIGITS = 6
GOOD_FOR_S = 120.0
MOST_TRIES = 5
"""Of one code: after that it is void."""
MOST_ASKED, ASKED_WITHIN_S = 10, 3_600.0
"""Codes said on the request of a browser that nobody knows. With five tries each, somebody who
hears none of them finds one in 20,000 hours."""


class PairingError(BitternError):
    """No browser is let in by that."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code, and for whom."""

    code: str
    ticket: str
    """Known to the browser that asked for it, which alone may try; empty: any may."""
    until_s: float
    """On the clock of :class:`Pairing`."""


class Pairing:
    """At most one code at a time. ``now_s`` is a clock that never goes back, in seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._open: Invitation | None = None
        self._tries = 0
        self._asked: deque[float] = deque(maxlen=MOST_ASKED)

    def invite(self) -> Invitation:
        """A new code for whoever reads or hears it: somebody at the device has asked for it."""
        return self._invited(ticket="")

    def asked(self) -> Invitation:
        """A new code for one browser, which anybody in the network may be.

        Raises :class:`PairingError` while another code is good, and when it is asked too often.
        """
        now_s = self._now_s()
        if self._open is not None and now_s < self._open.until_s:
            raise PairingError(
                "another code is good at the moment", "Use that one, or wait two minutes."
            )
        if len(self._asked) == MOST_ASKED and now_s - self._asked[0] < ASKED_WITHIN_S:
            raise PairingError(
                "codes were asked for too often",
                "Press the button that pairs, use `bittern page pair`, or wait an hour.",
            )
        self._asked.append(now_s)
        return self._invited(ticket=secrets.token_urlsafe(16))

    def _invited(self, ticket: str) -> Invitation:
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        self._open = Invitation(code, ticket, self._now_s() + GOOD_FOR_S)
        self._tries = 0
        return self._open

    def withdraw(self) -> None:
        """The code could not be told to anybody."""
        self._open = None

    def accept(self, code: str, ticket: str) -> None:
        """Use up the code; raises :class:`PairingError` for a wrong or an old one."""
        there = self._open
        if there is None or self._now_s() >= there.until_s:
            self._open = None
            raise PairingError("there is no code, or it is too old", "Ask for a new one.")
        if there.ticket and not _same(ticket, there.ticket):
            # Of another browser: its tries must not use up those of who asked.
            raise PairingError("the code that was said is for another browser", "Ask for one.")
        self._tries += 1
        if _same(code, there.code):
            self._open = None
            return
        if self._tries >= MOST_TRIES:
            self._open = None
            raise PairingError("that was wrong too often: the code is void", "Ask for a new one.")
        left = MOST_TRIES - self._tries
        raise PairingError(f"that is not the code; {left} tries are left", "Listen again.")


def _same(one: str, other: str) -> bool:
    """Take as long for the nearly right as for the wrong."""
    return hmac.compare_digest(one.encode(), other.encode())

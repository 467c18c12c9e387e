"""What "pair" can honestly mean here: the appliance says where it can be reached.

There is no app to pair with and no server to ask. Whoever wants to change anything
connects with ssh, and for that needs a name and an address, which a speaker without a
screen can say. Nothing is opened and nothing is let in by it.
"""

from __future__ import annotations

import socket

from device.phrases.book import Phrase, phrase

# Addresses for documentation (RFC 5737, RFC 3849): nothing is ever sent there.
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def address() -> str:
    """The address of this machine in its network; empty where it has none.

    A datagram socket that is connected and never written to: the kernel chooses the
    interface and says which address that has.
    """
    for family, elsewhere in _ELSEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                own = str(probe.getsockname()[0])
        except OSError:
            continue
        if not own.startswith("127.") and own != "::1":
            return own
    return ""


def introduction(name: str, own_address: str) -> list[Phrase]:
    """What to say about a name and an address; empty where there is none."""
    called = phrase("my_name", name=name.partition(".")[0])
    if not own_address:
        return [called, phrase("no_address")]
    return [called, phrase("my_address", address=own_address)]


def own_introduction() -> list[Phrase]:
    """What to say about this machine, now."""
    return introduction(socket.gethostname(), address())

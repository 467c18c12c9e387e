"""Whether this machine has a way to the network at all, as the kernel's routing tables say.

It asks nobody: a machine behind a router that has lost its line still has a route, and
that shows by the link that fails. What it does show at once is a Wi-Fi that is gone.
"""

from __future__ import annotations

from pathlib import Path

ROUTES_V4 = Path("/proc/net/route")
ROUTES_V6 = Path("/proc/net/ipv6_route")
_UP, _REJECT = 0x1, 0x200
"""``RTF_UP`` and ``RTF_REJECT`` of ``linux/route.h``."""


def has_way_out(routes_v4: Path = ROUTES_V4, routes_v6: Path = ROUTES_V6) -> bool:
    """Whether a default route exists; True where the kernel does not tell."""
    try:
        tables = routes_v4.read_text().splitlines(), _lines_if_any(routes_v6)
    except OSError:
        return True
    return any(map(_is_default_v4, tables[0][1:])) or any(map(_is_default_v6, tables[1]))


def _lines_if_any(routes: Path) -> list[str]:
    """A kernel without IPv6 has no such file."""
    return routes.read_text().splitlines() if routes.exists() else []


def _is_default_v4(line: str) -> bool:
    """Interface, destination, gateway, flags, three counters, mask: hexadecimal."""
    words = line.split()
    return len(words) > 7 and int(words[1], 16) == 0 and int(words[7], 16) == 0 and _leads(words[3])


def _is_default_v6(line: str) -> bool:
    """Destination, its length, source, its length, next hop, three counters, flags, interface."""
    words = line.split()
    if len(words) < 10 or words[9] == "lo":
        return False
    return int(words[0], 16) == 0 and int(words[1], 16) == 0 and _leads(words[8])


def _leads(flags: str) -> bool:
    bits = int(flags, 16)
    return bool(bits & _UP) and not bits & _REJECT

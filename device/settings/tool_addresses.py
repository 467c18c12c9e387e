"""Whom other people's tools may reach: what the settings say, as systemd enforces it.

The tools run as foreign code; that they reach nobody else must not depend on them, nor on the
process that runs them. So root writes it into a drop-in of their unit.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from device.settings.settings_file import replace_whole
from device.settings.setup_errors import SetupError
from device.settings.tree import Settings

UNIT = "bittern-tools.service"
DROP_INS = Path("/etc/systemd/system") / f"{UNIT}.d"
TOOL_CREDENTIALS = Path("/etc/bittern/tool-credentials")
FILE = "20-addresses.conf"
HOME = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    "127.0.0.53",
)  # fmt: skip
"""The networks that a house may have (RFC 1918, RFC 4193, link-local), and the name server that
systemd runs on this machine."""


def reachable(settings: Settings) -> list[str]:
    """The addresses, as ``IPAddressAllow=`` takes them, sorted; empty for nobody."""
    named = [*settings.own_tools.addresses] if settings.own_tools.enabled else []
    for server in settings.mcp_servers():
        named += server.addresses
        if literal := _literal(server.url):
            named.append(literal)
    found: set[str] = set()
    for each in named:
        found |= set(HOME) if each == "home" else {each}
    return ["any"] if "any" in found else sorted(found)


def is_reachable(url: str, addresses: tuple[str, ...]) -> bool:
    """Whether a server is told whom it may reach; of a name nobody knows here whose it is."""
    return bool(addresses) or not url or _literal(url) is not None


def _literal(url: str) -> str | None:
    try:
        return str(ipaddress.ip_address(urlsplit(url).hostname or ""))
    except ValueError:
        return None


def allow_addresses(settings: Settings, drop_ins: Path = DROP_INS) -> bool:
    """Put it in force; return whether anything changed.

    Raises ``SetupError`` for whoever is not root, and for an address that there is not.
    """
    lines = [f"IPAddressAllow={_checked(each)}\n" for each in reachable(settings)]
    text = "# Written by `bittern mcp allow`, from the settings.\n[Service]\n" + "".join(lines)
    file = drop_ins / FILE
    try:
        if not lines:
            if not file.exists():
                return False
            file.unlink()
        elif file.exists() and file.read_text() == text:
            return False
        else:
            drop_ins.mkdir(parents=True, exist_ok=True, mode=0o755)
            replace_whole(file, text.encode())
            file.chmod(0o644)
    except OSError as failure:
        raise SetupError(
            f"{file} cannot be written: {failure.strerror}", "Put sudo before it."
        ) from None
    if drop_ins == DROP_INS and os.path.isdir("/run/systemd/system"):
        for order in (("daemon-reload",), ("try-restart", UNIT)):
            subprocess.run(["systemctl", *order], capture_output=True, timeout=60, check=False)
    return True


def _checked(address: str) -> str:
    if address == "any":
        return address
    try:
        return str(ipaddress.ip_network(address, strict=False))
    except ValueError:
        raise SetupError(f"{address} is no address", "Correct addresses in the settings.") from None

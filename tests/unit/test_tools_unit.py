"""The unit of other people's tools holds what docs/tools.md says of it; a reset forgets them."""

from __future__ import annotations

from pathlib import Path

from device.cli.factory_reset import UNITS, _service_places

UNIT = Path(__file__).parents[2] / "systemd" / "bittern-tools.service"


def test_it_is_nobodys_and_has_no_way_out() -> None:
    lines = UNIT.read_text().splitlines()
    for line in (
        "DynamicUser=yes",
        "RuntimeDirectory=bittern-tools",
        "MemoryMax=400M",
        "IPAddressDeny=any",
        "PrivateDevices=yes",
        "ProtectHome=yes",
    ):
        assert line in lines
    assert not any(
        line.startswith(("User=", "SupplementaryGroups=", "IPAddressAllow=")) for line in lines
    )
    (hidden,) = (line for line in lines if line.startswith("InaccessiblePaths="))
    for path in ("/var/lib/bittern", "/run/bittern", "/etc/bittern/credentials"):
        assert f"-{path} " in hidden


def test_a_factory_reset_ends_it_and_forgets_the_owners_tools_and_keys() -> None:
    assert UNIT.name in UNITS
    assert {Path("/etc/bittern/tools.d"), Path("/etc/bittern/tool-credentials")} <= set(
        _service_places().copies
    )

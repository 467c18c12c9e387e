"""Whom other people's tools may reach: nobody, until the owner has said whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.schema.document import parse_document
from device.settings.load import SettingsError, assemble
from device.settings.setup_errors import SetupError
from device.settings.tool_addresses import FILE, allow_addresses, is_reachable, reachable
from device.settings.tree import Settings


def settings(text: str) -> Settings:
    return assemble(None, parse_document(text.encode(), "my.toml")).settings


def server(rest: str, name: str = "s") -> str:
    return f'[[mcp]]\nname = "{name}"\n{rest}\n'


def test_nobody_is_reached_as_shipped() -> None:
    assert reachable(Settings()) == []


def test_addresses_of_all_servers_are_allowed_together() -> None:
    found = settings(
        server('url = "http://10.1.2.3:80/mcp"', "a")
        + server('command = ["x"]\naddresses = ["192.168.1.0/24"]', "b")
        + server('command = ["x"]\naddresses = ["1.1.1.1"]\nenabled = false', "c")
    )
    assert reachable(found) == ["10.1.2.3", "192.168.1.0/24"]


def test_the_house_and_everybody() -> None:
    home = reachable(settings(server('url = "http://hub.local/mcp"\naddresses = ["home"]')))
    assert "192.168.0.0/16" in home
    assert not any(each.startswith("0.") for each in home)
    assert reachable(settings('[own_tools]\naddresses = ["any", "home"]\n')) == ["any"]


def test_a_name_without_addresses_is_told_by_the_doctor() -> None:
    assert not is_reachable("https://example.org/mcp", ())
    assert is_reachable("http://[fd00::1]/mcp", ())
    assert is_reachable("", ())


def test_what_is_in_force_follows_the_settings(tmp_path: Path) -> None:
    drop_ins = tmp_path / "unit.d"
    some = settings(server('command = ["x"]\naddresses = ["10.0.0.7/8"]'))
    assert not allow_addresses(Settings(), drop_ins)
    assert allow_addresses(some, drop_ins)
    text = (drop_ins / FILE).read_text()
    assert text.splitlines()[1:] == ["[Service]", "IPAddressAllow=10.0.0.0/8"]
    assert not allow_addresses(some, drop_ins)
    assert allow_addresses(Settings(), drop_ins)
    assert not (drop_ins / FILE).exists()


def test_what_is_no_address_gets_into_no_unit(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match='"any", "home"'):
        settings(server('command = ["x"]\naddresses = ["1.2.3.4\\nUser=root"]'))
    with pytest.raises(SetupError, match="is no address"):
        allow_addresses(settings(server('command = ["x"]\naddresses = ["::::"]')), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (server(""), "expected a command or a url"),
        (server('command = ["x"]\nurl = "http://a/b"'), "expected a command or a url"),
        (server('command = ["x"]', "own"), "expected another name"),
        (server('url = "ftp://a/b"'), "http://HOST/PATH"),
        (server('url = "http://me:pass@a/b"'), "no secret"),
        (server('command = ["x"]\ntoken = "t"'), "no secret"),
    ],
)
def test_mistakes_in_a_server_are_named(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        settings(text)

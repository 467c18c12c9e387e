"""A server in the house whose certificate only the house's own authority has signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from private_authority import Authority

from device.doctor.answers import check_endpoints
from device.doctor.findings import Verdict
from device.house.endpoints import roster
from device.realtime.failures import LinkFailed, Reason
from device.realtime.websocket import WebSocketLink
from device.settings.load import SettingsError


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


async def opened(loaded) -> WebSocketLink:
    entry = roster(loaded, "", None, lambda: []).entries["house"]
    return await WebSocketLink.open(entry.endpoint, entry.session(entry.endpoint))


async def test_it_is_trusted_where_the_settings_name_its_authority(settings, cloud_of, authority):
    cloud = await cloud_of({}, tls=authority.server())
    loaded = settings.load(settings.endpoint("house", cloud.url, ca_file=str(authority.file)))
    link = await opened(loaded)
    await link.close()
    (finding,) = await check_endpoints(loaded)
    assert finding.verdict is Verdict.GOOD, finding


async def test_it_is_not_trusted_otherwise(settings, cloud_of, authority, tmp_path):
    cloud = await cloud_of({}, tls=authority.server())
    stranger = Authority(tmp_path / "others").file
    for more in ({}, {"ca_file": str(stranger)}, {"ca_file": str(tmp_path / "none.pem")}):
        loaded = settings.load(settings.endpoint("house", cloud.url, **more))
        with pytest.raises(LinkFailed) as failed:
            await opened(loaded)
        assert failed.value.failure.reason is Reason.TLS
        (finding,) = await check_endpoints(loaded)
        assert finding.verdict is Verdict.BAD
        assert "ca_file" in finding.advice


async def test_a_new_authority_in_the_same_file_counts_at_once(settings, cloud_of, tmp_path):
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    file = tmp_path / "ca.pem"
    cloud = await cloud_of({}, tls=new.server())
    loaded = settings.load(settings.endpoint("house", cloud.url, ca_file=str(file)))
    file.write_bytes(old.file.read_bytes())
    with pytest.raises(LinkFailed):
        await opened(loaded)
    file.write_bytes(new.file.read_bytes())
    await (await opened(loaded)).close()


@pytest.mark.parametrize(
    ("url", "ca_file", "mistake"),
    [
        ("ws://192.0.2.1:8080", "/etc/ca.pem", "only a wss:// url has certificates"),
        ("wss://192.0.2.1", "ca.pem", "(none) or the whole path of a file"),
    ],
)
def test_what_cannot_be_is_refused(settings, url: str, ca_file: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings.load(settings.endpoint("house", url, ca_file=ca_file))
    assert mistake in str(error.value), str(error.value)

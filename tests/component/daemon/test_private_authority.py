"""A server in the house whose certificate only the house's own authority has signed."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from device.doctor.answers import check_endpoints
from device.doctor.findings import Verdict
from device.house.endpoints import roster
from device.realtime.failures import LinkFailed, Reason
from device.realtime.websocket import WebSocketLink
from device.settings.load import SettingsError

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Makes itself and signs servers of 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.file, self._key = folder, folder / "ca.pem", folder / "ca.key"
        _openssl(
            "req", "-x509", *EC, "-days", 2, "-subj", "/CN=the house",
            "-addext", "keyUsage=critical,keyCertSign", "-keyout", self._key, "-out", self.file,
        )  # fmt: skip

    def server(self) -> ssl.SSLContext:
        key, request, cert = (self.folder / f"server.{end}" for end in ("key", "csr", "pem"))
        extensions = self.folder / "extensions"
        # Python 3.13 insists on the second (RFC 5280).
        extensions.write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
        _openssl("req", *EC, "-subj", "/CN=server", "-keyout", key, "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key,
            "-CAcreateserial", "-days", 2, "-extfile", extensions, "-out", cert,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context


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

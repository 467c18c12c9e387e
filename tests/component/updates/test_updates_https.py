"""Releases from a web server: over TLS only, continued, and no more than was promised."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from device import __version__
from device.updates.errors import BadRelease, NoRoom, UpdateFailed
from device.updates.manifest import FILE_NAME
from device.updates.source import WebFolder, source_of

Appliance = Any
"""The class of this name in conftest.py."""


class Server(ThreadingHTTPServer):
    """Gives out a folder, and remembers what it was asked for."""

    folder: Path
    breaks_after: int | None = None
    """Bytes of an archive after which the connection is lost, once."""
    asked: list[tuple[str, str | None]]
    told: dict[str, str]
    """The headers that came with any of it."""
    through: Path | None = None
    """The socket of who fetches, where whoever installs has no network."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        self.server.told.update(self.headers.items())
        path = self.server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        stop = len(content)
        if self.server.breaks_after is not None and path.suffix == ".gz":
            stop, self.server.breaks_after = self.server.breaks_after, None
        self.wfile.write(content[start:stop])

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(params=["by itself", "by who fetches for it"])
def server(
    request: pytest.FixtureRequest,
    appliance: Appliance,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Server]:
    appliance.install("0.1.0")
    appliance.boot()
    httpd = Server(("127.0.0.1", 0), Handler)
    httpd.folder, httpd.asked = appliance.publish("0.2.0").path, []
    httpd.told = {}
    if request.param != "by itself":
        httpd.through = request.getfixturevalue("fetcher").path
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, name="releases")
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setattr("device.models.download.PAUSE_S", 0.01)
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def source_at(server: Server) -> WebFolder:
    source = source_of(f"https://127.0.0.1:{server.server_address[1]}/", server.through)
    assert isinstance(source, WebFolder)
    return source


def test_a_release_comes_over_https(appliance: Appliance, server: Server) -> None:
    source = source_at(server)
    new = appliance.updater().apply(source, appliance.offer(source))
    appliance.assert_wholly(new)
    assert not list(appliance.places.work.glob("*.part"))


def test_to_look_for_a_release_tells_no_more_than_that_a_bittern_asks(
    appliance: Appliance, server: Server
) -> None:
    appliance.offer(source_at(server))
    assert {path for path, _ in server.asked} == {f"/{FILE_NAME}", f"/{FILE_NAME}.sig"}
    assert server.told.keys() == {"Host", "User-Agent", "Accept-Encoding", "Connection"}
    assert server.told["User-Agent"] == f"bittern/{__version__}"


def test_a_lost_connection_is_continued(appliance: Appliance, server: Server) -> None:
    server.breaks_after = 100
    source = source_at(server)
    appliance.assert_wholly(appliance.updater().apply(source, appliance.offer(source)))
    archives = [wanted for path, wanted in server.asked if path.endswith(".gz")]
    assert archives == [None, "bytes=100-"]


def test_a_certificate_that_nobody_vouches_for(
    appliance: Appliance, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UpdateFailed, match="CERTIFICATE_VERIFY_FAILED"):
        appliance.offer(source_at(server))


def test_a_server_that_lacks_it(appliance: Appliance, server: Server) -> None:
    (server.folder / "release.json.sig").unlink()
    with pytest.raises(UpdateFailed, match="404"):
        appliance.offer(source_at(server))


@pytest.mark.parametrize(
    ("file", "size"), [("release.json", 5 << 20), ("release.json.sig", 20_000)]
)
def test_more_than_there_can_be(appliance: Appliance, server: Server, file: str, size: int) -> None:
    (server.folder / file).write_bytes(b" " * size)
    with pytest.raises(BadRelease, match="more than"):
        appliance.offer(source_at(server))


def test_an_archive_longer_than_promised(appliance: Appliance, server: Server) -> None:
    [archive] = server.folder.glob("*.gz")
    archive.write_bytes(archive.read_bytes() + bytes(1 << 20))
    source = source_at(server)
    running = appliance.running
    with pytest.raises(UpdateFailed, match="offers"):
        appliance.updater().apply(source, appliance.offer(source))
    appliance.assert_wholly(running[0])


def test_no_room_for_the_download(
    appliance: Appliance, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_at(server)
    offer = appliance.offer(source)
    monkeypatch.setattr("device.updates.source.SPARE_BYTES", 1 << 60)
    with pytest.raises(NoRoom, match="are free"):
        appliance.updater().apply(source, offer)
    assert not any(path.endswith(".gz") for path, _ in server.asked), "seen before it is fetched"

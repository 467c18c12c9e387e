"""Updates by who has no network: a process of nobody's fetches, and is believed nothing."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError

import pytest

from device.models.errors import FetchFailed
from device.models.pip_settings import PipSettings
from device.models.through import ThroughFetcher, bring_packages
from device.updates.candidate import Candidate
from device.updates.errors import UpdateFailed
from device.updates.source import source_of
from tests.support.accepting import AcceptingSocket

Appliance = Any
"""The class of this name in conftest.py."""

PLAIN = PipSettings(indexes=())


class Site(BaseHTTPRequestHandler):
    """A server that redirects, refuses, and writes down who asked."""

    asked: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.asked.append({"path": self.path, **dict(self.headers.items())})
        if self.path == "/moved":
            self.send_response(302)
            port = self.server.server_address[1]
            self.send_header("Location", f"http://localhost:{port}/there")
            self.end_headers()
        elif self.path == "/there":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"found")
        else:
            self.send_error(404, "nothing\there")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    Site.asked = []
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"127.0.0.1:{httpd.server_address[1]}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_what_a_server_says_comes_through_with_where_it_was_found(fetcher, site) -> None:
    opener = ThroughFetcher(fetcher.path, PipSettings(indexes=(f"http://me:secret@{site}/simple",)))
    with opener.open(f"http://me:secret@{site}/moved", {"Accept": "text/html"}) as answer:
        assert answer.read() == b"found"
        assert answer.geturl().endswith("/there")
        assert answer.headers.get_content_type() == "text/html"
    first, second = Site.asked
    assert first["Authorization"].startswith("Basic ")
    assert first["Accept"] == "text/html"
    assert "Authorization" not in second, "a secret is not handed on to where a server points"


def test_a_refusal_is_one_and_what_is_no_address_is_not_asked_for(fetcher, site) -> None:
    opener = ThroughFetcher(fetcher.path, PLAIN)
    with pytest.raises(HTTPError, match="404"):
        opener.open(f"http://{site}/nowhere")
    with pytest.raises(URLError, match="only addresses of the web"):
        opener.open("file:///etc/passwd")
    with pytest.raises(URLError, match="refused"):
        opener.open("http://127.0.0.1:1/")


def test_where_nobody_fetches_an_update_says_so(tmp_path: Path) -> None:
    opener = ThroughFetcher(tmp_path / "none.sock", PLAIN)
    with pytest.raises(URLError, match="does not answer on"):
        opener.open("https://example.org/")
    with pytest.raises(UpdateFailed, match="cannot be had"):
        source_of("https://example.org/x", tmp_path / "none.sock").small("release.json", 10)


# -- packages --------------------------------------------------------------------------------


def wheel(folder: Path, version: str) -> tuple[str, str]:
    """A package of nothing; its name and hash."""
    name = f"nothing_at_all-{version}-py3-none-any.whl"
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = f"nothing_at_all-{version}.dist-info"
        archive.writestr("nothing_at_all.py", "")
        about = f"Metadata-Version: 2.1\nName: nothing-at-all\nVersion: {version}\n"
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    (folder / name).write_bytes(content.getvalue())
    return name, hashlib.sha256(content.getvalue()).hexdigest()


def lock_of(folder: Path, version: str, sha256: str) -> Path:
    lock = folder / "run.txt"
    lock.write_text(f"nothing-at-all=={version} --hash=sha256:{sha256}\n")
    return lock


def test_packages_come_as_the_lock_names_them(fetcher, tmp_path, monkeypatch) -> None:
    shop, into = tmp_path / "shop", tmp_path / "wheels"
    shop.mkdir()
    into.mkdir()
    name, sha256 = wheel(shop, "1.0")
    wheel(shop, "2.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    bring_packages(fetcher.path, lock_of(tmp_path, "1.0", sha256), into)
    assert [each.name for each in into.iterdir()] == [name]
    assert (into / name).read_bytes() == (shop / name).read_bytes()
    with pytest.raises(FetchFailed, match="packages could not be brought"):
        bring_packages(fetcher.path, lock_of(tmp_path, "1.0", "0" * 64), tmp_path)


@pytest.mark.parametrize(
    "sent",
    [
        b"../../etc/cron.d/x.whl 3\nabc",
        b"/etc/x.whl 3\nabc",
        b"a.whl 99999999999\n",
        b"a.whl\n",
        b"a.sh 3\nabc",
        b"a.whl 300\nabc",
        b"x" * 5000,
    ],
)
def test_one_that_lies_writes_nothing_but_packages(tmp_path: Path, sent: bytes) -> None:
    def lie(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + sent)

    liar = AcceptingSocket(tmp_path / "liar.sock", lie)
    into, lock = tmp_path / "wheels", tmp_path / "run.txt"
    into.mkdir()
    lock.write_text("")
    with pytest.raises(FetchFailed):
        bring_packages(liar.path, lock, into)
    liar.close()
    assert {each.name for each in into.iterdir()} <= {"a.whl"}
    assert not list(tmp_path.glob("*.whl"))


def test_one_that_lies_about_a_release_is_found_out(appliance: Appliance, tmp_path: Path) -> None:
    """The list of files is signed, and whoever fetched has no key."""

    def lie(connection: socket.socket) -> None:
        connection.recv(65536)
        text = b'{"version": "9.9.9"}'
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n".encode()
        connection.sendall(head + text)

    liar = AcceptingSocket(tmp_path / "liar.sock", lie)
    appliance.install("0.1.0")
    with pytest.raises(UpdateFailed):
        appliance.offer(source_of("https://example.org/", liar.path))
    liar.close()


def test_an_environment_is_made_from_what_was_brought(
    appliance: Appliance, fetcher: AcceptingSocket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    name, sha256 = wheel(shop, "1.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    places = appliance.places
    for release, version in (("old", "0.9"), ("new", "1.0")):
        folder = places.release(release)
        (folder / "requirements").mkdir(parents=True)
        (folder / "scripts").mkdir()
        lock_of(folder / "requirements", version, sha256)
        script = folder / "scripts" / "environment"
        script.write_text('#!/bin/sh\necho "$PIP_NO_INDEX" "$(ls "$PIP_FIND_LINKS")" >"$0.saw"\n')
        script.chmod(0o755)
    places.work.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    candidate = Candidate(places, said.append, through=fetcher.path)
    candidate.make_environment("new", like="old")
    saw = places.release("new") / "scripts" / "environment.saw"
    assert saw.read_text().split() == ["1", name]
    assert not (places.work / "wheels").exists(), "what was brought is not kept"
    # The same packages as before need nobody.
    before = fetcher.answered
    lock_of(places.release("old") / "requirements", "1.0", sha256)
    candidate.make_environment("new", like="old")
    assert fetcher.answered == before


def test_the_fetcher_leaves_nothing_behind(
    fetcher: AcceptingSocket, tmp_path: Path, site: str
) -> None:
    with pytest.raises(FetchFailed):
        bring_packages(fetcher.path, lock_of(tmp_path, "7.0", "0" * 64), tmp_path)
    assert {each.name for each in tmp_path.iterdir()} <= {"run.txt", "fetch.sock"}
    assert os.environ.get("PIP_NO_INDEX") is None

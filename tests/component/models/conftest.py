"""A package index on the loopback, with a small package of models, and its misbehaviours."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from device.models.manifest import ModelArchive, ModelFile, ModelManifest, ModelSet
from device.models.model_store import ModelStore
from device.models.pip_settings import PipSettings
from device.models.progress import FetchProgress

PROJECT = "small-models"
WHEEL = "small_models-1.0-py3-none-any.whl"


@dataclass
class Index:
    """What the server gives out, and what it was asked."""

    files: dict[str, bytes]
    json_pages: bool = True
    cut_after_bytes: list[int] = field(default_factory=list)
    """One entry an answer: how many bytes are sent before the connection is dropped."""
    ranges_served: bool = True
    status: list[int] = field(default_factory=list)
    """One entry an answer: an error status in place of the file."""
    credentials: str = ""
    """The Authorization header to insist on."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Files are only given out while it is set."""
    file_requests: list[str] = field(default_factory=list)
    """The Range header of each request for a file."""
    page_requests: int = 0
    address: str = ""

    def page(self, base: str) -> tuple[str, bytes]:
        entries = [(name, f"{base}files/{name}") for name in self.files]
        if self.json_pages:
            document = {"files": [{"filename": n, "url": u, "hashes": {}} for n, u in entries]}
            return "application/vnd.pypi.simple.v1+json", json.dumps(document).encode()
        links = "".join(f'<a href="../../files/{n}#sha256=">{n}</a>' for n, _ in entries)
        return "text/html", f"<html><body>{links}</body></html>".encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: Index

    def do_GET(self) -> None:
        index = self.index
        if index.credentials and self.headers.get("Authorization") != index.credentials:
            self.reply(401, b"")
        elif self.path == f"/simple/{PROJECT}/":
            index.page_requests += 1
            kind, page = index.page(index.address.removesuffix("simple"))
            self.reply(200, page, {"Content-Type": kind})
        elif self.path.startswith("/files/"):
            index.file_requests.append(self.headers.get("Range", ""))
            index.gate.wait(30)
            self.reply_file(index.files[self.path.removeprefix("/files/")])
        else:
            self.reply(404, b"")

    def reply_file(self, content: bytes) -> None:
        if self.index.status and (status := self.index.status.pop(0)):
            self.reply(status, b"")
            return
        start = 0
        wanted = self.headers.get("Range", "")
        if wanted and self.index.ranges_served:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.reply(416, b"")
            return
        extra = {}
        if start:
            extra["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.reply(206 if start else 200, content[start:], extra, self.next_cut())

    def next_cut(self) -> int | None:
        return self.index.cut_after_bytes.pop(0) if self.index.cut_after_bytes else None

    def reply(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def wheel_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            # A date of its own: the bytes must be the same in every process.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Incompressible, so that the archive is large enough to be cut in interesting places.
BIG = random.Random(1).randbytes(600_000)
MEMBERS = {"small/first": BIG[:400_000], "small/second": BIG[400_000:], "small/note": b"hello"}
CONTENT = wheel_of(MEMBERS)


def small_set() -> ModelSet:
    return ModelSet(
        name="small",
        about="a set for tests",
        licence="CC0-1.0",
        default=True,
        archives=(ModelArchive(PROJECT, "1.0", WHEEL, len(CONTENT), sha256(CONTENT)),),
        files=(
            ModelFile("small/big.bin", len(BIG), sha256(BIG), ("small/first", "small/second")),
            ModelFile("small/note.txt", 5, sha256(b"hello"), ("small/note",)),
        ),
    )


@pytest.fixture
def models() -> ModelSet:
    return small_set()


@pytest.fixture
def big() -> bytes:
    return BIG


@pytest.fixture
def wheel() -> bytes:
    return CONTENT


@pytest.fixture
def shop(tmp_path: Path, models: ModelSet) -> ModelStore:
    return ModelStore(tmp_path / "store", ModelManifest({"small": models}))


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(said: io.StringIO) -> FetchProgress:
    return FetchProgress(said)


@pytest.fixture
def index(served_index: Index, monkeypatch: pytest.MonkeyPatch) -> Index:
    """A running index that the store is told to use, without the third of a second pip takes."""
    settings = PipSettings(indexes=(served_index.address,))
    monkeypatch.setattr("device.models.pip_settings.read", lambda: settings)
    return served_index


@pytest.fixture
def pip_index(served_index: Index) -> Index:
    """A running index that pip itself is asked for."""
    return served_index


@pytest.fixture
def served_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    served = Index({WHEEL: CONTENT})
    served.gate.set()
    handler = type("BoundHandler", (Handler,), {"index": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.address = f"http://127.0.0.1:{server.server_port}/simple"
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", served.address)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="index")
    thread.start()
    try:
        yield served
    finally:
        served.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""Finding one named file in the indexes and link pages that pip would look at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from device.models.errors import FetchFailed
from device.models.http import Opener, without_credentials
from device.models.manifest import ModelArchive
from device.models.pip_settings import PipSettings

_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_PAGE_LIMIT_BYTES = 64 << 20
"""A project's page is some kilobytes; something endless must not fill the memory."""


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """One file that an index offers."""

    file: str
    address: str
    sha256: str
    """What the index says of it; empty when it says nothing."""


def find(archive: ModelArchive, settings: PipSettings, opener: Opener) -> list[str]:
    """Return the addresses of an archive, the main index's first.

    Raises FetchFailed when no place has it, and says what each place answered.
    """
    addresses: list[str] = []
    answers: list[str] = []
    for place in _places(archive.project, settings):
        try:
            links = [link for link in _links(place, opener) if link.file == archive.file]
        except (OSError, HTTPException, ValueError) as error:
            answers.append(f"{without_credentials(place)}: {_reason(error)}")
            continue
        if not links:
            answers.append(f"{without_credentials(place)}: no {archive.file} there")
        for link in links:
            if link.sha256 in {"", archive.sha256}:
                addresses.append(link.address)
            else:
                answers.append(f"{without_credentials(place)}: another file of that name")
    if not addresses:
        raise FetchFailed(
            f"no index has {archive.file}:\n  " + "\n  ".join(answers),
            "check the network and `pip config list`, then run the command again",
        )
    return addresses


def parse_json(text: bytes, base: str) -> Iterator[OfferedFile]:
    """Read a project's page in the JSON form of the simple API."""
    document = json.loads(text)
    try:
        for entry in document["files"]:
            hashes = entry.get("hashes", {})
            yield OfferedFile(
                entry["filename"], urljoin(base, entry["url"]), hashes.get("sha256", "")
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a page of a package index: {error!r}") from error


def parse_html(text: bytes, base: str) -> Iterator[OfferedFile]:
    """Read a project's page, or any page with links, in HTML."""
    reader = _LinkReader(base)
    reader.feed(text.decode("utf-8", errors="replace"))
    for reference in reader.references:
        address, fragment = urldefrag(urljoin(reader.base, reference))
        file = unquote(urlsplit(address).path.rpartition("/")[2])
        _, _, sha256 = fragment.partition("sha256=")
        yield OfferedFile(file, address, sha256[:64])


class _LinkReader(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        reference = dict(attrs).get("href")
        if reference and tag == "base":
            self.base = urljoin(self.base, reference)
        elif reference and tag == "a":
            self.references.append(reference)


def _places(project: str, settings: PipSettings) -> Iterator[str]:
    name = re.sub(r"[-_.]+", "-", project).lower()
    for index in settings.indexes:
        yield f"{index.rstrip('/')}/{name}/"
    for place in settings.find_links:
        yield place if "://" in place else Path(place).expanduser().absolute().as_uri()


def _links(place: str, opener: Opener) -> list[OfferedFile]:
    if urlsplit(place).scheme == "file":
        return _links_of_folder(Path(url2pathname(urlsplit(place).path)))
    with opener.open(place, {"Accept": _ACCEPT}) as answer:
        text = answer.read(_PAGE_LIMIT_BYTES)
        kind = answer.headers.get_content_type()
        base = answer.geturl()
    return list(parse_json(text, base) if kind == _JSON else parse_html(text, base))


def _links_of_folder(place: Path) -> list[OfferedFile]:
    """A local folder is an index page, or else simply full of files."""
    page = place / "index.html" if place.is_dir() else place
    if page.is_file():
        return list(parse_html(page.read_bytes(), page.as_uri()))
    return [OfferedFile(file.name, file.as_uri(), "") for file in place.iterdir() if file.is_file()]


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return "no such project" if error.code == 404 else f"HTTP {error.code} {error.reason}"
    if isinstance(error, FileNotFoundError):
        return "no such folder"
    return str(getattr(error, "reason", error)) or type(error).__name__

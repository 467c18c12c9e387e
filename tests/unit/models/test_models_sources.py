"""Reading what pip is told, what indexes list, and where the store is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from device.models.http import without_credentials
from device.models.index import OfferedFile, parse_html, parse_json
from device.models.location import APPLIANCE, named_folder, old_store, store_folder
from device.models.pip_settings import parse
from device.models.progress import FetchProgress


def test_the_strongest_setting_of_pip_counts() -> None:
    options = parse(
        [
            ":env:.index-url='https://four/simple'",
            "download.index-url='https://three/simple'",
            "install.cert='/two.pem'",
            "global.index-url='https://one/simple'",
            "global.cert='/one.pem'",
        ]
    )
    assert options == {"index-url": "https://four/simple", "cert": "/two.pem"}


def test_empty_values_and_other_commands_do_not_count() -> None:
    assert parse(
        [
            "global.index-url='https://one/simple'",
            ":env:.index-url=''",
            "wheel.index-url='https://wheel/simple'",
            "site.something",
        ]
    ) == {"index-url": "https://one/simple"}


def test_several_values_come_with_their_line_breaks() -> None:
    options = parse([r"global.extra-index-url='\nhttps://one\nhttps://two'"])
    assert options["extra-index-url"].split() == ["https://one", "https://two"]


def test_a_page_in_json() -> None:
    page = b"""{"files": [
        {"filename": "a-1.whl", "url": "https://files/a-1.whl", "hashes": {"sha256": "00"}},
        {"filename": "a-2.whl", "url": "../../files/a-2.whl"}]}"""
    assert list(parse_json(page, "https://index/simple/a/")) == [
        OfferedFile("a-1.whl", "https://files/a-1.whl", "00"),
        OfferedFile("a-2.whl", "https://index/files/a-2.whl", ""),
    ]


@pytest.mark.parametrize("page", [b"<html>", b"[]", b'{"files": [{}]}', b'{"files": 3}'])
def test_what_is_no_page_of_an_index_is_a_value_error(page: bytes) -> None:
    with pytest.raises(ValueError):
        list(parse_json(page, "https://index/"))


def test_a_page_in_html() -> None:
    page = b"""<html><head><base href="https://mirror/x/"></head><body>
        <a href="a%2B1.whl#sha256=00ff">a+1.whl</a><a>nothing</a>
        <a href="https://files/b.whl">b</a></body>"""
    assert list(parse_html(page, "https://index/simple/a/")) == [
        OfferedFile("a+1.whl", "https://mirror/x/a%2B1.whl", "00ff"),
        OfferedFile("b.whl", "https://files/b.whl", ""),
    ]


def test_garbage_is_no_link() -> None:
    assert list(parse_html(b"\xff\xfe\x00<a <a href>", "https://index/")) == []


def test_credentials_are_not_for_showing() -> None:
    assert without_credentials("https://me:secret@host:8/a?b") == "https://host:8/a?b"
    assert without_credentials("https://host/a@b") == "https://host/a@b"


def test_the_store_that_is_named_goes_first(tmp_path: Path) -> None:
    named = {"BITTERN_MODELS": str(tmp_path / "named"), "XDG_CACHE_HOME": str(tmp_path)}
    assert store_folder(named, appliance=tmp_path) == tmp_path / "named"


def test_the_appliances_own_store_goes_before_the_users(tmp_path: Path) -> None:
    assert store_folder({}, appliance=tmp_path) == tmp_path


@pytest.mark.parametrize("cache", [None, "", "relative"])
def test_the_users_store_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = {} if cache is None else {"XDG_CACHE_HOME": cache}
    found = store_folder(environment, appliance=tmp_path / "none")
    assert found == tmp_path / ".cache" / "bittern" / "models"


def test_a_cache_of_the_users_choice(tmp_path: Path) -> None:
    found = store_folder({"XDG_CACHE_HOME": str(tmp_path)}, appliance=tmp_path / "none")
    assert found == tmp_path / "bittern" / "models"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def run(stream: io.StringIO, here_bytes: int = 0) -> str:
    """Show 20 MB that come at 1 MB/s."""
    clock = Clock()
    progress = FetchProgress(stream, clock)
    progress.begin("a.whl", here_bytes, here_bytes + 20_000_000)
    for second in range(1, 21):
        clock.now_s += 1
        progress.advance(here_bytes + second * 1_000_000)
    progress.end()
    return stream.getvalue()


def test_a_log_gets_a_line_every_few_seconds() -> None:
    lines = run(io.StringIO()).splitlines()
    assert lines[0] == "a.whl:  25 %  5.0 MB of 20.0 MB  1.0 MB/s  15 s left"
    assert lines[-1] == "a.whl: 20.0 MB in 20.0 s (1.0 MB/s)"
    assert len(lines) == 5


def test_a_terminal_gets_one_line_that_changes() -> None:
    text = run(Terminal())
    assert text.count("\n") == 1
    assert text.count("\r\x1b[K") == 21


def test_the_rate_leaves_out_what_was_here_before() -> None:
    lines = run(io.StringIO(), here_bytes=80_000_000).splitlines()
    assert lines[0] == "a.whl: continuing at 80.0 MB"
    assert lines[-1] == "a.whl: 100.0 MB in 20.0 s (1.0 MB/s)"


def test_what_an_old_updater_names_is_not_written_to_by_root() -> None:
    """It lies in a folder of the service's user; root's own store is meant."""
    old = {"BITTERN_MODELS": "/var/lib/bittern/models/.staged"}
    assert named_folder(old) == APPLIANCE
    assert old_store(old) == Path("/var/lib/bittern/models")
    assert old_store({"BITTERN_MODELS": "/var/lib/bittern-models/.staged"}) is None
    assert old_store({}) is None

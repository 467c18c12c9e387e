"""The sessions that endpoints are asked for."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from device.house.endpoints import RETENTION, roster
from device.realtime.session_object import RetentionRatio
from device.settings import load_settings
from device.settings.secrets import FoundKey

SETTINGS = '[[endpoint]]\nname = "cloud"\nurl = "ws://127.0.0.1:9"\nkey_required = false\n'


def test_a_cloud_drops_a_chunk_at_once_of_what_has_outgrown_it(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(SETTINGS)
    chosen = roster(load_settings(file), "unix:brain", None, list, find=lambda _: None)
    sessions = {name: entry.session(entry.endpoint) for name, entry in chosen.entries.items()}
    assert sessions["cloud"].truncation == RetentionRatio(retention_ratio=RETENTION)
    assert sessions["brain"].truncation == "auto"


def test_the_same_settings_ask_for_the_same_session_each_time(tmp_path: Path) -> None:
    """A prefix that is the same is read at the price of what was read before."""
    file = tmp_path / "my.toml"
    file.write_text(SETTINGS)
    entry = roster(load_settings(file), "unix:brain", None, list, find=lambda _: None).entries[
        "cloud"
    ]
    assert entry.session(entry.endpoint) == entry.session(entry.endpoint)


@pytest.mark.parametrize("key", [None, "sk-mine"])
def test_what_we_ship_asks_openai_with_a_key_of_the_owners_and_not_without(
    tmp_path: Path, key: str | None
) -> None:
    empty = tmp_path / "my.toml"
    empty.write_text("")
    found = FoundKey(key, "a file") if key else None
    chosen = roster(load_settings(empty), "unix:brain", None, list, find=lambda _: found)
    asked = {entry.endpoint.url for entry in chosen.entries.values()}
    hosts = {urlsplit(url).hostname for url in asked if url.startswith("ws")}
    assert hosts == ({"api.openai.com"} if key else set())


@pytest.mark.parametrize("model", ["", "a-scribe"])
def test_to_write_down_what_it_heard_is_asked_of_a_model_that_is_named(
    tmp_path: Path, model: str
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(f'{SETTINGS}transcription_model = "{model}"\n')
    chosen = roster(load_settings(file), "unix:brain", None, list, find=lambda _: None)
    cloud = chosen.entries["cloud"]
    asked = msgspec.to_builtins(cloud.session(cloud.endpoint))["audio"]["input"]["transcription"]
    assert asked == ({"model": model, "language": "en"} if model else None)


def test_of_a_tool_its_name_description_and_parameters_are_told(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text(SETTINGS)
    tool = {"type": "function", "name": "lamp", "description": "A lamp", "parameters": {}}
    chosen = roster(load_settings(file), "unix:brain", None, lambda: [tool], find=lambda _: None)
    cloud = chosen.entries["cloud"]
    assert msgspec.to_builtins(cloud.session(cloud.endpoint))["tools"] == [tool]

"""The sessions that endpoints are asked for."""

from __future__ import annotations

from pathlib import Path

from device.house.endpoints import RETENTION, roster
from device.realtime.session_object import RetentionRatio
from device.settings import load_settings

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

"""How the user's file lies over the shipped one."""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from device.firmware import FIRMWARE
from device.schema.document import Document, parse_document, read_document
from device.settings.load import SettingsError, assemble
from device.settings.places import brain_socket, state_folder, url_of
from device.settings.show import effective
from device.settings.template import toml_line
from device.settings.tree import Endpoint, Paths, Settings


def settings(text: str, shipped: Document | None = None) -> Settings:
    shipped = shipped or read_document(FIRMWARE / "bittern.toml")
    return assemble(shipped, parse_document(text.encode(), "my.toml")).settings


def names(text: str) -> list[str]:
    return [endpoint.name for endpoint in settings(text).endpoints()]


def entry(name: str, extra: str = "url = 'ws://x'") -> str:
    return f"[[endpoint]]\nname = '{name}'\n{extra}\n"


def test_a_table_is_laid_over_key_by_key() -> None:
    found = settings("[speaker]\nvolume_percent = 30")
    expected = dataclasses.replace(Settings().speaker, volume_percent=30)
    assert found == dataclasses.replace(Settings(), speaker=expected)


def test_a_known_endpoint_changes_only_the_keys_that_are_given() -> None:
    found = settings(entry("openai", "model = 'gpt-realtime-2.1'")).endpoint
    openai, brain = Settings().endpoint
    assert found == (dataclasses.replace(openai, model="gpt-realtime-2.1"), brain)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", ["openai", "brain"]),
        (entry("lan"), ["lan", "openai", "brain"]),
        (entry("lan") + entry("azure"), ["lan", "azure", "openai", "brain"]),
        (entry("openai", "") + entry("lan"), ["openai", "lan", "brain"]),
        (entry("brain", ""), ["openai", "brain"]),
        (entry("lan") + entry("brain", ""), ["lan", "openai", "brain"]),
        (entry("brain", "") + entry("openai", ""), ["brain", "openai"]),
        (entry("openai", "enabled = false"), ["brain"]),
    ],
)
def test_order_of_the_endpoints(text: str, order: list[str]) -> None:
    assert names(text) == order


def test_a_new_endpoint_starts_from_the_defaults_not_from_openai() -> None:
    lan = settings(entry("lan")).endpoint[0]
    assert lan == Endpoint(name="lan", url="ws://x")


def test_without_the_shipped_file_the_tree_itself_is_the_default() -> None:
    found = assemble(None, parse_document(entry("lan").encode(), "my.toml")).settings
    assert [endpoint.name for endpoint in found.endpoint] == ["lan", "openai", "brain"]
    assert found.endpoint[1:] == Settings().endpoint


def test_whole_numbers_become_numbers_where_a_fraction_is_allowed() -> None:
    follow_up_s = settings("[assistant]\nfollow_up_s = 5").assistant.follow_up_s
    assert follow_up_s == 5.0
    assert isinstance(follow_up_s, float)


def test_each_key_knows_where_it_comes_from() -> None:
    shipped = read_document(FIRMWARE / "bittern.toml")
    user = parse_document(b"\n[log]\nlevel = 'debug'\n" + entry("lan").encode(), "my.toml")
    origins = {entry.path: entry.origin for entry in effective(assemble(shipped, user))}
    assert origins["log.level"] == "my.toml:3"
    assert origins["log.format"] == "shipped"
    assert origins["endpoint.lan.url"] == "my.toml:6"
    assert origins["endpoint.lan.model"] == "default"
    assert origins["endpoint.brain.url"] == "shipped"


def test_the_brain_has_its_socket_where_the_system_puts_sockets() -> None:
    brain = Settings().endpoint[1]
    paths = Paths()
    assert url_of(brain, paths, {}) == "unix:/run/bittern/brain.sock"
    assert url_of(brain, paths, {"XDG_RUNTIME_DIR": "/run/user/7"}) == (
        "unix:/run/user/7/bittern/brain.sock"
    )
    service = {"RUNTIME_DIRECTORY": "/run/bittern", "STATE_DIRECTORY": "/var/lib/bittern"}
    assert str(brain_socket(paths, service)) == "/run/bittern/brain.sock"
    assert str(state_folder(paths, service)) == "/var/lib/bittern"
    assert url_of(brain, Paths(runtime="/x"), service) == "unix:/x/brain.sock"
    assert url_of(Settings().endpoint[0], paths, {}) == "wss://api.openai.com/v1/realtime"


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=300),
    st.text("ab cde", min_size=80, max_size=300),
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
)


@given(VALUES)
def test_what_is_shown_can_be_written_back(value: Any) -> None:
    read = tomllib.loads(toml_line("x", value))["x"]
    assert (tuple(read) if isinstance(read, list) else read) == value


TOML_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
HINTS = typing.get_type_hints(Settings)
KEYS = sorted(
    {field.name for hint in HINTS.values() if dataclasses.is_dataclass(hint)
     for field in dataclasses.fields(hint)} | {"name", "url", "key", "zzz"}
)  # fmt: skip
TABLES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), TOML_VALUES, max_size=6)
FILES = st.dictionaries(
    st.sampled_from([*HINTS, "mic"]) | st.text(max_size=5),
    TABLES | st.lists(TABLES, max_size=3) | TOML_VALUES,
    max_size=5,
)


@settings_of_hypothesis(max_examples=40, deadline=None)
@given(FILES)
def test_any_table_at_all_is_either_settings_or_mistakes(table: dict[str, Any]) -> None:
    try:
        found: Settings | SettingsError = assemble(None, Document("my.toml", table)).settings
    except SettingsError as bad:
        found = bad
    if isinstance(found, SettingsError):
        assert found.mistakes
        assert all(str(mistake).isprintable() for mistake in found.mistakes)
    else:
        assert isinstance(found, Settings)

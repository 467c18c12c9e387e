from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from device.realtime.endpoint import Endpoint, Secret, capabilities_of_model

KEY = "sk-very-secret-1234567890"


def test_a_secret_shows_nowhere() -> None:
    secret = Secret(KEY)
    endpoint = Endpoint("cloud", f"wss://user:{KEY}@host/v1?api-key={KEY}", "m", key=secret)
    for text in (
        repr(secret), str(secret), f"{secret}", f"{secret!r}", repr({"a": secret}),
        repr(endpoint), str(endpoint), endpoint.address, endpoint.scrub(f"bad key {KEY}!"),
    ):  # fmt: skip
        assert KEY not in text
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert secret.reveal() == KEY


@pytest.mark.parametrize("value", ["sk-a b", "sk-a\nX-Evil: 1", "sk-\u00e4"])
def test_a_key_that_is_no_header_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValueError) as refused:
        Secret(value)
    assert value not in str(refused.value)


def test_a_key_loses_the_line_end_it_was_pasted_with() -> None:
    assert Secret(" sk-1\n").reveal() == "sk-1"
    assert not Secret(" \n")
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")


@pytest.mark.parametrize(
    ("url", "model", "asked", "address"),
    [
        ("wss://api.openai.com/v1/realtime", "gpt-realtime-2.1",
         "wss://api.openai.com/v1/realtime?model=gpt-realtime-2.1",
         "wss://api.openai.com/v1/realtime"),
        ("ws://localhost:8080", "m", "ws://localhost:8080/v1/realtime?model=m",
         "ws://localhost:8080"),
        ("wss://r.azure.com/openai/realtime?api-version=x&deployment=d", "m",
         "wss://r.azure.com/openai/realtime?api-version=x&deployment=d",
         "wss://r.azure.com/openai/realtime"),
        ("unix:/run/bittern/brain.sock", "local", "ws://localhost/v1/realtime?model=local",
         "unix:/run/bittern/brain.sock"),
        ("unix:brain.sock", "", "ws://localhost/v1/realtime", "unix:brain.sock"),
    ],
)  # fmt: skip
def test_urls(url: str, model: str, asked: str, address: str) -> None:
    endpoint = Endpoint("e", url, model)
    assert endpoint.request_url == asked
    assert endpoint.address == address


@pytest.mark.parametrize(
    "url", ["https://host", "ws://", "host:80", "", "ws://h:port", "ws://h:99999"]
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(ValueError):
        Endpoint("e", url)


@pytest.mark.parametrize("name", ["connect_timeout_s", "ping_interval_s", "answer_timeout_s"])
def test_times_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        replace(Endpoint("e", "ws://h"), **{name: 0.0})


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("unix:/x", True),
        ("ws://localhost:1", True),
        ("ws://127.0.0.1", True),
        ("ws://[::1]:8", True),
        ("ws://192.168.1.2", False),
        ("wss://api.openai.com", False),
    ],
)
def test_what_is_local(url: str, local: bool) -> None:
    assert Endpoint("e", url).is_local is local


@pytest.mark.parametrize(
    ("model", "refuses"),
    [
        ("gpt-realtime", True),
        ("gpt-realtime-mini", True),
        ("gpt-realtime-1.5", True),
        ("gpt-realtime-2025-08-28", True),
        ("gpt-realtime-mini-2025-12-15", True),
        ("gpt-4o-realtime-preview-2024-12-17", True),
        ("gpt-realtime-2", False),
        ("gpt-realtime-2.1-mini", False),
        ("gpt-realtime-2-2026-05-01", False),
        ("gpt-realtime-3", False),
        ("my-deployment", False),
        ("", False),
    ],
)
def test_models_before_2_refuse_reasoning(model: str, refuses: bool) -> None:
    assert ("reasoning" in capabilities_of_model(model).refused) is refuses


def test_what_was_learned_is_kept() -> None:
    endpoint = Endpoint("e", "ws://h", "gpt-realtime").learned(refused="audio.output.speed")
    assert endpoint.refused == {"reasoning", "parallel_tool_calls", "audio.output.speed"}
    assert replace(endpoint, name="f").refused == endpoint.refused

"""Gateways with manners of their own: found out by ``dialect = "auto"``, or told in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from device.realtime import events as ev
from device.realtime import websocket
from device.realtime.addresses import UrlShape
from device.realtime.dialect import Dialect
from device.realtime.failures import LinkFailed, Reason
from device.realtime.secret import Secret
from device.realtime.session import session_for
from device.realtime.websocket import WebSocketLink
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.gateways import GATEWAYS

CloudOf = Callable[..., Awaitable[Cloud]]


def question() -> np.ndarray:
    """Half a second of a tone and a second of silence, 24 kHz."""
    tone = 8000 * np.sin(2 * np.pi * 300 * np.arange(12_000) / 24_000)
    return np.concatenate([tone, np.zeros(24_000)]).astype(np.int16)


async def ask(link: WebSocketLink) -> ev.ResponseDone:
    for chunk in np.split(question(), 15):
        link.send_audio(chunk)
    async for event in link.events():
        assert not isinstance(event, ev.ErrorEvent), event
        if isinstance(event, ev.ResponseDone):
            return event
    raise AssertionError("no answer")


@pytest.mark.parametrize(
    "name", ["speaches", "forbidden_without_beta", "greets_late", "greets_late_in_beta"]
)
async def test_a_spoken_question_is_answered(cloud_of: CloudOf, name: str) -> None:
    cloud = await cloud_of(GATEWAYS[name])
    to = cloud.endpoint()
    link = await WebSocketLink.open(to, session_for(to, instructions="Be brief."))
    done = await asyncio.wait_for(ask(link), 5)
    assert done.response.status == "completed"
    await link.close()


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("no_money", Reason.QUOTA, "no money"),
        ("web_page", Reason.BAD_ENDPOINT, "its address"),
    ],
)
async def test_what_is_wrong_is_told(
    cloud_of: CloudOf, name: str, reason: Reason, words: str
) -> None:
    cloud = await cloud_of(GATEWAYS[name])
    to = cloud.endpoint()
    with pytest.raises(LinkFailed) as failed:
        await WebSocketLink.open(to, session_for(to, instructions="Be brief."))
    assert failed.value.failure.reason is reason
    assert words in failed.value.what
    assert failed.value.advice
    assert len(cloud.visits) == 1


async def test_what_speaches_advises_against_is_not_sent_again(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(GATEWAYS["speaches"])
    to = cloud.endpoint()
    link = await WebSocketLink.open(to, session_for(to, instructions="Be brief."))
    await link.close()
    again = await WebSocketLink.open(link.endpoint, session_for(to, instructions="Be brief."))
    await again.close()
    (update,) = cloud.visits[1].of_type("session.update")
    assert "input_audio_format" not in update["session"]
    assert "prefix_padding_ms" not in update["session"]["turn_detection"]
    assert "error" not in [message.type for message in cloud.visits[1].sent]


@pytest.mark.parametrize(
    ("name", "path", "shape", "tries"),
    [
        ("azure", "", UrlShape.AZURE, 4),
        ("azure", "/openai/realtime?api-version=2024-10-01&deployment=dep", UrlShape.AZURE, 3),
        ("azure_preview", "/", UrlShape.AZURE_PREVIEW, 5),
        ("azure_preview", "/openai/v1/realtime?model=dep", UrlShape.AZURE_PREVIEW, 3),
        ("below_api", "", UrlShape.BELOW_API, 5),
        ("at_the_root", "/", UrlShape.ROOT, 6),
        ("below_a_path", "/llm/v1", UrlShape.BELOW, 2),
        ("below_a_path", "/llm/", UrlShape.BELOW_V1, 3),
        ("beta_below_a_path", "/llm/v1", UrlShape.BELOW, 3),
    ],
)
async def test_the_place_in_a_server_is_found(
    cloud_of: CloudOf, name: str, path: str, shape: UrlShape, tries: int
) -> None:
    cloud = await cloud_of(GATEWAYS[name])
    host = cloud.url.removesuffix("/v1/realtime")
    to = cloud.endpoint(url=f"{host}{path}", model="dep")
    session = session_for(to, instructions="Be brief.")
    link = await WebSocketLink.open(to, session)
    assert link.endpoint.shape is shape
    assert len(cloud.visits) == tries
    done = await asyncio.wait_for(ask(link), 5)
    assert done.response.status == "completed"
    await link.close()
    again = await WebSocketLink.open(link.endpoint, session)
    await again.close()
    assert len(cloud.visits) == tries + 1
    assert "dep" in parse_qs(urlsplit(cloud.visits[-1].path).query, strict_parsing=True).get(
        "deployment" if shape is UrlShape.AZURE_PREVIEW else "model", []
    )


async def test_a_wrong_key_at_the_right_place_is_told_rather_than_missing_pages(
    cloud_of: CloudOf,
) -> None:
    cloud = await cloud_of(GATEWAYS["azure"])
    to = cloud.endpoint(
        url=cloud.url.removesuffix("/v1/realtime"), model="dep", key=Secret("another")
    )
    with pytest.raises(LinkFailed) as failed:
        await WebSocketLink.open(to, session_for(to, instructions="Be brief."))
    assert failed.value.failure.reason is Reason.REFUSED_KEY


async def test_where_the_dialect_is_told_no_other_page_is_asked(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(GATEWAYS["below_api"])
    to = cloud.endpoint(url=cloud.url.removesuffix("/v1/realtime"), dialect=Dialect.GA)
    with pytest.raises(LinkFailed):
        await WebSocketLink.open(to, session_for(to, instructions="Be brief."))
    assert len(cloud.visits) == 1


async def test_who_greets_late_is_greeted_first_the_next_time(
    cloud_of: CloudOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = await cloud_of(GATEWAYS["greets_late"])
    to = cloud.endpoint()
    session = session_for(to, instructions="Be brief.")
    link = await WebSocketLink.open(to, session)
    await link.close()
    monkeypatch.setattr(websocket, "QUIET_S", 60.0)  # whoever waits for a silence waits in vain
    again = await WebSocketLink.open(link.endpoint, session)
    await again.close()

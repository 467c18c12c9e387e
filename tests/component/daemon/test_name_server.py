"""What a name server learns: the host of the endpoint, and only when a link is opened."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

NAME = "cloud.bittern.invalid"
ANSWER = {"items": [{"say": "It is noon.", "audio_ms": 400}]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that this process had resolved; the one of the endpoint is this machine's."""
    names: list[str] = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **more: Any) -> Any:
        if host is not None and not str(host).replace(".", "").isdigit():
            names.append(str(host))
        return resolve("127.0.0.1" if host == NAME else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


async def test_a_name_server_learns_of_the_endpoint_when_a_link_is_opened(
    cloud_of: Any, studio: Any, settings: Any, appliance_of: Any, asked: list[str]
) -> None:
    cloud = await cloud_of({"answers": [ANSWER]})
    port = urlsplit(cloud.url).port
    url = cloud.url.replace(f"127.0.0.1:{port}", f"{NAME}:{port}")
    loaded = settings.load(settings.endpoint("cloud", url))
    appliance = await appliance_of(loaded, studio.question())
    assert asked == [], "nobody is asked for before somebody spoke"
    await appliance.until_told("turn", within_s=30.0)
    assert cloud.visits, "the question went to who has that name"
    assert set(asked) == {NAME}, "and no other name left the house"

"""The way to an endpoint before any key: its name, its distance, and its model's last day."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
import urllib.request
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote, urlsplit

from device.realtime.connecting import trust_of
from device.realtime.endpoint import Auth, Endpoint
from device.realtime.failures import LinkFailed

WITHIN_S = 5.0
MOST_BYTES = 1_000_000
SOON_DAYS = 60


@dataclass(frozen=True, slots=True)
class Way:
    """How far it is."""

    name_ms: float
    """Looking the name up."""
    round_trip_ms: float
    """There and back: what opening a TCP connection takes."""

    def __str__(self) -> str:
        return f"name found in {self.name_ms:.0f} ms, round trip {self.round_trip_ms:.0f} ms"


async def way_to(url: str) -> Way | None:
    """Measure; None where it cannot be reached, or is no network (a socket of this machine)."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        return None
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    loop = asyncio.get_running_loop()
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(WITHIN_S):
            found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
            named_s = time.monotonic()
            _, writer = await asyncio.open_connection(str(found[0][4][0]), port)
            connected_s = time.monotonic()
    except (OSError, TimeoutError):
        return None
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    return Way(1000 * (named_s - began_s), 1000 * (connected_s - named_s))


async def last_day(endpoint: Endpoint) -> date | None:
    """The day from which the model answers no more, where the endpoint tells.

    ``GET /v1/models/MODEL`` beside ``/v1/realtime``: OpenAI's objects carry a
    ``shutdown_date``. None where nothing is told, whatever the reason.
    """
    return await asyncio.to_thread(_last_day, endpoint)


def _last_day(endpoint: Endpoint) -> date | None:
    parts = urlsplit(endpoint.url)
    base, slash, last = parts.path.rpartition("/")
    if parts.scheme not in ("ws", "wss") or not slash or last != "realtime" or not endpoint.model:
        return None
    scheme = "https" if parts.scheme == "wss" else "http"
    url = f"{scheme}://{parts.netloc}{base}/models/{quote(endpoint.model, safe='')}"
    asked = urllib.request.Request(url, headers=_headers(endpoint))
    # A redirection would take the key to somebody else.
    try:
        https = urllib.request.HTTPSHandler(context=trust_of(endpoint))
        opener = urllib.request.build_opener(_NoRedirection, https)
        with opener.open(asked, timeout=WITHIN_S) as answer:
            told = json.loads(answer.read(MOST_BYTES))
    except (OSError, ValueError, LinkFailed):
        return None
    return as_day(told.get("shutdown_date") if isinstance(told, dict) else None)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _headers(endpoint: Endpoint) -> dict[str, str]:
    if endpoint.key is None:
        return {}
    key = endpoint.key.reveal()
    return {"Authorization": f"Bearer {key}"} if endpoint.auth is Auth.BEARER else {"api-key": key}


def as_day(told: object) -> date | None:
    """Read a date as it may be told: ISO 8601, or seconds since 1970."""
    try:
        if isinstance(told, int | float) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC).date()
        return datetime.fromisoformat(str(told)).date() if told else None
    except (ValueError, OverflowError, OSError):
        return None

"""Who may come in: the checks made on the HTTP request, before there is a session."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.http11 import Request

PATHS = frozenset({"/v1/realtime", "/openai/v1/realtime", "/realtime"})
BETA_HEADER = "OpenAI-Beta"
_KEY_PROTOCOL = "openai-insecure-api-key."
SUBPROTOCOL = "realtime"


@dataclass(frozen=True, slots=True)
class HttpRefusal:
    """An answer in plain HTTP."""

    status: HTTPStatus
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """What a client asked for when it connected."""

    model: str | None
    is_transcription: bool
    wants_beta: bool


def subprotocols(request: Request) -> list[str]:
    """Return what the client offers, in order."""
    lines = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for line in lines for name in line.split(",") if name.strip()]


def admit(request: Request, token: str | None) -> Admission | HttpRefusal:
    """Decide on a request. ``token`` is the key that clients need; None lets all in.

    Without a token a page in a browser is refused, because any site that somebody
    visits could otherwise talk to a brain on the same machine.
    """
    url = urlsplit(request.path)
    if url.path.rstrip("/") not in PATHS:
        return HttpRefusal(
            HTTPStatus.NOT_FOUND, f"Nothing at {url.path[:200]}; try /v1/realtime.\n"
        )
    if token is not None:
        given = _key(request)
        if given is None or not hmac.compare_digest(_bytes(given), _bytes(token)):
            return HttpRefusal(HTTPStatus.UNAUTHORIZED, "A valid bearer token is needed.\n")
    elif request.headers.get_all("Origin"):
        return HttpRefusal(HTTPStatus.FORBIDDEN, "Browsers need a brain that has a token.\n")
    query = parse_qs(url.query)
    offered = subprotocols(request)
    return Admission(
        model=query.get("model", [None])[0],
        is_transcription=query.get("intent") == ["transcription"],
        wants_beta="realtime=v1" in ",".join(request.headers.get_all(BETA_HEADER))
        or any(name.startswith("openai-beta.") for name in offered),
    )


def _key(request: Request) -> str | None:
    """The key of a request; None where there is none, or where two contradict each other."""
    given = request.headers.get_all("Authorization")
    scheme, _, key = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return key.strip()
    named = request.headers.get_all("api-key")
    if named:
        return named[0] if len(named) == 1 else None
    for name in subprotocols(request):
        if name.startswith(_KEY_PROTOCOL):
            return name.removeprefix(_KEY_PROTOCOL)
    return None


def _bytes(key: str) -> bytes:
    """Return the bytes of a key, whatever a client wrote into its header."""
    return key.encode("utf-8", "surrogateescape")

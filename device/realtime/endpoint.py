"""A server that speaks the protocol: where it is, how to greet it, what it can do."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from device.realtime.addresses import UrlShape, request_url
from device.realtime.dialect import Dialect
from device.realtime.secret import Secret

UNIX_SCHEME = "unix:"

_REFUSED_BEFORE_2 = frozenset({"reasoning", "parallel_tool_calls"})
_FIRST_GENERATION = re.compile(r"gpt-(4o-|4o-mini-)?realtime(?!-([2-9]|\d\d)([.-]|$))")


class Endpointing(StrEnum):
    """Who decides that the user has finished."""

    SERVER_VAD = "server_vad"
    SEMANTIC_VAD = "semantic_vad"
    LOCAL = "local"


class Auth(StrEnum):
    """How the key is shown: ``Authorization: Bearer``, or Azure's ``api-key`` header."""

    BEARER = "bearer"
    API_KEY = "api-key"


@dataclass(frozen=True)
class Capabilities:
    """What is known of an endpoint, told or found out.

    ``refused`` holds paths in the session object, ``audio.output.speed``, that this
    endpoint answers with an error; they are not sent to it again.
    """

    refused: frozenset[str] = frozenset()
    greets_late: bool = False
    """It says ``session.created`` only after an event of the client's."""

    def without(self, path: str) -> Capabilities:
        """Return what is known once ``path`` has been refused too."""
        return replace(self, refused=self.refused | {path})


def capabilities_of_model(model: str) -> Capabilities:
    """Return what a model is known to refuse: OpenAI refuses a whole session.update over it."""
    return Capabilities(_REFUSED_BEFORE_2 if _FIRST_GENERATION.match(model) else frozenset())


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, complete. Raises :class:`ValueError` for a url that cannot be one.

    ``url`` is ``wss://HOST/PATH``, ``ws://…`` or ``unix:PATH``; ``shape`` says what becomes of
    its path, and ``model`` is added to the query unless a ``model`` or ``deployment`` is there.
    Times are seconds. The defaults: people wait two or three
    seconds before they repeat themselves, so five for a connection and five for the
    greeting is already long; a ping every 2 s that may take 4 s shows a black hole
    within 7 s and forgives a Wi-Fi hand-over.
    """

    name: str
    url: str = field(repr=False)  # its query may hold what nobody is to see
    model: str = ""
    dialect: Dialect = Dialect.AUTO
    turn_detection: Endpointing = Endpointing.SERVER_VAD
    key: Secret | None = None
    auth: Auth = Auth.BEARER
    key_required: bool = True
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    """Certificates to trust besides the system's own, for a gateway on the LAN."""
    connect_timeout_s: float = 5.0
    """Name, TCP and TLS together."""
    handshake_timeout_s: float = 5.0
    """From there to ``session.updated``."""
    answer_timeout_s: float = 10.0
    """From the end of a turn to the first sign of a response (the assistant's business)."""
    ping_interval_s: float = 2.0
    ping_timeout_s: float = 4.0
    is_local: bool | None = None
    """On this machine; found out from the url when None."""
    capabilities: Capabilities | None = None
    """What it refuses; by its model when None."""
    shape: UrlShape = UrlShape.AS_WRITTEN

    def __post_init__(self) -> None:
        for name in ("connect", "handshake", "answer"):
            if getattr(self, f"{name}_timeout_s") <= 0:
                raise ValueError(f"{name}_timeout_s must be more than 0")
        if min(self.ping_interval_s, self.ping_timeout_s) <= 0:
            raise ValueError("ping_interval_s and ping_timeout_s must be more than 0")
        if self.socket_path is None:
            _checked(self.url)
        if self.is_local is None:
            object.__setattr__(self, "is_local", self._points_here())
        if self.capabilities is None:
            object.__setattr__(self, "capabilities", capabilities_of_model(self.model))

    @property
    def socket_path(self) -> str | None:
        """The Unix socket, or None for a network address."""
        if not self.url.startswith(UNIX_SCHEME):
            return None
        path = self.url.removeprefix(UNIX_SCHEME)
        return path.removeprefix("//") if path.startswith("///") else path

    @property
    def request_url(self) -> str:
        """The url of the WebSocket request, model and all."""
        url = "ws://localhost" if self.socket_path is not None else self.url
        return request_url(url, self.model, self.shape)

    @property
    def address(self) -> str:
        """The url for people and logs: no query, no user name, no password."""
        if self.socket_path is not None:
            return self.url
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    @property
    def is_encrypted(self) -> bool:
        """Whether nobody between here and there can listen."""
        return self.url.startswith(("wss:", UNIX_SCHEME))

    @property
    def refused(self) -> frozenset[str]:
        """Paths in the session object that are not sent to this endpoint."""
        assert self.capabilities is not None
        return self.capabilities.refused

    @property
    def greets_late(self) -> bool:
        """Whether it waits for our first event before it greets."""
        assert self.capabilities is not None
        return self.capabilities.greets_late

    def learned(
        self,
        *,
        dialect: Dialect | None = None,
        refused: str | None = None,
        greets_late: bool | None = None,
        shape: UrlShape | None = None,
        auth: Auth | None = None,
    ) -> Endpoint:
        """Return this endpoint with what a connection found out about it."""
        assert self.capabilities is not None
        known = self.capabilities.without(refused) if refused else self.capabilities
        if greets_late is not None:
            known = replace(known, greets_late=greets_late)
        return replace(
            self,
            dialect=dialect or self.dialect,
            shape=shape or self.shape,
            auth=auth or self.auth,
            capabilities=known,
        )

    def scrub(self, text: str) -> str:
        """Return ``text`` with this endpoint's key masked."""
        return self.key.scrub(text) if self.key else text

    def _points_here(self) -> bool:
        if self.socket_path is not None:
            return True
        host = urlsplit(self.url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def _checked(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("expected wss://HOST/PATH, ws://HOST/PATH or unix:PATH")
    try:
        parts.port  # noqa: B018  (reading it is what checks it)
    except ValueError:
        raise ValueError("the port must be a number from 1 to 65535") from None


__all__ = [
    "Auth",
    "Capabilities",
    "Endpoint",
    "Endpointing",
    "Secret",
    "capabilities_of_model",
]

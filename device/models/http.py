"""Opening addresses as pip would: its certificates, its proxy, its credentials."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from http.client import HTTPResponse
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit, urlunsplit

from device import __version__
from device.models.errors import FetchFailed
from device.models.pip_settings import PipSettings

TIMEOUT_S = 30.0
"""For connecting and for each read: a mirror that says nothing for so long is gone."""


class Opener:
    """Opens ``http``, ``https`` and ``file`` addresses."""

    def __init__(self, settings: PipSettings, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._trusted = {host.partition(":")[0].lower() for host in settings.trusted_hosts}
        self._certificates = settings.certificates
        self._proxy = settings.proxy
        self._credentials = dict(filter(None, map(_credentials, settings.indexes)))

    def open(self, address: str, headers: dict[str, str] | None = None) -> HTTPResponse:
        """Send a GET; raises ``OSError`` and its kin (``URLError``, ``HTTPError``)."""
        plain = without_credentials(address)
        asked = dict(headers or {})
        secret = self.authorization(plain)
        if "Authorization" in asked:
            secret = {"Authorization": asked.pop("Authorization")}
        request = urllib.request.Request(plain, headers=asked)
        request.add_header("User-Agent", f"bittern/{__version__}")
        # Compressing an archive gains nothing and would make nonsense of byte ranges.
        request.add_header("Accept-Encoding", "identity")
        parts = urlsplit(plain)
        for name, value in secret.items():
            # "Unredirected": never handed on to the host that a redirect names.
            request.add_unredirected_header(name, value)
        opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._context(parts.hostname or "")),
            *self._proxy_handlers(),
        )
        return cast(HTTPResponse, opener.open(request, timeout=self._timeout_s))

    def authorization(self, plain: str) -> dict[str, str]:
        """The header that names us at the host of an address, where pip knows who we are."""
        found = self._credentials.get(urlsplit(plain).netloc)
        return {} if found is None else {"Authorization": found}

    def _context(self, host: str) -> ssl.SSLContext:
        try:
            context = self._verifying_context()
        except OSError as error:
            raise FetchFailed(
                f"cannot read the certificates pip is told to use, {self._certificates}: {error}",
                "see `pip config list` (cert), REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE",
            ) from error
        if host.lower() in self._trusted:
            # The administrator says so in pip's own settings; what comes is pinned anyway.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _verifying_context(self) -> ssl.SSLContext:
        if not self._certificates:
            return ssl.create_default_context()
        if Path(self._certificates).is_dir():
            return ssl.create_default_context(capath=self._certificates)
        return ssl.create_default_context(cafile=self._certificates)

    def _proxy_handlers(self) -> list[urllib.request.BaseHandler]:
        if not self._proxy:
            return []
        proxy = self._proxy if "://" in self._proxy else f"http://{self._proxy}"
        return [urllib.request.ProxyHandler({"http": proxy, "https": proxy})]


def without_credentials(address: str) -> str:
    """Return the address as it may be shown and sent: no user, no password."""
    parts = urlsplit(address)
    if "@" not in parts.netloc:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _credentials(address: str) -> tuple[str, str] | None:
    user, at, netloc = urlsplit(address).netloc.rpartition("@")
    if not at:
        return None
    return netloc, "Basic " + base64.b64encode(unquote(user).encode()).decode("ascii")

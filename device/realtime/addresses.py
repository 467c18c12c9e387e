"""Where in a server the protocol is: what is tried when only its host, or half a path, is written.

The paths are those of OpenAI's own API, of Azure OpenAI's GA and preview interfaces (Microsoft's
pages on the Realtime API, read 2026-11-22), and of gateways that put the API below one of theirs.
"""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

DEFAULT_PATH = "/v1/realtime"
AZURE_PATH, AZURE_PREVIEW_PATH = "/openai/v1/realtime", "/openai/realtime"
AZURE_PREVIEW_VERSION = "2025-04-01-preview"
AZURE_HOSTS = ".azure.com"

_LAST = "/realtime"
_AZURE_QUERY = ("api-version", "model", "deployment")


class UrlShape(StrEnum):
    """What becomes of a url's path and query."""

    AS_WRITTEN = "as_written"
    """A missing path becomes `DEFAULT_PATH`."""
    BELOW = "below"
    """The path is a base: ``/realtime`` comes behind it, where it is empty, too."""
    BELOW_V1 = "below_v1"
    """The same with ``/v1/realtime``."""
    BELOW_API = "below_api"
    """The same with ``/api/v1/realtime``."""
    ROOT = "root"
    """The front page itself."""
    AZURE = "azure"
    """Azure's GA interface: the deployment is the ``model``."""
    AZURE_PREVIEW = "azure_preview"
    """Azure's preview: ``api-version`` and ``deployment``."""


_ENDS = {
    UrlShape.BELOW: _LAST,
    UrlShape.BELOW_V1: DEFAULT_PATH,
    UrlShape.BELOW_API: f"/api{DEFAULT_PATH}",
}
_OF_A_BARE_HOST = (
    UrlShape.AS_WRITTEN,
    UrlShape.BELOW,
    UrlShape.AZURE,
    UrlShape.AZURE_PREVIEW,
    UrlShape.BELOW_API,
    UrlShape.ROOT,
)


def shapes_to_try(url: str) -> tuple[UrlShape, ...]:
    """Return the shapes under which a ``ws`` or ``wss`` url may be meant, the likeliest first.

    A path that names the protocol is meant as it is written, except that each of Azure's two
    stands for the other: a resource has one of them, or both.
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if path == AZURE_PATH:
        return UrlShape.AS_WRITTEN, UrlShape.AZURE_PREVIEW
    if path == AZURE_PREVIEW_PATH:
        return UrlShape.AS_WRITTEN, UrlShape.AZURE
    if path.endswith(_LAST):
        return (UrlShape.AS_WRITTEN,)
    if is_azure(url):
        return UrlShape.AZURE, UrlShape.AZURE_PREVIEW
    if path:
        return UrlShape.AS_WRITTEN, UrlShape.BELOW, UrlShape.BELOW_V1
    return _OF_A_BARE_HOST


def is_azure(url: str) -> bool:
    """Whether the host is one of Azure's."""
    return (urlsplit(url).hostname or "").endswith(AZURE_HOSTS)


def request_url(url: str, model: str, shape: UrlShape) -> str:
    """Return the url of the WebSocket request: a ``ws`` or ``wss`` url in a shape, model and all.

    A ``model`` or ``deployment`` that stands in the url's query goes before ``model``.
    """
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    named = next((value for name, value in query if name in ("model", "deployment")), model)
    base = parts.path.rstrip("/")
    match shape:
        case UrlShape.AS_WRITTEN:
            path = parts.path if base else DEFAULT_PATH
        case UrlShape.ROOT:
            path = "/"
        case UrlShape.AZURE | UrlShape.AZURE_PREVIEW:
            is_preview = shape is UrlShape.AZURE_PREVIEW
            path = AZURE_PREVIEW_PATH if is_preview else AZURE_PATH
            query = [pair for pair in query if pair[0] not in _AZURE_QUERY]
            if is_preview:
                query += [("api-version", AZURE_PREVIEW_VERSION), ("deployment", named)]
        case UrlShape.BELOW | UrlShape.BELOW_V1 | UrlShape.BELOW_API:
            path = f"{base}{_ENDS[shape]}"
    if named and not {"model", "deployment"} & {name for name, _ in query}:
        query.append(("model", named))
    return urlunsplit(SplitResult(parts.scheme, parts.netloc, path, urlencode(query), ""))

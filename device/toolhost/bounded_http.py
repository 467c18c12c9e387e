"""HTTP to a server of tools, with a bound on what one answer may hold."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

LONGEST_ANSWER_BYTES = 4 << 20
"""Of an answer in one piece; the SDK itself bounds each event of a stream."""
CONNECT_WITHIN_S = 10.0


def http_client(key: str) -> httpx2.AsyncClient:
    """A client that sends the key, follows no redirection and believes no variable."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx2.AsyncClient(
        headers=headers,
        transport=BoundedTransport(httpx2.AsyncHTTPTransport()),
        timeout=httpx2.Timeout(CONNECT_WITHIN_S, read=None),
        trust_env=False,
    )


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Cuts off an answer that is longer than is good."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """As the inner one has it, but bounded."""
        response = await self._inner.handle_async_request(request)
        if "text/event-stream" not in response.headers.get("content-type", ""):
            assert isinstance(response.stream, httpx2.AsyncByteStream)
            response.stream = _Bounded(response.stream)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = LONGEST_ANSWER_BYTES
        async for piece in self._inner:
            left -= len(piece)
            if left < 0:
                raise httpx2.ReadError(f"an answer of more than {LONGEST_ANSWER_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()

"""Speaks sentences for the appliance: text in a request, sound in its answer.

One voice for all who have something to say on this machine, one sentence at a time, in this
process and nobody else's memory. Only over a Unix socket: whoever may open it may have a
conversation, too.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

from device.brain.base.abilities import (
    SPEAKING_RATE_HZ,
    AbilityFailedError,
    Cancellation,
    CancelledWorkError,
    Voice,
)
from device.realtime.speech import LONGEST_TEXT, MOST_WAITING, SPEECH_PATH

_log = logging.getLogger(__name__)


class Recital:
    """The queue before the voice."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._turn = asyncio.Lock()
        self._waiting = 0

    @staticmethod
    def is_asked_for(path: str) -> bool:
        """Whether a request is one for speech."""
        return urlsplit(path).path == SPEECH_PATH

    async def answer(self, path: str) -> Response:
        """Speak the ``text`` of a request: PCM16, mono, 24 kHz.

        400 for a text of no use, 503 where too many wait already or the voice fails.
        """
        texts = parse_qs(urlsplit(path).query).get("text", [])
        text = texts[0].strip() if texts else ""
        if not text or len(text) > LONGEST_TEXT:
            return _refused(HTTPStatus.BAD_REQUEST, f"a text of 1 to {LONGEST_TEXT} characters")
        if self._waiting >= MOST_WAITING:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many sentences wait already")
        self._waiting += 1
        cancellation = Cancellation()
        try:
            async with self._turn:
                pcm = await asyncio.to_thread(self._spoken, text, cancellation)
        except AbilityFailedError as failure:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, failure.message)
        except CancelledWorkError:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "nobody waits for it")
        finally:
            # Whoever asked may have gone; then the voice need not go on.
            cancellation.cancel()
            self._waiting -= 1
        kind = f"audio/L16; rate={SPEAKING_RATE_HZ}; channels=1"
        headers = Headers({"Content-Type": kind, "Content-Length": str(len(pcm))})
        return Response(HTTPStatus.OK, "OK", headers, pcm)

    def _spoken(self, text: str, cancellation: Cancellation) -> bytes:
        chunks = self._voice.speak(text, "", 1.0, cancellation)
        return b"".join(chunk.astype("<i2").tobytes() for chunk in chunks)


def _refused(status: HTTPStatus, why: str) -> Response:
    body = why.encode()
    return Response(status, status.phrase, Headers({"Content-Length": str(len(body))}), body)

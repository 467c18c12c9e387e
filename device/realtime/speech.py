"""How speech is had from the local brain beside the conversations, over its Unix socket.

``GET /speech?text=...`` is answered with ``audio/L16`` at 24 kHz, little end first (as in the
Realtime protocol, and unlike RFC 3551). Ours: no other endpoint has it.
"""

from __future__ import annotations

SPEECH_PATH = "/speech"
LONGEST_TEXT = 600
"""Characters; about 40 s of speech. In the worst case 7200 bytes of a request's first line, of
which websockets takes 8192."""
MOST_WAITING = 8
"""Sentences that wait for the voice: whoever comes then is told so at once."""
SPOKEN_WITHIN_S = 60.0
"""From the request to the last sample, loading the voice and those before it included. A PC
loads in 1 to 2 s and speaks a hundred times faster than real time; a Pi is slower."""

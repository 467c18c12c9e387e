"""Put a typed question to a brain and print its answer: ``ask_brain.py SOCKET QUESTION``.

It waits as long as an emulated processor needs, which no client of ours would.
"""

from __future__ import annotations

import json
import sys
import time

from websockets.sync.client import ClientConnection, unix_connect

PATIENCE_S = 900.0
BYTES_A_SECOND = 48_000
"""PCM16 at 24 kHz."""


def next_of(brain: ClientConnection, *kinds: str) -> dict[str, object]:
    """Read until an event of one of these types; an error ends it all."""
    while True:
        event: dict[str, object] = json.loads(brain.recv(timeout=PATIENCE_S))
        if event["type"] == "error":
            sys.exit(f"the brain complains: {event['error']}")
        if event["type"] in kinds:
            return event


def main() -> int:
    """Ask, collect, print."""
    path, question = sys.argv[1:]
    begun_s, text, sound = time.monotonic(), "", 0
    uri = "ws://brain/v1/realtime"
    with unix_connect(path, uri, ping_interval=None, open_timeout=PATIENCE_S) as brain:
        next_of(brain, "session.created")
        content = [{"type": "input_text", "text": question}]
        item = {"type": "message", "role": "user", "content": content}
        brain.send(json.dumps({"type": "conversation.item.create", "item": item}))
        brain.send(json.dumps({"type": "response.create"}))
        while True:
            event = next_of(
                brain,
                "response.output_audio.delta",
                "response.output_audio_transcript.done",
                "response.done",
            )
            if event["type"] == "response.done":
                break
            text += str(event.get("transcript", ""))
            sound += len(str(event.get("delta", ""))) * 3 // 4
    took_s = time.monotonic() - begun_s
    print(f"{question!r}: {text!r}, {sound / BYTES_A_SECOND:.1f} s of sound, after {took_s:.0f} s")
    return 0 if text and sound else 1


if __name__ == "__main__":
    sys.exit(main())

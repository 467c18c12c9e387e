"""Where everything that a session wants to happen is collected."""

from __future__ import annotations

import itertools
from typing import Any

from device.brain.protocol.ids import NewId
from device.brain.protocol.shapes import RequestError
from device.brain.work.jobs import Close, Effect, Job, Send


class Outbox:
    """Effects in the order in which they were wished for, until somebody takes them."""

    def __init__(self, new_id: NewId) -> None:
        self.new_id = new_id
        self.is_writable = True
        """False while the client does not read: nothing more should be spoken then."""
        self._effects: list[Effect] = []
        self._jobs = itertools.count(1)

    def emit(self, kind: str, **fields: Any) -> None:
        """Send an event of this type; it gets its own id."""
        event_id = self.new_id("event")
        self._effects.append(Send({"type": kind, "event_id": event_id, **fields}))

    def emit_error(self, error: RequestError, event_id: str | None) -> None:
        """Send the ``error`` event for a request that cannot be obeyed."""
        details = {
            "type": error.kind,
            "code": error.code,
            "message": error.message,
            "param": error.param,
            "event_id": event_id,
        }
        self.emit("error", error=details)

    def start(self, job: Job) -> None:
        """Have something done."""
        self._effects.append(job)

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self._effects.append(Close(code, reason))

    def new_job(self) -> int:
        """Return a fresh number for a `Think` or a `Speak`."""
        return next(self._jobs)

    def take(self) -> list[Effect]:
        """Return what has gathered since the last time."""
        effects, self._effects = self._effects, []
        return effects

"""How the simulated cloud says that it refuses an event."""

from __future__ import annotations

from device.brain.protocol.shapes import RequestError
from device.realtime.events import ErrorDetails, ErrorEvent


def refusal(error: RequestError, event_id: object) -> ErrorEvent:
    """Return the ``error`` event for a mistake in the client event with that id."""
    details = ErrorDetails(
        type=error.kind,
        code=error.code,
        message=error.message,
        param=error.param,
        event_id=event_id if isinstance(event_id, str) else None,
    )
    return ErrorEvent(error=details)

"""Why the simulated cloud refuses an event: OpenAI's codes, as an exception."""

from __future__ import annotations

from device.realtime.events import ErrorDetails, ErrorEvent


class RefusedError(Exception):
    """One client event is refused; the connection lives on."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param

    def event(self, event_id: object) -> ErrorEvent:
        """Return the ``error`` event, about the client event with that id."""
        details = ErrorDetails(
            type="invalid_request_error",
            code=self.code,
            message=self.message,
            param=self.param,
            event_id=event_id if isinstance(event_id, str) else None,
        )
        return ErrorEvent(error=details)

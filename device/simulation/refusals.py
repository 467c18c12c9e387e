"""Why the simulated cloud refuses an event: OpenAI's codes, as an exception."""

from __future__ import annotations

from device.brain.shapes import RequestError
from device.realtime.events import ErrorDetails, ErrorEvent


class RefusedError(Exception):
    """One client event is refused; the connection lives on."""

    def __init__(
        self,
        code: str | None,
        message: str,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind

    @classmethod
    def of(cls, error: RequestError) -> RefusedError:
        """Refuse for the reason that the shared protocol code found."""
        return cls(error.code, error.message, error.param, error.kind)

    def event(self, event_id: object) -> ErrorEvent:
        """Return the ``error`` event, about the client event with that id."""
        details = ErrorDetails(
            type=self.kind,
            code=self.code,
            message=self.message,
            param=self.param,
            event_id=event_id if isinstance(event_id, str) else None,
        )
        return ErrorEvent(error=details)

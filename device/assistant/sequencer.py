"""The one owner of ``response.create``: never two in flight, and only after all tool outputs."""

from __future__ import annotations

from device.realtime.events import ResponseCreate


class ResponseSequencer:
    """Track the responses of the default conversation on one link.

    The server may begin responses of its own accord (turn detection), so a request of
    ours waits while any runs, and while tools have not all reported.
    """

    def __init__(self) -> None:
        self.active_id: str | None = None
        """The response that is being generated, ours or the server's."""
        self.is_requested = False
        """A ``response.create`` was sent and not yet answered."""
        self._is_wanted = False
        self._tools: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """A response is being generated, asked for, or waiting for tools."""
        return self.is_generating or self._is_wanted or bool(self._tools)

    @property
    def is_generating(self) -> bool:
        """A response is being generated or has been asked for."""
        return self.active_id is not None or self.is_requested

    @property
    def tools(self) -> frozenset[str]:
        """Calls whose outcome is awaited, by ``call_id``."""
        return frozenset(self._tools)

    def want(self) -> ResponseCreate | None:
        """Ask for a response; the event to send, if it may go at once."""
        self._is_wanted = True
        return self._release()

    def created(self, response_id: str) -> None:
        """The server has begun a response."""
        self.active_id = response_id
        self.is_requested = False

    def done(self, response_id: str) -> ResponseCreate | None:
        """A response has ended; the event to send, if one was waiting for that."""
        if self.active_id == response_id:
            self.active_id = None
        return self._release()

    def refused(self) -> None:
        """The server already has an active response: ask again when that one is done."""
        if self.is_requested:
            self.is_requested = False
            self._is_wanted = True

    def again(self) -> ResponseCreate | None:
        """The event to send, if one was refused and nothing is in its way."""
        return self._release()

    def nothing_active(self) -> ResponseCreate | None:
        """The server says that nothing runs; believe it."""
        self.active_id = None
        return self._release()

    def call_begun(self, call_id: str) -> None:
        """A tool runs; its outcome belongs to the next response."""
        self._tools.add(call_id)

    def call_ended(self, call_id: str) -> ResponseCreate | None:
        """A tool's output was sent; the event to send, if it was the last awaited."""
        if call_id not in self._tools:
            return None
        self._tools.discard(call_id)
        return self._release()

    def forget_wishes(self) -> None:
        """The user interrupted: nobody waits for a further response or for tools."""
        self._is_wanted = False
        self._tools.clear()

    def _release(self) -> ResponseCreate | None:
        if not self._is_wanted or self.is_generating or self._tools:
            return None
        self._is_wanted = False
        self.is_requested = True
        return ResponseCreate()

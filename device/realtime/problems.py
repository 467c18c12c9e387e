"""The one exception of the codec."""

from __future__ import annotations

from device.errors import BitternError


class ProtocolError(BitternError):
    """Something that is not an event of the protocol, or must not be sent.

    ``param`` names the offending field (``session.audio.input.format``) when it is known,
    so that a server can put it into its ``error`` event.
    """

    def __init__(self, what: str, param: str | None = None) -> None:
        super().__init__(what)
        self.param = param

"""What was found out about an endpoint, apart from the endpoint: it can be kept."""

from __future__ import annotations

from dataclasses import replace

from msgspec import Struct

from device.realtime.addresses import UrlShape
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Auth, Capabilities, Endpoint


class Manners(Struct, frozen=True, forbid_unknown_fields=True):
    """How an endpoint wants to be asked. It holds no key, and nothing of the url's query."""

    dialect: Dialect
    shape: UrlShape
    auth: Auth
    greets_late: bool
    refused: tuple[str, ...]
    """Paths in the session object, sorted."""

    def applied_to(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint as one that has found this out."""
        return replace(
            endpoint,
            dialect=self.dialect,
            shape=self.shape,
            auth=self.auth,
            capabilities=Capabilities(frozenset(self.refused), self.greets_late),
        )


def manners_of(endpoint: Endpoint) -> Manners:
    """Return what an endpoint is known, or was told, to want."""
    return Manners(
        endpoint.dialect,
        endpoint.shape,
        endpoint.auth,
        endpoint.greets_late,
        tuple(sorted(endpoint.refused)),
    )

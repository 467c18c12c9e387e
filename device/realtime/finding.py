"""Finds out how an endpoint wants to be asked: where, in which dialect, with which header.

Only answers lead on to another try, never a silence: each costs one way to the server and back.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from device.realtime.addresses import UrlShape, is_azure, shapes_to_try
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Auth, Endpoint
from device.realtime.failures import Failure, LinkFailed, Reason
from device.realtime.negotiation import WrongDialectError

log = logging.getLogger(__name__)

L = TypeVar("L")

_NOT_HERE = frozenset({Reason.PROTOCOL, Reason.MODEL_UNAVAILABLE, Reason.BAD_ENDPOINT})
"""What a web server says of a page that it does not have, or that is another one."""
_LACKS_BETA = frozenset({Reason.CLOSED, Reason.POLICY})
"""POLICY: a 403 is what some gateways answer when the beta header is missing."""
_HIDES_FROM_GA = frozenset({Reason.PROTOCOL, Reason.MODEL_UNAVAILABLE})


async def open_as_found(open_once: Callable[[Endpoint], Awaitable[L]], endpoint: Endpoint) -> L:
    """Open with ``open_once``, which raises `LinkFailed` or `WrongDialectError`, until one opens.

    Where the dialect is ``auto``, the path, the beta header and Azure's header for the key are
    found out; else only the dialect that the server itself asks for. Raises the `LinkFailed`
    that tells most: the first one that is not of a missing page.
    """
    if endpoint.dialect is not Dialect.AUTO:
        return await _as_told(open_once, endpoint)
    first: LinkFailed | None = None
    for shape in _shapes_of(endpoint):
        try:
            return await _at(open_once, endpoint.learned(shape=shape))
        except LinkFailed as refused:
            if refused.failure.reason not in _NOT_HERE:
                raise
            log.info("%s: nothing as %s: %s", endpoint.name, shape, refused.failure)
            first = first or refused
    assert first is not None
    if first.failure.reason not in _HIDES_FROM_GA:
        raise first
    log.info("%s: trying the beta dialect", endpoint.name)
    return await _or_else(first, _as_told(open_once, endpoint.learned(dialect=Dialect.BETA)))


def _shapes_of(endpoint: Endpoint) -> tuple[UrlShape, ...]:
    return (endpoint.shape,) if endpoint.socket_path is not None else shapes_to_try(endpoint.url)


async def _at(open_once: Callable[[Endpoint], Awaitable[L]], endpoint: Endpoint) -> L:
    """Open at one address, with the other header where the first one is refused."""
    try:
        return await _as_told(open_once, endpoint)
    except LinkFailed as refused:
        other = _with_another_header(endpoint, refused.failure.reason)
        if other is None:
            raise
        log.info("%s: %s; trying another header", endpoint.name, refused.failure)
        return await _or_else(refused, _as_told(open_once, other))


async def _or_else(first: LinkFailed, opening: Awaitable[L]) -> L:
    """Await an opening; where it fails, too, the first answer is the one that tells something."""
    try:
        return await opening
    except LinkFailed:
        raise first from None


def _with_another_header(endpoint: Endpoint, reason: Reason) -> Endpoint | None:
    if reason in _LACKS_BETA:
        return endpoint.learned(dialect=Dialect.BETA)
    azure = endpoint.shape in (UrlShape.AZURE, UrlShape.AZURE_PREVIEW) or is_azure(endpoint.url)
    if reason is Reason.REFUSED_KEY and azure and endpoint.auth is Auth.BEARER:
        return endpoint.learned(auth=Auth.API_KEY)
    return None


async def _as_told(open_once: Callable[[Endpoint], Awaitable[L]], endpoint: Endpoint) -> L:
    """Open, and once more in the dialect that the server asks for."""
    try:
        return await open_once(endpoint)
    except WrongDialectError as told:
        log.warning("%s wants the %s dialect", endpoint.name, told.dialect)
        again = endpoint.learned(dialect=told.dialect)
    try:
        return await open_once(again)
    except WrongDialectError as told:
        failure = Failure(Reason.PROTOCOL, f"it refuses both dialects ({told})")
        raise LinkFailed(failure, endpoint.name) from None

"""Every way in which an endpoint can fail us, as one typed reason.

Exceptions of the network, HTTP statuses, close codes, ``error`` events and failed
responses all end here, so that whoever decides what to do next (wait, try again, ask the
next endpoint, tell the user) compares one enumeration and not five vocabularies.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import msgspec

from device.errors import BitternError
from device.plain_text import LONGEST_DETAIL, one_line
from device.realtime.events import (
    ErrorDetails,
    RateLimitsUpdated,
    Response,
    ResponseError,
)


class Reason(StrEnum):
    """Why an endpoint did not serve us."""

    NO_KEY = "no_key"
    REFUSED_KEY = "refused_key"
    BAD_ENDPOINT = "bad_endpoint"
    UNREACHABLE = "unreachable"
    DNS = "dns"
    TLS = "tls"
    CLOCK = "clock"
    TIMEOUT = "timeout"
    BLACK_HOLE = "black_hole"
    CONGESTED = "congested"
    CLOSED = "closed"
    EXPIRED = "expired"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    PROTOCOL = "protocol"
    SERVER_ERROR = "server_error"
    MODEL_UNAVAILABLE = "model_unavailable"
    POLICY = "policy"
    EMPTY = "empty"


_SENTENCES: dict[Reason, tuple[str, str]] = {
    Reason.NO_KEY: (
        "there is no API key for it",
        "Give it one with `bittern setup`, or take it out of the settings.",
    ),
    Reason.REFUSED_KEY: (
        "it does not accept the API key",
        "Make a new key at the provider and store it with `bittern setup`.",
    ),
    Reason.BAD_ENDPOINT: (
        "its address in the settings cannot be used",
        "Correct its url in the settings.",
    ),
    Reason.UNREACHABLE: (
        "it cannot be reached",
        "Check the network, and that the server is running.",
    ),
    Reason.DNS: (
        "its name cannot be looked up",
        "Check the network's name server, and the host name in the settings.",
    ),
    Reason.TLS: (
        "no secure connection can be made to it",
        "Check the clock of this machine (a wrong date breaks every certificate), then ca_file.",
    ),
    Reason.CLOCK: (
        "its certificate is not valid yet: the clock of this machine is wrong",
        "Set the date (`timedatectl`), and see that time comes from the network.",
    ),
    Reason.TIMEOUT: ("it did not answer in time", "Check the network; it may be slow or filtered."),
    Reason.BLACK_HOLE: (
        "the connection to it went dead without a word",
        "Check the Wi-Fi; the router may have dropped the connection.",
    ),
    Reason.CONGESTED: (
        "the network is too slow for speech",
        "Check the Wi-Fi; speech needs 0.6 Mbit/s upward.",
    ),
    Reason.CLOSED: ("it closed the connection", "It is tried again by itself."),
    Reason.EXPIRED: ("the session had reached its longest time", "It is opened anew by itself."),
    Reason.QUOTA: (
        "the account has no money or allowance left",
        "Add credit at the provider, or raise the account's limit.",
    ),
    Reason.RATE_LIMITED: (
        "too much was asked of it in too short a time",
        "Wait a little; it is tried again by itself.",
    ),
    Reason.PROTOCOL: (
        "it does not speak the Realtime protocol as we know it",
        "Check url, model and dialect in the settings.",
    ),
    Reason.SERVER_ERROR: (
        "it has trouble of its own",
        "Wait a little; it is tried again by itself.",
    ),
    Reason.MODEL_UNAVAILABLE: (
        "it does not know the model or the address",
        "Check model and url in the settings; models are shut down now and then.",
    ),
    Reason.POLICY: (
        "it refuses to serve us",
        "Check the account's permissions, region and terms at the provider.",
    ),
    Reason.EMPTY: (
        "it gave an empty answer",
        "It is asked again with the next question; if it stays so, check model and instructions.",
    ),
}

_FATAL = frozenset(
    {
        Reason.NO_KEY,
        Reason.REFUSED_KEY,
        Reason.BAD_ENDPOINT,
        Reason.QUOTA,
        Reason.MODEL_UNAVAILABLE,
        Reason.POLICY,
    }
)


@dataclass(frozen=True)
class Failure:
    """One failure. ``detail`` is for the log: technical, and free of secrets."""

    reason: Reason
    detail: str = ""
    retry_after_s: float | None = None
    """When the server said how long to wait."""

    @property
    def is_fatal(self) -> bool:
        """Whether trying again is useless until a person has done something."""
        return self.reason in _FATAL

    @property
    def what(self) -> str:
        """What happened, to follow the endpoint's name and a colon."""
        return _SENTENCES[self.reason][0]

    @property
    def advice(self) -> str:
        """What to do about it."""
        return _SENTENCES[self.reason][1]

    def __post_init__(self) -> None:
        """Whatever a server had to say, it is one line of bounded length."""
        object.__setattr__(self, "detail", one_line(self.detail, LONGEST_DETAIL))

    def masked(self, scrub: Callable[[str], str]) -> Failure:
        """Return it with secrets masked by ``scrub``: servers like to quote our key."""
        return replace(self, detail=scrub(self.detail))

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


class LinkFailed(BitternError):  # noqa: N818  (the name is the contract between the rooms)
    """A link could not be opened, or broke."""

    def __init__(self, failure: Failure, endpoint_name: str = "the endpoint") -> None:
        super().__init__(f"{endpoint_name}: {failure.what}", failure.advice)
        self.failure = failure


# --- codes of errors --------------------------------------------------------------------

BENIGN = frozenset(
    {
        "conversation_already_has_active_response",
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_delete_invalid_item_id",
        "item_retrieve_invalid_item_id",
        "item_create_duplicate_item_id",
    }
)
"""Lost races: nothing is broken, and nothing is to be done."""

_REASON_OF_CODE: dict[str, Reason] = {
    "session_expired": Reason.EXPIRED,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "inference_rate_limit_exceeded": Reason.RATE_LIMITED,
    "tokens": Reason.RATE_LIMITED,
    "requests": Reason.RATE_LIMITED,
    "insufficient_quota": Reason.QUOTA,
    # Gateways' own: One API and its kin, DeepSeek, Moonshot, OpenRouter, Azure.
    "insufficient_user_quota": Reason.QUOTA,
    "pre_consume_token_quota_failed": Reason.QUOTA,
    "insufficient_balance": Reason.QUOTA,
    "insufficient_credits": Reason.QUOTA,
    "exceeded_current_quota_error": Reason.QUOTA,
    "quota_exceeded": Reason.QUOTA,
    "payment_required": Reason.QUOTA,
    "billing_not_active": Reason.QUOTA,
    "credit_balance_exhausted": Reason.QUOTA,
    "billing_hard_limit_reached": Reason.QUOTA,
    "account_deactivated": Reason.REFUSED_KEY,
    "invalid_api_key": Reason.REFUSED_KEY,
    "authentication_error": Reason.REFUSED_KEY,
    "invalid_authentication": Reason.REFUSED_KEY,
    "permission_denied": Reason.POLICY,
    "unsupported_country_region_territory": Reason.POLICY,
    "model_not_found": Reason.MODEL_UNAVAILABLE,
    "model_load_error": Reason.MODEL_UNAVAILABLE,
    "DeploymentNotFound": Reason.MODEL_UNAVAILABLE,
    "beta_api_shape_disabled": Reason.PROTOCOL,
    "session_limit_reached": Reason.SERVER_ERROR,
    "server_error": Reason.SERVER_ERROR,
    "internal_error": Reason.SERVER_ERROR,
    "invalid_event": Reason.PROTOCOL,
    "unknown_or_invalid_event": Reason.PROTOCOL,
    "unknown_parameter": Reason.PROTOCOL,
    "missing_required_parameter": Reason.PROTOCOL,
    "invalid_value": Reason.PROTOCOL,
    "invalid_type": Reason.PROTOCOL,
}
_CONNECTION_SURVIVES = frozenset({Reason.PROTOCOL, Reason.SERVER_ERROR})
_ALREADY_SHORTER = re.compile(r"content of (\d+)\s*ms is already shorter than (\d+)\s*ms")


def _codes(error: ErrorDetails | ResponseError) -> list[str]:
    return [code for code in (error.code, error.type) if code]


def already_shorter_ms(error: ErrorDetails) -> int | None:
    """Return how long the server says an item is, when a truncation came too late for it."""
    found = _ALREADY_SHORTER.search(error.message)
    return int(found[1]) if found else None


def is_benign(error: ErrorDetails) -> bool:
    """Whether an ``error`` event only says that we lost a race (some say it in ``type``)."""
    return already_shorter_ms(error) is not None or not BENIGN.isdisjoint(_codes(error))


def reason_of_codes(error: ErrorDetails | ResponseError) -> Reason | None:
    """Return the reason that an error's code, or else its type, stands for."""
    for code in _codes(error):
        if code in _REASON_OF_CODE:
            return _REASON_OF_CODE[code]
    return None


def failure_of_error(error: ErrorDetails) -> Failure | None:
    """Judge an ``error`` event; None for a benign one.

    A failure of :attr:`Reason.PROTOCOL` or :attr:`Reason.SERVER_ERROR` need not end the
    connection (:func:`ends_connection`): one event was refused.
    """
    if is_benign(error):
        return None
    detail = f"{error.code or error.type}: {error.message}"
    return Failure(reason_of_codes(error) or Reason.SERVER_ERROR, detail)


def ends_connection(failure: Failure) -> bool:
    """Whether a failure told by an ``error`` event makes the connection useless."""
    return failure.reason not in _CONNECTION_SURVIVES


def failure_of_response(
    response: Response, limits: RateLimitsUpdated | None = None
) -> Failure | None:
    """Judge a finished response; None when it completed or was cancelled.

    An exhausted account may show *only* here. ``limits`` is the latest
    ``rate_limits.updated``, which tells how long to wait.
    """
    if response.status == "incomplete":
        reason = (response.status_details and response.status_details.reason) or ""
        return Failure(Reason.POLICY, reason) if reason == "content_filter" else None
    if response.status != "failed":
        return None
    error = (response.status_details and response.status_details.error) or ResponseError()
    detail = f"{error.code or error.type or 'no code'}: {error.message or 'no message'}"
    reason_found = reason_of_codes(error) or Reason.SERVER_ERROR
    wait_s = _reset_s(limits) if reason_found is Reason.RATE_LIMITED else None
    return Failure(reason_found, detail, wait_s)


def _reset_s(limits: RateLimitsUpdated | None) -> float | None:
    waits = [limit.reset_seconds for limit in limits.rate_limits] if limits else []
    return max((wait for wait in waits if wait), default=None)


# --- HTTP ---------------------------------------------------------------------------------

_REASON_OF_STATUS: dict[int, Reason] = {
    401: Reason.REFUSED_KEY,
    402: Reason.QUOTA,
    403: Reason.POLICY,
    404: Reason.MODEL_UNAVAILABLE,
    407: Reason.UNREACHABLE,
    408: Reason.TIMEOUT,
    410: Reason.MODEL_UNAVAILABLE,
    429: Reason.RATE_LIMITED,
    504: Reason.SERVER_ERROR,
}


def failure_of_status(
    status: int, body: bytes = b"", retry_after: str | None = None, date: str | None = None
) -> Failure:
    """Judge an HTTP answer to the upgrade that was not 101.

    ``retry_after`` and ``date`` are the headers; the body may hold an error object, whose
    code says more than the status (an empty account answers 429, too).
    """
    if 200 <= status < 300:
        return Failure(Reason.BAD_ENDPOINT, f"HTTP {status}: a web page, not the Realtime API")
    error = _error_in(body)
    reason = reason_of_codes(error) if error else None
    if reason is None or reason is Reason.PROTOCOL:
        default = Reason.SERVER_ERROR if status >= 500 else Reason.PROTOCOL
        reason = _REASON_OF_STATUS.get(status, default)
    said = f": {error.code or error.type}: {error.message}" if error else ""
    return Failure(reason, f"HTTP {status}{said}", _seconds(retry_after, date))


def _error_in(body: bytes) -> ResponseError | None:
    try:
        holder: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    found = holder.get("error") if isinstance(holder, dict) else None
    if not isinstance(found, dict):
        return None
    texts = {k: found[k] for k in ("type", "code", "message") if isinstance(found.get(k), str)}
    return ResponseError(**texts)


def _seconds(retry_after: str | None, date: str | None) -> float | None:
    """Read Retry-After: seconds, or a date to compare with the *server's* own."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        wait = parsedate_to_datetime(retry_after) - parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


# --- close codes -----------------------------------------------------------------------

_REASON_OF_CLOSE: dict[int, Reason] = {
    1002: Reason.PROTOCOL,
    1003: Reason.PROTOCOL,
    1007: Reason.PROTOCOL,
    1008: Reason.POLICY,
    1009: Reason.PROTOCOL,
    1010: Reason.PROTOCOL,
    1011: Reason.SERVER_ERROR,
    1012: Reason.SERVER_ERROR,
    1013: Reason.SERVER_ERROR,
    4000: Reason.PROTOCOL,
}
_KEY_WORDS = re.compile(r"api.?key|auth|token|credential", re.IGNORECASE)
TRY_LATER_S = 5.0
"""What we make of close codes 1012 and 1013, which ask to come back and do not say when."""


def failure_of_close(code: int | None, said: str) -> Failure:
    """Judge the code and the reason with which a server closed the connection."""
    detail = f"close code {code}: {said}" if said else f"close code {code}"
    if code is None:
        return Failure(Reason.CLOSED, "no close frame")
    if code == 1001 and "maximum duration" in said:
        return Failure(Reason.EXPIRED, detail)
    if code in (1008, 4000, 4001, 4003) and _KEY_WORDS.search(said):
        return Failure(Reason.REFUSED_KEY, detail)
    reason = _REASON_OF_CLOSE.get(code, Reason.CLOSED)
    return Failure(reason, detail, TRY_LATER_S if code in (1012, 1013) else None)

from __future__ import annotations

import json
from typing import Any

import pytest

from device.realtime import events as ev
from device.realtime.failures import (
    _FATAL,
    _SENTENCES,
    Failure,
    LinkFailed,
    Reason,
    already_shorter_ms,
    ends_connection,
    failure_of_close,
    failure_of_error,
    failure_of_response,
    failure_of_status,
    is_benign,
)


def error(kind: str, code: str | None = None, message: str = "no") -> ev.ErrorDetails:
    return ev.ErrorDetails(type=kind, code=code, message=message)


def test_every_reason_has_a_sentence_and_an_advice() -> None:
    assert set(_SENTENCES) == set(Reason)
    for what, advice in _SENTENCES.values():
        assert what[0].islower()
        assert advice.endswith(".")


def test_a_failed_link_says_what_and_what_to_do() -> None:
    failed = LinkFailed(Failure(Reason.QUOTA, "HTTP 429: insufficient_quota"), "openai")
    assert failed.what == "openai: the account has no money or allowance left"
    assert "credit" in failed.advice
    assert failed.failure.is_fatal


@pytest.mark.parametrize(
    "code",
    [
        "conversation_already_has_active_response",
        "response_cancel_not_active",
        "input_audio_buffer_commit_empty",
        "item_truncate_invalid_item_id",
        "item_create_duplicate_item_id",
    ],
)
def test_lost_races_are_benign_wherever_the_code_stands(code: str) -> None:
    for said in (error("invalid_request_error", code), error(code, None)):
        assert is_benign(said)
        assert failure_of_error(said) is None


def test_a_truncation_that_came_too_late_is_benign_and_tells_the_length() -> None:
    said = "Audio content of 2000ms is already shorter than 2085ms"
    late = error("invalid_request_error", "invalid_value", said)
    assert already_shorter_ms(late) == 2000
    assert is_benign(late)


@pytest.mark.parametrize(
    ("said", "reason", "ends"),
    [
        (error("invalid_request_error", "session_expired"), Reason.EXPIRED, True),
        (error("insufficient_quota"), Reason.QUOTA, True),
        (error("x", "billing_hard_limit_reached"), Reason.QUOTA, True),
        (error("x", "credit_balance_exhausted"), Reason.QUOTA, True),
        (error("x", "invalid_api_key"), Reason.REFUSED_KEY, True),
        (error("x", "account_deactivated"), Reason.REFUSED_KEY, True),
        (error("x", "rate_limit_exceeded"), Reason.RATE_LIMITED, True),
        (error("inference_rate_limit_exceeded"), Reason.RATE_LIMITED, True),
        (error("server_error"), Reason.SERVER_ERROR, False),
        (error("invalid_request_error", "unknown_parameter"), Reason.PROTOCOL, False),
        (error("who knows", "something_new"), Reason.SERVER_ERROR, False),
    ],
)
def test_errors(said: ev.ErrorDetails, reason: Reason, ends: bool) -> None:
    failure = failure_of_error(said)
    assert failure is not None
    assert failure.reason is reason
    assert ends_connection(failure) is ends


@pytest.mark.parametrize(
    ("status", "body", "reason", "fatal"),
    [
        (401, b"", Reason.REFUSED_KEY, True),
        (402, b"", Reason.QUOTA, True),
        (403, b"<html>", Reason.POLICY, True),
        (404, b"", Reason.MODEL_UNAVAILABLE, True),
        (429, b"", Reason.RATE_LIMITED, False),
        (429, b'{"error":{"type":"insufficient_quota","message":"m"}}', Reason.QUOTA, True),
        (429, b'{"error":{"code":"insufficient_quota","type":null}}', Reason.QUOTA, True),
        (400, b'{"error":{"code":"model_not_found"}}', Reason.MODEL_UNAVAILABLE, True),
        (400, b'{"error":"text"}', Reason.PROTOCOL, False),
        (401, b'{"error":{"code":"invalid_value"}}', Reason.REFUSED_KEY, True),
        (418, b"[1]", Reason.PROTOCOL, False),
        (500, b"\xff", Reason.SERVER_ERROR, False),
        (503, b"", Reason.SERVER_ERROR, False),
    ],
)
def test_statuses(status: int, body: bytes, reason: Reason, fatal: bool) -> None:
    failure = failure_of_status(status, body)
    assert (failure.reason, failure.is_fatal) == (reason, fatal)
    assert str(status) in failure.detail


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(
    header: str | None, seconds: float | None
) -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert failure_of_status(503, retry_after=header, date=date).retry_after_s == seconds


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (1000, "", Reason.CLOSED),
        (1001, "Your session hit the maximum duration of 60 minutes.", Reason.EXPIRED),
        (1001, "", Reason.CLOSED),
        (1002, "model", Reason.PROTOCOL),
        (1008, "Invalid API key", Reason.REFUSED_KEY),
        (1008, "region", Reason.POLICY),
        (1011, "", Reason.SERVER_ERROR),
        (1013, "", Reason.SERVER_ERROR),
        (4000, "invalid_request_error", Reason.PROTOCOL),
        (None, "", Reason.CLOSED),
    ],
)
def test_close_codes(code: int | None, said: str, reason: Reason) -> None:
    assert failure_of_close(code, said).reason is reason


def response(status: Any, details: Any) -> ev.Response:
    said = {"id": "r", "status": status, "status_details": details}
    event = ev.decode_server(json.dumps({"type": "response.done", "response": said}))
    assert isinstance(event, ev.ResponseDone)
    return event.response


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("completed", {}, None),
        ("cancelled", {"reason": "turn_detected"}, None),
        ("incomplete", {"reason": "max_output_tokens"}, None),
        ("incomplete", {"reason": "content_filter"}, Reason.POLICY),
        ("failed", {"error": {"type": "insufficient_quota"}}, Reason.QUOTA),
        ("failed", {"error": {"code": "rate_limit_exceeded"}}, Reason.RATE_LIMITED),
        ("failed", None, Reason.SERVER_ERROR),
        (None, None, None),
    ],
)
def test_finished_responses(status: Any, details: Any, reason: Reason | None) -> None:
    failure = failure_of_response(response(status, details))
    assert (failure and failure.reason) == reason


def test_rate_limits_tell_how_long_to_wait() -> None:
    failed = response("failed", {"error": {"code": "rate_limit_exceeded"}})
    limits = ev.RateLimitsUpdated(
        rate_limits=[ev.RateLimit(name="tokens", reset_seconds=8.5), ev.RateLimit(name="requests")]
    )
    failure = failure_of_response(failed, limits)
    assert failure is not None
    assert failure.retry_after_s == 8.5


def test_fatal_is_what_only_a_person_can_mend() -> None:
    assert Reason.QUOTA in _FATAL
    assert Reason.TLS not in _FATAL  # a Pi without a clock mends itself when NTP has answered

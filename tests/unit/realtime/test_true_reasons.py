"""Failures that look alike and are not."""

from __future__ import annotations

import json
import ssl

import pytest

from device.realtime.connecting import failure_of_exception
from device.realtime.endpoint import Endpoint
from device.realtime.failures import Reason, failure_of_status

CLOUD = Endpoint("cloud", "wss://example.org/v1/realtime", key_required=False)


@pytest.mark.parametrize(
    ("verify_code", "reason"),
    [(9, Reason.CLOCK), (10, Reason.TLS), (18, Reason.TLS), (62, Reason.TLS)],
    ids=["not yet valid", "over", "signed by itself", "for another name"],
)
def test_a_certificate_that_is_not_valid_yet_is_a_wrong_clock(verify_code, reason) -> None:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = verify_code, "a test"
    assert failure_of_exception(error, CLOUD).reason is reason


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    "code",
    [
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
        "insufficient_balance",
        "exceeded_current_quota_error",
    ],
)
def test_gateways_that_want_money_are_understood_by_their_own_codes(status: int, code: str) -> None:
    body = json.dumps({"error": {"code": code, "type": "new_api_error", "message": "pay"}})
    assert failure_of_status(status, body.encode()).reason is Reason.QUOTA

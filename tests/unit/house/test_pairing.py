"""A code lets one browser in, once, for two minutes, and not by trying."""

from __future__ import annotations

import pytest

from device.house.pairing import (
    ASKED_WITHIN_S,
    GOOD_FOR_S,
    MOST_ASKED,
    MOST_TRIES,
    Pairing,
    PairingError,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pairing(clock: Clock) -> Pairing:
    return Pairing(clock)


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_code_is_good_once(pairing):
    code = pairing.invite().code
    assert len(code) == 6
    assert code.isdigit()
    pairing.accept(code, "")
    with pytest.raises(PairingError, match="no code"):
        pairing.accept(code, "")


def test_a_code_is_good_for_two_minutes(pairing, clock):
    code = pairing.invite().code
    clock.now_s = GOOD_FOR_S
    with pytest.raises(PairingError, match="too old"):
        pairing.accept(code, "")


def test_five_wrong_tries_make_the_right_code_void(pairing):
    code = pairing.invite().code
    for _ in range(MOST_TRIES):
        with pytest.raises(PairingError):
            pairing.accept(_wrong(code), "")
    with pytest.raises(PairingError, match="no code"):
        pairing.accept(code, "")


def test_the_fifth_try_may_be_right(pairing):
    code = pairing.invite().code
    for _ in range(MOST_TRIES - 1):
        with pytest.raises(PairingError, match="left"):
            pairing.accept(_wrong(code), "")
    pairing.accept(code, "")


def test_what_a_browser_has_asked_for_is_for_it_alone_and_others_use_up_no_try(pairing):
    asked = pairing.asked()
    for ticket in ("", "x", *"0123456789"):
        with pytest.raises(PairingError, match="another browser"):
            pairing.accept(asked.code, ticket)
    pairing.accept(asked.code, asked.ticket)


def test_nobody_has_it_say_codes_all_day(pairing, clock):
    pairing.asked()
    with pytest.raises(PairingError, match="another code"):
        pairing.asked()
    for _ in range(MOST_ASKED - 1):
        clock.now_s += GOOD_FOR_S
        pairing.asked()
    clock.now_s += GOOD_FOR_S
    with pytest.raises(PairingError, match="too often"):
        pairing.asked()
    assert pairing.invite().code  # the button works all the same
    clock.now_s = ASKED_WITHIN_S
    pairing.asked()


def test_a_new_code_makes_the_old_one_void(pairing):
    old, new = pairing.invite().code, pairing.invite().code
    if old != new:
        with pytest.raises(PairingError):
            pairing.accept(old, "")
    pairing.accept(new, "")


def test_a_code_that_was_not_said_is_none(pairing):
    asked = pairing.asked()
    pairing.withdraw()
    with pytest.raises(PairingError, match="no code"):
        pairing.accept(asked.code, asked.ticket)

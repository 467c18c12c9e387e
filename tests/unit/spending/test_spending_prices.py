"""What the wire says was used, and what that costs."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.realtime.events import decode_server
from device.spending.prices import Price, prices, shipped
from device.spending.tokens import Tokens, is_transcription, tokens_in

USAGE = {
    "total_tokens": 253, "input_tokens": 132, "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119, "audio_tokens": 13, "image_tokens": 0, "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}  # fmt: skip


def done(usage: object, status: str = "completed"):
    response = {"object": "realtime.response", "id": "r", "status": status, "usage": usage}
    return decode_server(
        json.dumps({"type": "response.done", "event_id": "e", "response": response})
    )


def transcribed(usage: object):
    return decode_server(
        json.dumps(
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "event_id": "e", "item_id": "u", "content_index": 0, "transcript": "on",
                "usage": usage,
            }
        )
    )  # fmt: skip


def test_cached_tokens_are_counted_once() -> None:
    used = tokens_in(done(USAGE))
    assert used == Tokens(
        text_in=55, text_cached=64, text_out=30, audio_in=13, audio_cached=0, audio_out=91
    )
    assert used.total == USAGE["total_tokens"]


def test_a_cancelled_response_is_billed_too() -> None:
    assert tokens_in(done(USAGE, "cancelled")) == tokens_in(done(USAGE))


def test_a_sum_of_cached_tokens_without_details() -> None:
    usage = {"input_token_details": {"text_tokens": 10, "audio_tokens": 50, "cached_tokens": 30}}
    assert tokens_in(done(usage)) == Tokens(text_cached=10, audio_in=30, audio_cached=20)


def test_bare_sums_are_taken_for_sound() -> None:
    used = tokens_in(done({"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}))
    assert used == Tokens(audio_in=20, audio_out=10)


@pytest.mark.parametrize("usage", [None, {}])
def test_no_usage_costs_nothing(usage: object) -> None:
    assert tokens_in(done(usage)) in (None, Tokens())
    assert tokens_in(transcribed(None)) is None


def test_transcriptions_by_time_and_by_tokens() -> None:
    by_time = transcribed({"type": "duration", "seconds": 2.1})
    assert is_transcription(by_time)
    assert tokens_in(by_time) == Tokens(seconds=2.1)
    usage = {"type": "tokens", "total_tokens": 30, "input_tokens": 22, "output_tokens": 8,
             "input_token_details": {"text_tokens": 2, "audio_tokens": 20}}  # fmt: skip
    assert tokens_in(transcribed(usage)) == Tokens(text_in=2, audio_in=20, text_out=8)


def test_the_published_example() -> None:
    """Ten turns of 4 s and 6 s, 800 tokens of instructions, no cache: 0.106 and 0.362 USD.

    (OpenAI's counting: 10 tokens a second of the user's sound, 20 of the assistant's; 40 of
    text an answer. All that was said before is input again.)
    """
    heard, spoken, written, told = 40, 120, 40, 800
    cost = dict.fromkeys(("gpt-realtime-2.1-mini", "gpt-realtime-2.1"), 0.0)
    for turn in range(10):
        used = Tokens(
            text_in=told + turn * written,
            audio_in=heard + turn * (heard + spoken),
            text_out=written,
            audio_out=spoken,
        )
        for name in cost:
            price = shipped().of(name)
            assert price is not None
            cost[name] += price.cost_usd(used)
    assert cost["gpt-realtime-2.1-mini"] == pytest.approx(0.106, rel=0.05)
    assert cost["gpt-realtime-2.1"] == pytest.approx(0.362, rel=0.05)


def test_time_is_priced_by_the_minute() -> None:
    price = shipped().of("gpt-transcribe")
    assert price is not None
    assert price.cost_usd(Tokens(seconds=120)) == pytest.approx(0.009)


def test_a_dated_snapshot_costs_what_its_model_does() -> None:
    assert shipped().of("gpt-realtime-2025-08-28") == shipped().of("gpt-realtime")
    assert shipped().of("gpt-unheard-of") is None


def test_an_owner_knows_better() -> None:
    own = Price("gpt-realtime", audio_out=1.0)
    assert prices([own]).of("gpt-realtime") == own
    assert prices([Price("mine")]).of("mine").is_free
    assert not shipped().of("whisper-1").is_free


@given(st.builds(Tokens, *[st.integers(0, 10**6)] * 8, st.floats(0, 1e5)))
def test_more_is_never_cheaper(used: Tokens) -> None:
    for price in shipped().by_model.values():
        assert price.cost_usd(used) >= 0

"""Who could interrupt by voice, and cannot, is told so once."""

from __future__ import annotations

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.policy import BargeIn


def notices(bench) -> list[str]:
    return [effect.name for effect in bench.of(do.Notice)]


@pytest.mark.parametrize("when", ["before", "while it speaks"])
def test_half_duplex_is_said_after_the_answer_and_only_once(make_bench, when: str) -> None:
    bench = make_bench(barge_in=BargeIn.VOICE, follow_up_s=0.0)
    if when == "before":
        bench.feed(inputs.EchoChanged(works=False))
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.feed(inputs.EchoChanged(works=False))
    assert notices(bench) == [], "the answer is not talked over"
    bench.end_item()
    bench.end_response()
    bench.wait(1.0)
    bench.finish()
    assert notices(bench) == ["half_duplex"]
    assert bench.reports("echo") == [{"works": False}]
    bench.finish_notices()
    bench.feed(inputs.EchoChanged(works=True))
    bench.feed(inputs.EchoChanged(works=False))
    bench.ask()
    bench.answer()
    assert notices(bench) == ["half_duplex"]


@pytest.mark.parametrize("barge_in", [BargeIn.WAKE_WORD, BargeIn.OFF])
def test_who_interrupts_by_the_wake_word_is_not_bothered(make_bench, barge_in: BargeIn) -> None:
    bench = make_bench(barge_in=barge_in)
    bench.feed(inputs.EchoChanged(works=False))
    bench.ask()
    bench.answer()
    assert notices(bench) == []
    assert bench.reports("echo") == [{"works": False}], "it is in the log"

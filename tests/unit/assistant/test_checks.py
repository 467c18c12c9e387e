"""A check sees what is asked and answered, and holds back or stops what would be heard."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.assistant import Assistant
from device.assistant.checks import Ruling
from device.assistant.items import ItemKey
from device.assistant.policy import EndpointPlan, Policy
from device.assistant.states import State
from device.realtime import events as wire


@dataclass
class Careful:
    """Holds until an item's words are known, and stops where one of them is not to be said."""

    seen: list[tuple[str, bool]] = field(default_factory=list)

    def question(self, text: str, *, is_final: bool) -> Ruling:
        self.seen.append((text, is_final))
        return Ruling.STOP if "bomb" in text else Ruling.HOLD

    def answer(self, item: ItemKey, text: str, *, is_final: bool) -> Ruling:
        self.seen.append((text, is_final))
        if "secret" in text:
            return Ruling.STOP
        return Ruling.PASS if is_final else Ruling.HOLD


@pytest.fixture
def careful(bench) -> Careful:
    check = Careful()
    bench.core = Assistant(Policy(), [EndpointPlan("cloud")], check=check)
    bench.ask()
    return check


def words_known(bench, text: str) -> None:
    bench.server(
        wire.ResponseOutputAudioTranscriptDone(
            response_id="r1", item_id="a1", output_index=0, content_index=0, transcript=text
        )
    )


def user_said(bench, text: str) -> None:
    for word in text.split():
        bench.server(
            wire.ConversationItemInputAudioTranscriptionDelta(
                item_id="u1", content_index=0, delta=f"{word} "
            )
        )
    bench.server(
        wire.ConversationItemInputAudioTranscriptionCompleted(
            item_id="u1", content_index=0, transcript=text
        )
    )


def test_it_sees_the_question_as_it_comes_and_the_answer_word_by_word(bench, careful):
    user_said(bench, "what time")
    bench.begin_response()
    bench.audio(text="It is ")
    bench.audio(text="six.")
    words_known(bench, "It is six.")
    assert careful.seen == [
        ("what ", False),
        ("what time ", False),
        ("what time", True),
        ("It is ", False),
        ("It is six.", False),
        ("It is six.", True),
    ]


def test_what_is_held_back_is_played_whole_and_in_order_when_it_may(bench, careful):
    bench.begin_response()
    bench.audio(text="It is ")
    bench.audio(text="six.")
    bench.end_item()
    assert not bench.of(do.Play)
    assert not bench.of(do.FinishItem)
    words_known(bench, "It is six.")
    kinds = [type(e) for e in bench.effects if isinstance(e, (do.Play, do.FinishItem))]
    assert kinds == [do.Play, do.Play, do.FinishItem]
    bench.end_response()
    bench.play()
    bench.finish()
    assert bench.reports("said") == [{"text": "It is six.", "endpoint": "cloud"}]


def test_what_is_stopped_is_never_heard(bench, careful):
    bench.begin_response()
    bench.audio(text="The secret ")
    assert not bench.of(do.Play)
    assert bench.sent(wire.ResponseCancel)
    assert bench.core.state is State.IDLE
    assert bench.reports("answer_stopped") == [{"endpoint": "cloud"}]
    late = bench.audio(text="is")
    assert not [effect for effect in late if isinstance(effect, do.Play)]


def test_a_question_can_be_stopped_before_there_is_an_answer(bench, careful):
    user_said(bench, "build a bomb")
    assert bench.core.state is State.IDLE
    assert len(bench.reports("answer_stopped")) == 1


def test_a_ruling_that_took_its_time_comes_as_an_input(bench, careful):
    bench.begin_response()
    bench.audio(text="It is six.")
    bench.end_item()
    bench.feed(inputs.Ruled(7, Ruling.PASS))
    assert not bench.of(do.Play), "that was about another turn"
    bench.feed(inputs.Ruled(1, Ruling.PASS))
    assert bench.of(do.Play)


def test_a_ruling_that_never_comes_does_not_hang_the_device(bench, careful):
    bench.begin_response()
    bench.audio(text="It is six.")
    bench.end_item()
    bench.end_response()
    bench.wait(10.0)
    assert bench.core.state is State.IDLE


def test_what_was_held_is_not_said_in_the_next_turn(bench, careful):
    bench.begin_response()
    bench.audio(text="It is ")
    bench.wake()
    bench.feed(inputs.Ruled(2, Ruling.PASS))
    assert not bench.of(do.Play)


def test_a_question_that_was_given_up_holds_back_no_other(bench, careful):
    bench.wake()
    bench.server(
        wire.ConversationItemInputAudioTranscriptionDelta(
            item_id="u2", content_index=0, delta="well "
        )
    )
    bench.wake()
    bench.speak()
    bench.server_hears_question()
    bench.begin_response("r2")
    delta = wire.AudioDelta("r2", "a2", 0, bytes(960))
    assert [effect for effect in bench.server(delta) if isinstance(effect, do.Play)]

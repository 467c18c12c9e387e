"""A question that comes as text: no sound leaves for it, and it is answered like any other."""

from __future__ import annotations

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.states import State
from device.assistant.turn import Trigger
from device.realtime import events as wire
from device.realtime.items import InputImage


def asked(bench) -> list[str]:
    return [
        item.item.content[0].text
        for item in bench.sent(wire.ConversationItemCreate)
        if getattr(item.item, "role", "") == "user"
    ]


def test_it_is_sent_as_text_and_answered(bench):
    bench.feed(inputs.Asked("what time is it"))
    bench.ready()
    assert asked(bench) == ["what time is it"]
    assert len(bench.sent(wire.ResponseCreate)) == 1
    bench.answer()
    assert bench.reports("said") == [{"text": "It is six.", "endpoint": "cloud"}]
    assert bench.reports("turn")[0]["trigger"] == Trigger.TYPED


def test_no_microphone_has_a_part_in_it_and_none_listens_on(bench):
    bench.feed(inputs.Asked("what time is it"))
    bench.ready()
    bench.feed(inputs.SpeechStarted(50_000, bench.now_s))
    bench.feed(inputs.SpeechEnded(60_000, bench.now_s))
    bench.server(wire.InputAudioBufferSpeechStarted(item_id="u", audio_start_ms=0))
    assert bench.core.state is State.THINKING
    bench.answer()
    assert bench.core.state is State.IDLE
    assert not bench.of(do.StartUplink)
    assert not any(effect.on for effect in bench.of(do.ListenForSpeech))


def test_the_next_endpoint_is_asked_the_same(bench):
    bench.feed(inputs.Asked("what time is it"))
    bench.lose()
    bench.ready()
    assert asked(bench) == ["what time is it"]
    bench.answer()
    bench.finish_notices()
    assert bench.reports("said")[0]["endpoint"] == "brain"


def test_it_interrupts_an_answer(bench):
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    effects = bench.feed(inputs.Asked("and the date"))
    assert do.StopPlayback() in effects
    assert asked(bench) == ["and the date"]
    bench.end_response("cancelled")
    assert len(bench.sent(wire.ResponseCreate)) == 1


def test_muted_is_silent_for_it_too(bench):
    bench.feed(inputs.MuteChanged(True))
    assert bench.feed(inputs.Asked("what time is it")) == []


def test_a_picture_goes_with_what_is_asked_about_it(bench):
    bench.feed(inputs.Asked("what is this", jpeg=b"\xff\xd8picture"))
    bench.ready()
    (item,) = bench.sent(wire.ConversationItemCreate)
    picture, text = item.item.content
    assert picture.image_url == "data:image/jpeg;base64,/9hwaWN0dXJl"
    assert text.text == "what is this"
    assert len(bench.sent(wire.ResponseCreate)) == 1


def test_a_picture_is_shown_to_the_next_endpoint_as_well(bench):
    bench.feed(inputs.Asked("what is this", jpeg=b"\xff\xd8picture"))
    bench.lose()
    bench.ready()
    bench.wait(9.0)
    pictures = [
        part
        for create in bench.sent(wire.ConversationItemCreate)
        for part in create.item.content
        if isinstance(part, InputImage)
    ]
    assert len(pictures) == 1
    assert not bench.of(do.StartUplink)

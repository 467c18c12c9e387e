"""REALTIME.md 2.2: the input audio buffer, its formats and its limits; transcription."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from device.brain.base.abilities import AbilityFailedError
from device.brain.protocol.codec import A_LAW, MU_LAW
from device.brain.protocol.limits import BrainLimits
from device.brain.work.jobs import DropTranscription, FinishTranscription


def code_of(events):
    assert [event["type"] for event in events] == ["error"]
    return events[0]["error"]["code"]


def append(bench, data: bytes):
    return bench.send("input_audio_buffer.append", audio=base64.b64encode(data).decode())


def test_append_is_not_answered(bench):
    assert append(bench, bytes(4800)) == []
    assert append(bench, b"") == []


def test_what_is_no_base64_is_refused(bench):
    events = bench.send("input_audio_buffer.append", audio="not base64!", event_id="a1")
    assert code_of(events) == "invalid_value"
    assert events[0]["error"]["param"] == "audio"
    assert events[0]["error"]["event_id"] == "a1"


def test_an_append_may_have_fifteen_mebibytes(new_bench):
    bench = new_bench(limits=BrainLimits(append_bytes=9600))
    bench.detect(None)
    assert append(bench, bytes(9600)) == []
    assert code_of(append(bench, bytes(9602))) == "invalid_value"
    bench.send("input_audio_buffer.commit")
    item_id = bench.last("input_audio_buffer.committed")["item_id"]
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert len(got["content"][0]["audio"]) * 3 // 4 == 9600
    assert BrainLimits().append_bytes == 15 * 1024 * 1024


def test_a_full_buffer_refuses_more_and_keeps_what_it_has(new_bench):
    bench = new_bench(limits=BrainLimits(buffered_audio_bytes=10_000))
    bench.detect(None)
    assert append(bench, bytes(9600)) == []
    assert code_of(append(bench, bytes(960))) == "input_audio_buffer_full"
    assert bench.send("input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"


def test_silence_does_not_fill_the_buffer_while_turns_are_detected(new_bench):
    bench = new_bench(limits=BrainLimits(buffered_audio_bytes=200_000))
    bench.speak(60_000, loud=False, step_ms=500)
    assert not bench.of("error")
    bench.say_something()
    assert bench.of("response.done")


@pytest.mark.parametrize("ms", [0, 40, 80])
def test_less_than_a_tenth_of_a_second_cannot_be_committed(bench, ms):
    bench.detect(None)
    bench.speak(ms)
    [error] = bench.send("input_audio_buffer.commit", event_id="c7")
    assert error["error"]["code"] == "input_audio_buffer_commit_empty"
    assert error["error"]["event_id"] == "c7"
    assert f"{ms:.2f}ms" in error["error"]["message"]


def test_a_tenth_of_a_second_can_be(bench):
    bench.detect(None)
    bench.speak(100, step_ms=20)
    assert bench.send("input_audio_buffer.commit")[0]["type"] == "input_audio_buffer.committed"


def test_commit_is_refused_when_the_detector_has_committed_already(bench):
    bench.say_something()
    assert code_of(bench.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"


def test_committing_twice_is_refused(bench):
    bench.detect(None)
    bench.speak(200)
    bench.send("input_audio_buffer.commit")
    assert code_of(bench.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"


def test_clear_empties_the_buffer_and_the_clock_goes_on(bench):
    bench.speak(1000, loud=False)
    assert bench.send("input_audio_buffer.clear")[0]["type"] == "input_audio_buffer.cleared"
    bench.say_something()
    assert bench.last("input_audio_buffer.speech_started")["audio_start_ms"] >= 1000


def test_samples_cut_in_two_between_appends_are_joined(bench):
    bench.detect(None)
    data = bench.tone(400).astype("<i2").tobytes()
    for start in range(0, len(data), 333):
        append(bench, data[start : start + 333])
    bench.send("input_audio_buffer.commit")
    item_id = bench.last("input_audio_buffer.committed")["item_id"]
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert base64.b64decode(got["content"][0]["audio"]) == data


@pytest.mark.parametrize("form", [MU_LAW, A_LAW], ids=lambda form: form.name)
def test_telephone_sound_is_heard(bench, form):
    bench.update(audio={"input": {"format": {"type": form.name}}})
    bench.rate_hz = 8000
    for start in range(0, 40):
        loud = start < 20
        append(bench, form.encode(bench.tone(40, loud)))
    started = bench.last("input_audio_buffer.speech_started")
    stopped = bench.last("input_audio_buffer.speech_stopped")
    assert started["audio_start_ms"] == 0
    assert 1240 <= stopped["audio_end_ms"] <= 1360
    got = bench.send("conversation.item.retrieve", item_id=started["item_id"])[0]["item"]
    data = base64.b64decode(got["content"][0]["audio"])
    assert len(data) == stopped["audio_end_ms"] * 8
    first = form.decode(data)[: 8 * 400]
    assert np.abs(first - bench.tone(400)).max() < 700
    assert bench.thinker.requests[0].items[0].text == "word word."


def test_a_change_of_format_forgets_what_would_be_noise_in_it(bench):
    bench.detect(None)
    bench.speak(300)
    bench.update(audio={"input": {"format": {"type": "audio/pcma"}}})
    assert code_of(bench.send("input_audio_buffer.commit")) == "input_audio_buffer_commit_empty"


# -------------------------------------------------------------------------- transcription


def transcribe(bench, **fields):
    bench.update(audio={"input": {"transcription": {"model": "gpt-transcribe", **fields}}})


def test_words_are_sent_only_when_asked_for(bench):
    bench.say_something()
    assert not [e for e in bench.events if "input_audio_transcription" in e["type"]]
    user = bench.of("conversation.item.done")[0]["item"]
    assert user["content"] == [{"type": "input_audio", "transcript": None}]


def test_deltas_add_up_to_the_transcript(bench):
    transcribe(bench)
    bench.transcriber.text = "turn the light on in the kitchen, please"
    bench.say_something()
    kind = "conversation.item.input_audio_transcription"
    deltas = bench.of(f"{kind}.delta")
    done = bench.last(f"{kind}.completed")
    assert "".join(event["delta"] for event in deltas) == done["transcript"]
    assert done["transcript"] == bench.transcriber.text
    assert len(deltas) > 1
    assert done["item_id"] == bench.of("input_audio_buffer.committed")[0]["item_id"]
    assert done["content_index"] == 0
    length_ms = (
        bench.last("input_audio_buffer.speech_stopped")["audio_end_ms"]
        - bench.last("input_audio_buffer.speech_started")["audio_start_ms"]
    )
    assert done["usage"] == {"type": "duration", "seconds": length_ms / 1000}


def test_the_item_shows_its_words_afterwards(bench):
    transcribe(bench)
    bench.transcriber.text = "hello"
    bench.say_something()
    item_id = bench.of("input_audio_buffer.committed")[0]["item_id"]
    got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
    assert got["content"][0]["transcript"] == "hello"
    assert got["content"][0]["audio"]


def test_language_and_keywords_reach_the_transcriber(bench):
    transcribe(bench, language="en", prompt="kitchen talk", keywords=["Bittern", "hygge"])
    bench.say_something()
    assert bench.transcriber.languages == ["en"]
    assert bench.transcriber.prompts == ["kitchen talk Bittern, hygge"]


def test_values_of_the_tools_are_words_to_expect(bench):
    colour = {"type": "string", "enum": ["teal", "burnt_sienna"]}
    parameters = {"type": "object", "properties": {"colour": colour}}
    bench.update(tools=[{"type": "function", "name": "paint", "parameters": parameters}])
    bench.say_something()
    assert bench.transcriber.prompts == ["teal, burnt sienna"]


def test_a_failed_transcription_is_told_and_the_answer_fails(bench):
    transcribe(bench)
    bench.transcriber.failure = AbilityFailedError("audio_unintelligible", "too much noise")
    bench.say_something()
    failed = bench.last("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "audio_unintelligible"
    response = bench.last("response.done")["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "audio_unintelligible"


def test_after_a_failed_transcription_the_session_goes_on(bench):
    bench.transcriber.failure = AbilityFailedError("server_error", "no")
    bench.say_something()
    bench.transcriber.failure = None
    bench.say_something()
    assert bench.last("response.done")["response"]["status"] == "completed"


def test_an_item_that_is_deleted_is_not_transcribed_any_more(bench):
    transcribe(bench)
    bench.detect({"type": "server_vad", "create_response": False})
    bench.hold(FinishTranscription)
    bench.say_something()
    item_id = bench.last("input_audio_buffer.committed")["item_id"]
    bench.send("conversation.item.delete", item_id=item_id)
    assert any(isinstance(job, DropTranscription) for job in bench.started)
    assert bench.release() == []


def test_a_client_that_goes_leaves_no_work_behind(bench):
    bench.speak(500)
    bench.session.close()
    bench.work()
    assert any(isinstance(job, DropTranscription) for job in bench.started)

"""REALTIME.md 4.1, 4.2 and 4.4: who ends a turn, the order of events, interruption."""

from __future__ import annotations

import pytest

from device.brain.base.abilities import TextPiece
from device.brain.work.jobs import FeedTranscription, Hear, SettleTranscription, Speak, Think

USER_ITEM = [
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
]
SPOKEN_ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]
DETECTED = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"]


# ------------------------------------------------------------------------------- server_vad


def test_a_spoken_turn_comes_in_the_documented_order(bench, kinds):
    bench.speak(500, loud=False)
    assert kinds(bench.say_something()) == DETECTED + USER_ITEM + SPOKEN_ANSWER


def test_times_of_a_turn_are_on_the_audio_clock_and_include_the_padding(bench):
    bench.speak(2000, loud=False)
    bench.say_something(1000)
    started = bench.last("input_audio_buffer.speech_started")
    stopped = bench.last("input_audio_buffer.speech_stopped")
    assert 1640 <= started["audio_start_ms"] <= 1740  # 2000 less 300 of padding
    assert 3480 <= stopped["audio_end_ms"] <= 3560  # 3000 and 500 of silence
    assert started["item_id"] == stopped["item_id"]
    assert started["item_id"] == bench.last("input_audio_buffer.committed")["item_id"]


def test_the_committed_sound_is_that_between_the_two_times(bench):
    bench.speak(1000, loud=False)
    bench.say_something(900)
    started = bench.last("input_audio_buffer.speech_started")
    stopped = bench.last("input_audio_buffer.speech_stopped")
    [item] = [e["item"] for e in bench.of("conversation.item.added") if e["item"]["role"] == "user"]
    got = bench.send("conversation.item.retrieve", item_id=item["id"])[0]["item"]
    length_ms = len(got["content"][0]["audio"]) * 3 // 4 / 48
    assert length_ms == pytest.approx(stopped["audio_end_ms"] - started["audio_start_ms"], abs=1)


@pytest.mark.parametrize("padding_ms", [0, 100, 600])
def test_padding_is_as_long_as_configured(bench, padding_ms):
    bench.detect({"type": "server_vad", "prefix_padding_ms": padding_ms})
    bench.speak(2000, loud=False)
    bench.say_something()
    started = bench.last("input_audio_buffer.speech_started")
    assert started["audio_start_ms"] == pytest.approx(2000 - padding_ms, abs=40)


@pytest.mark.parametrize("silence_ms", [100, 500, 1500])
def test_silence_of_the_configured_length_ends_the_turn(bench, silence_ms):
    bench.detect({"type": "server_vad", "silence_duration_ms": silence_ms})
    bench.speak(800)
    heard_ms = 0
    while not bench.of("input_audio_buffer.speech_stopped"):
        bench.speak(20, loud=False, step_ms=20)
        heard_ms += 20
    assert heard_ms == pytest.approx(silence_ms, abs=80)


def test_a_pause_shorter_than_that_does_not_end_the_turn(bench):
    bench.speak(500)
    bench.speak(350, loud=False)
    bench.speak(500)
    assert not bench.of("input_audio_buffer.speech_stopped")
    bench.speak(700, loud=False)
    assert len(bench.of("input_audio_buffer.committed")) == 1


def test_a_click_is_no_speech(bench):
    bench.speak(500, loud=False)
    bench.speak(6, step_ms=6)
    bench.speak(1000, loud=False)
    assert not bench.of("input_audio_buffer.speech_started")


def test_the_threshold_decides_what_is_speech(bench):
    bench.detect({"type": "server_vad", "threshold": 1.0})
    bench.say_something()  # the detector of these tests is never less than sure
    assert bench.of("input_audio_buffer.speech_started")


def test_turns_follow_each_other(bench):
    for _ in range(3):
        bench.say_something()
    assert len(bench.of("input_audio_buffer.committed")) == 3
    assert [e["response"]["status"] for e in bench.of("response.done")] == ["completed"] * 3
    starts = [e["audio_start_ms"] for e in bench.of("input_audio_buffer.speech_started")]
    ends = [e["audio_end_ms"] for e in bench.of("input_audio_buffer.speech_stopped")]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))


def test_previous_item_ids_chain_the_items(bench):
    bench.say_something()
    bench.say_something()
    added = bench.of("conversation.item.added")
    previous = [event["previous_item_id"] for event in added]
    assert previous == [None] + [event["item"]["id"] for event in added[:-1]]
    committed = bench.of("input_audio_buffer.committed")
    assert committed[1]["previous_item_id"] == added[1]["item"]["id"]


def test_without_create_response_the_client_asks(bench, kinds):
    bench.detect({"type": "server_vad", "create_response": False})
    assert kinds(bench.say_something()) == DETECTED + USER_ITEM
    assert kinds(bench.send("response.create")) == SPOKEN_ANSWER


def test_a_turn_that_starts_while_the_ear_is_busy_is_found_all_the_same(bench):
    bench.hold(Hear)
    bench.say_something()
    assert not bench.of("input_audio_buffer.speech_started")
    bench.release()
    assert len(bench.of("response.done")) == 1


def test_a_turn_that_never_ends_is_ended(new_bench):
    bench = new_bench()
    bench.speak(301_000, step_ms=1000)
    stopped = bench.last("input_audio_buffer.speech_stopped")
    assert stopped["audio_end_ms"] == pytest.approx(300_000, abs=100)


def test_the_words_are_looked_for_in_the_pause_and_not_again_at_the_end(bench):
    bench.speak(800)
    bench.speak(240, loud=False)
    assert any(isinstance(job, SettleTranscription) for job in bench.started)
    fed_voiced = [job for job in bench.started if isinstance(job, FeedTranscription) and job.voiced]
    bench.started.clear()
    bench.speak(400, loud=False)
    later = [job for job in bench.started if isinstance(job, FeedTranscription)]
    assert fed_voiced
    assert not any(job.voiced for job in later)


# --------------------------------------------------------------------- null: push to talk


def test_a_manual_turn_is_answered_only_when_asked(bench, kinds):
    bench.detect(None)
    assert bench.speak(600) == []
    assert kinds(bench.send("input_audio_buffer.commit")) == USER_ITEM
    assert kinds(bench.send("response.create")) == SPOKEN_ANSWER
    assert bench.thinker.requests[0].items[0].text == "word word."


def test_a_manual_turn_waits_for_an_ear_that_lags_behind(bench):
    bench.detect(None)
    bench.hold(Hear)
    bench.speak(600)
    bench.send("input_audio_buffer.commit")
    bench.send("response.create")
    assert not bench.thinker.requests
    bench.release()
    assert bench.thinker.requests[0].items[0].text == "word word."


def test_manual_turns_hold_all_that_was_appended(bench):
    bench.detect(None)
    for length_ms in (200, 1040):
        bench.speak(length_ms)
        bench.send("input_audio_buffer.commit")
        item_id = bench.last("input_audio_buffer.committed")["item_id"]
        got = bench.send("conversation.item.retrieve", item_id=item_id)[0]["item"]
        assert len(got["content"][0]["audio"]) * 3 // 4 == length_ms * 48


def test_switching_from_detection_to_push_to_talk_forgets_the_open_turn(bench):
    bench.speak(600)
    assert bench.of("input_audio_buffer.speech_started")
    bench.detect(None)
    [error] = bench.send("input_audio_buffer.commit")
    assert error["error"]["code"] == "input_audio_buffer_commit_empty"


def test_clear_forgets_the_open_turn(bench, kinds):
    bench.speak(600)
    assert kinds(bench.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert bench.speak(1000, loud=False) == []


def test_a_client_may_commit_in_the_middle_of_a_detected_turn(bench, kinds):
    bench.speak(600)
    events = bench.send("input_audio_buffer.commit")
    assert kinds(events) == USER_ITEM + SPOKEN_ANSWER
    bench.speak(1000, loud=False)
    assert len(bench.of("input_audio_buffer.committed")) == 1


# ------------------------------------------------------------------------------ semantic_vad


@pytest.mark.parametrize(
    ("words", "eagerness", "least_ms", "most_ms"),
    [
        ("What time is it?", "high", 300, 500),
        ("What time is it?", "auto", 500, 800),
        ("What time is it?", "low", 800, 1100),
        ("Set a timer for", "high", 1400, 2100),
        ("Set a timer for", "medium", 2500, 4100),
        ("Set a timer for", "low", 5500, 8100),
    ],
)
def test_semantic_detection_waits_for_the_end_of_the_sentence(
    bench, words, eagerness, least_ms, most_ms
):
    bench.detect({"type": "semantic_vad", "eagerness": eagerness})
    bench.transcriber.text = words
    bench.speak(800)
    heard_ms = 0
    while not bench.of("input_audio_buffer.speech_stopped"):
        bench.speak(40, loud=False)
        heard_ms += 40
    assert least_ms <= heard_ms <= most_ms


def test_a_verdict_that_comes_late_ends_the_turn_where_it_would_have_ended(bench):
    bench.detect({"type": "semantic_vad", "eagerness": "high"})
    bench.transcriber.text = "What time is it?"
    bench.hold(SettleTranscription)
    bench.speak(800)
    bench.speak(1500, loud=False)
    assert not bench.of("input_audio_buffer.speech_stopped")
    bench.release()
    stopped = bench.last("input_audio_buffer.speech_stopped")
    assert 1100 <= stopped["audio_end_ms"] <= 1300
    assert bench.last("response.done")["response"]["status"] == "completed"


def test_semantic_detection_goes_on_when_the_speaker_does(bench):
    bench.detect({"type": "semantic_vad", "eagerness": "high"})
    bench.transcriber.text = "Set a timer for"
    bench.speak(800)
    bench.speak(1000, loud=False)
    bench.transcriber.text = "Set a timer for ten minutes."
    bench.speak(500)
    bench.speak(600, loud=False)
    assert len(bench.of("input_audio_buffer.committed")) == 1
    assert bench.thinker.requests[0].items[0].text == "Set a timer for ten minutes."


# ------------------------------------------------------------------------------ interruption


def begin_long_answer(bench):
    """Have an answer begun that has spoken its first sentence and not its second."""
    bench.thinker.answers.append([TextPiece("The weather is fine today. "), TextPiece("It is.")])
    bench.ask("weather?")


def test_speech_cancels_the_answer(bench, kinds):
    bench.hold(Speak)
    begin_long_answer(bench)
    events = kinds(bench.speak(200))
    assert events == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = bench.last("response.done")["response"]
    assert done["status"] == "cancelled"
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["output"][0]["status"] == "incomplete"
    # The second sentence was thought of and not begun: nobody can have heard it.
    assert done["output"][0]["content"][0]["transcript"] == "The weather is fine today. "


def test_nothing_of_a_cancelled_answer_is_sent_afterwards(bench):
    bench.hold(Speak)
    begin_long_answer(bench)
    bench.speak(200)
    assert bench.release() == []


def test_interruption_stops_a_thinker_that_has_not_begun(bench):
    bench.hold(Think)
    begin_long_answer(bench)
    bench.speak(200)
    assert bench.last("response.done")["response"]["output"] == []
    bench.release()
    assert not bench.of("response.output_item.added")


def test_without_interrupt_response_the_answer_goes_on(bench):
    bench.detect({"type": "server_vad", "interrupt_response": False, "create_response": False})
    bench.hold(Speak)
    begin_long_answer(bench)
    bench.say_something()
    assert not bench.of("response.done")
    bench.release()
    assert bench.last("response.done")["response"]["status"] == "completed"


def test_a_turn_that_cannot_be_answered_because_another_answer_goes_on_is_an_error(bench):
    bench.detect({"type": "server_vad", "interrupt_response": False})
    bench.hold(Speak)
    begin_long_answer(bench)
    bench.say_something()
    error = bench.last("error")["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] is None


# ------------------------------------------------------------------------------ idle timeout


IDLE = {"type": "server_vad", "idle_timeout_ms": 6000}


def test_silence_after_an_answer_prompts_the_user(bench, kinds):
    bench.detect(IDLE)
    bench.say_something()
    spoken_s = len(bench.voice.sentences[0][0]) * 0.01
    assert bench.wait(spoken_s + 5.5) == []
    events = bench.wait(0.6)
    assert kinds(events) == [
        "input_audio_buffer.timeout_triggered",
        *USER_ITEM,
        *SPOKEN_ANSWER,
    ]
    timeout = events[0]
    assert timeout["item_id"] == events[1]["item_id"]
    assert timeout["audio_start_ms"] <= timeout["audio_end_ms"]


def test_the_idle_time_begins_when_the_answer_has_been_played(bench):
    bench.detect(IDLE)
    bench.thinker.answers.append([TextPiece("x" * 1000)])  # ten seconds of speech
    bench.say_something()
    assert bench.wait(15.5) == []
    assert bench.wait(1.0)


def test_the_user_who_speaks_is_not_prompted(bench):
    bench.detect(IDLE)
    bench.say_something()
    bench.speak(200)
    assert bench.wait(20) == []


def test_nobody_is_prompted_before_the_first_answer(bench):
    bench.detect(IDLE)
    assert bench.wait(60) == []


def test_prompting_goes_on_after_each_prompt(bench):
    bench.detect(IDLE)
    bench.say_something()
    for _ in range(3):
        assert bench.wait(8)[0]["type"] == "input_audio_buffer.timeout_triggered"

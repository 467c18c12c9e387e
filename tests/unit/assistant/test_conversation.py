"""The conversation, told as what happened and what the appliance did about it."""

from __future__ import annotations

import json

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.items import ItemKey
from device.assistant.policy import BargeIn, EndpointPlan
from device.assistant.states import State
from device.realtime import events as wire
from device.realtime.failures import Reason


def test_a_question_is_answered_and_a_follow_up_awaited(bench):
    bench.ask()
    assert bench.core.state is State.THINKING
    bench.answer()
    assert bench.core.state is State.FOLLOW_UP
    assert bench.reports("said") == [{"text": "It is six.", "endpoint": "cloud"}]
    bench.wait(7.0)
    assert bench.core.state is State.IDLE


def test_the_uplink_begins_at_the_end_of_the_wake_word(bench):
    bench.wake(at_sample=12_345)
    assert not bench.of(do.StartUplink), "no link yet, nothing to send to"
    bench.ready()
    assert bench.uplinks() == [do.StartUplink(1, 12_345, floor_sample=12_345)]


def test_nothing_is_sent_before_the_end_of_the_wake_word_is_known(bench):
    bench.feed(inputs.WakeWordHeard("hey jarvis", 0.97, 12_000, bench.now_s))
    bench.ready()
    assert not bench.of(do.StartUplink)
    bench.feed(inputs.WakeWordEnded(12_345))
    assert bench.uplinks() == [do.StartUplink(1, 12_345, floor_sample=12_345)]


def test_ears_that_never_tell_the_end_of_the_word_do_not_hold_up_the_question(bench):
    bench.feed(inputs.WakeWordHeard("hey jarvis", 0.97, 12_000, bench.now_s))
    bench.ready()
    bench.wait(0.7)
    assert bench.uplinks()[0] == do.StartUplink(1, 12_000, floor_sample=12_000)


def test_who_speaks_on_is_not_chimed_at(bench):
    bench.wake()
    bench.ready()
    bench.feed(inputs.SpeechStarted(16_100, bench.now_s))
    bench.wait(2.0)
    assert not bench.of(do.Chime)


def test_the_chime_is_not_in_the_question(bench):
    bench.wake()
    bench.ready()
    bench.wait(0.36)
    assert [e.name for e in bench.of(do.Chime)] == ["wake"]
    assert isinstance(bench.of(do.StopUplink)[-1], do.StopUplink)
    bench.wait(0.4)
    assert len(bench.of(do.StartUplink)) == 1, "somebody may have spoken into it"
    bench.wait(0.3)
    assert bench.uplinks()[-1] == do.StartUplink(1, None, 300, floor_sample=16_000), (
        "from after the chime on"
    )
    before = len(bench.of(do.StartUplink))
    bench.feed(inputs.SpeechStarted(40_000, bench.now_s))
    assert len(bench.of(do.StartUplink)) == before, "it is being sent already"
    bench.lose(Reason.CLOSED)
    bench.ready()
    assert bench.of(do.StartUplink)[-1].from_sample == 40_000, "a replay leaves the chime out"


def test_who_speaks_into_the_chime_is_heard_once(bench):
    bench.wake()
    bench.ready()
    bench.wait(0.4)
    assert bench.of(do.Chime)
    bench.feed(inputs.SpeechStarted(22_000, bench.now_s))
    assert bench.uplinks()[-1] == do.StartUplink(1, 22_000, 300, is_more=True, floor_sample=16_000)
    before = len(bench.of(do.StartUplink))
    bench.wait(2.0)
    assert len(bench.of(do.StartUplink)) == before


def test_nobody_speaks_and_the_light_goes_out(bench):
    bench.wake()
    bench.ready()
    bench.wait(6.5)
    assert bench.core.state is State.IDLE
    assert bench.reports("no_speech") == [{}]
    assert bench.sent(wire.InputAudioBufferClear)


def test_the_first_endpoint_refuses_and_the_next_answers(bench):
    bench.wake()
    bench.lose(Reason.REFUSED_KEY)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]
    bench.ready()
    bench.speak()
    bench.server_hears_question()
    bench.answer()
    assert [e.name for e in bench.of(do.Notice)] == ["key_refused"], "said once, after the answer"
    assert bench.of(do.Show)[-1].is_local


def test_a_link_that_dies_in_the_question_loses_nothing(bench):
    bench.wake(at_sample=10_000)
    bench.ready()
    bench.feed(inputs.SpeechStarted(10_500, bench.now_s))
    bench.wait(0.5)
    bench.lose(Reason.CLOSED)
    bench.ready()
    assert bench.uplinks()[-1] == do.StartUplink(2, 10_000, floor_sample=10_000)


def test_an_endpoint_that_never_answers_is_replaced(bench):
    bench.ask()
    bench.wait(8.5)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]
    bench.ready()
    replay = bench.of(do.StartUplink)[-1]
    assert (replay.from_sample, replay.until_sample) == (16_000, 48_000)
    assert replay.tail_silence_ms > 0, "so that the server hears the end"
    bench.server_hears_question()
    bench.answer()
    bench.finish_notices()
    assert bench.reports("said")[0]["endpoint"] == "brain"


def test_an_endpoint_that_does_not_hear_the_end_is_replaced(bench):
    bench.wake()
    bench.ready()
    bench.speak()
    bench.wait(5.0)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]


def test_a_failed_response_is_asked_again_elsewhere(bench):
    bench.ask()
    bench.begin_response()
    bench.end_response("failed", code="insufficient_quota")
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "brain"]
    assert bench.reports("link_failed")[0]["reason"] == "quota"


def test_nobody_answers_and_says_so(bench):
    bench.wake()
    bench.lose()
    bench.lose()
    assert [e.name for e in bench.of(do.Notice)] == ["no_answer_offline"]
    assert bench.of(do.Show)[-1].fault == "no_answer"
    bench.finish(bench.of(do.Notice)[0].item.item_id)
    assert bench.core.state is State.IDLE
    assert bench.of(do.Show)[-1].fault == ""


def test_an_answer_cut_short_is_played_as_far_as_it_came(bench):
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.lose(Reason.CLOSED)
    assert bench.of(do.FinishItem) == [do.FinishItem(ItemKey("a1"))]
    bench.finish()
    assert [e.name for e in bench.of(do.Notice)] == ["answer_cut"]


def test_the_wake_word_interrupts_the_answer(bench):
    bench.ask()
    bench.begin_response()
    bench.audio(length_s=4.0, text="one two three four")
    bench.play()
    effects = bench.wake(at_sample=90_000)
    kinds = [type(effect) for effect in effects]
    assert kinds.index(do.StopPlayback) < kinds.index(do.StartUplink)
    assert bench.sent(wire.ResponseCancel) == [wire.ResponseCancel(response_id="r1")]
    bench.feed(inputs.PlaybackStopped({ItemKey("a1"): 2000}))
    truncated = wire.ConversationItemTruncate(item_id="a1", content_index=0, audio_end_ms=2000)
    assert bench.sent(wire.ConversationItemTruncate) == [truncated]
    assert bench.reports("said")[0]["text"] == "one two"
    late = bench.audio()
    assert not [e for e in late if isinstance(e, do.Play)], "late audio is stale"


def test_an_item_not_begun_is_deleted_not_truncated(bench):
    bench.ask()
    bench.begin_response()
    bench.audio(item="a1")
    bench.end_item("a1")
    bench.audio(item="a2")
    bench.play("a1")
    bench.wake()
    bench.feed(inputs.PlaybackStopped({ItemKey("a1"): 400, ItemKey("a2"): 0}))
    assert [e.item_id for e in bench.sent(wire.ConversationItemTruncate)] == ["a1"]
    assert [e.item_id for e in bench.sent(wire.ConversationItemDelete)] == ["a2"]


def test_truncation_never_exceeds_what_was_received(bench):
    bench.ask()
    bench.begin_response()
    bench.audio(length_s=0.5)
    bench.play()
    bench.wake()
    bench.feed(inputs.PlaybackStopped({ItemKey("a1"): 700}))
    assert [e.audio_end_ms for e in bench.sent(wire.ConversationItemTruncate)] == [500]


def test_barge_in_can_be_switched_off(make_bench):
    bench = make_bench(barge_in=BargeIn.OFF)
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.wake()
    assert bench.core.state is State.SPEAKING


def test_all_tool_outputs_go_out_before_one_response_create(bench):
    bench.ask()
    bench.begin_response()
    bench.call_tool("c1", "get_time")
    bench.call_tool("c2", "get_date")
    assert [e.call_id for e in bench.of(do.RunTool)] == ["c1", "c2"]
    bench.feed(inputs.ToolFinished("c1", '{"time":"18:00"}'))
    bench.end_response()
    assert not bench.sent(wire.ResponseCreate)
    bench.feed(inputs.ToolFinished("c2", '{"date":"today"}'))
    sent = [e.event for e in bench.of(do.Send)]
    assert [type(e) for e in sent[-3:]] == [
        wire.ConversationItemCreate,
        wire.ConversationItemCreate,
        wire.ResponseCreate,
    ]
    assert [r["name"] for r in bench.reports("tool")] == ["get_time", "get_date"]


def test_the_create_waits_for_the_response_that_called(bench):
    bench.ask()
    bench.begin_response()
    bench.call_tool()
    bench.feed(inputs.ToolFinished("c1", "{}"))
    assert not bench.sent(wire.ResponseCreate)
    bench.end_response()
    assert len(bench.sent(wire.ResponseCreate)) == 1


def test_a_tool_that_hangs_is_reported_to_the_model(bench):
    bench.ask()
    bench.begin_response()
    bench.call_tool()
    bench.end_response()
    bench.wait(21.0)
    outputs = [e.item.output for e in bench.sent(wire.ConversationItemCreate)]
    assert "error" in json.loads(outputs[0])
    assert len(bench.sent(wire.ResponseCreate)) == 1


def test_calls_of_a_cancelled_response_are_not_run(bench):
    bench.ask()
    bench.begin_response()
    bench.wake()
    bench.call_tool()
    assert not bench.of(do.RunTool)


def test_an_active_response_elsewhere_delays_ours(local_endpointing):
    bench = local_endpointing
    bench.wake()
    bench.ready()
    bench.speak()
    bench.feed(inputs.UplinkDrained(1))
    assert len(bench.sent(wire.ResponseCreate)) == 1
    details = wire.ErrorDetails(
        type="invalid_request_error", code="conversation_already_has_active_response", message=""
    )
    bench.server(wire.ErrorEvent(error=details))
    bench.begin_response("other")
    bench.end_response(response="other")
    assert len(bench.sent(wire.ResponseCreate)) == 2


def test_local_endpointing_commits_and_asks(local_endpointing):
    bench = local_endpointing
    bench.wake()
    bench.ready()
    bench.speak(until_sample=48_000)
    assert bench.of(do.EndUplink) == [do.EndUplink(1, 48_000)]
    assert not bench.sent(wire.InputAudioBufferCommit), "not before the audio is out"
    bench.feed(inputs.UplinkDrained(1))
    assert [type(e.event) for e in bench.of(do.Send)] == [
        wire.InputAudioBufferCommit,
        wire.ResponseCreate,
    ]


def test_a_pause_is_not_the_end_with_local_endpointing(local_endpointing):
    bench = local_endpointing
    bench.wake()
    bench.ready()
    bench.speak(until_sample=48_000)
    bench.feed(inputs.UplinkDrained(1))
    bench.begin_response()
    bench.feed(inputs.SpeechStarted(60_000, bench.now_s))
    assert bench.core.state is State.LISTENING
    assert bench.sent(wire.ResponseCancel)
    assert bench.of(do.StartUplink)[-1].from_sample == 60_000


def test_the_user_goes_on_and_the_server_hears_it(bench):
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.server(wire.InputAudioBufferSpeechStarted(item_id="u2", audio_start_ms=2000))
    assert bench.core.state is State.LISTENING
    assert bench.of(do.StopPlayback), "what was not begun is not played"
    bench.end_response("cancelled")
    bench.server(wire.InputAudioBufferSpeechStopped(item_id="u2", audio_end_ms=2500))
    assert bench.core.state is State.THINKING


def test_a_follow_up_needs_no_wake_word_and_sends_nothing_unasked(bench):
    bench.ask()
    bench.answer()
    uplinks = len(bench.of(do.StartUplink))
    bench.wait(3.0)
    assert len(bench.of(do.StartUplink)) == uplinks, "silence is not sent"
    bench.follow_up(90_000)
    assert bench.of(do.StartUplink)[-1].from_sample == 90_000
    assert bench.core.turn.trigger == "follow_up"


def test_the_link_is_kept_for_the_next_question_then_closed(bench):
    bench.ask()
    bench.answer()
    bench.wait(7.0)
    bench.wake()
    assert len(bench.of(do.OpenLink)) == 1
    bench.wait(60.0)
    assert bench.of(do.CloseLink)


def test_an_old_link_that_died_is_opened_anew_before_giving_up_on_the_endpoint(bench):
    bench.ask()
    bench.answer()
    bench.wait(7.0)
    bench.wake()
    bench.lose(Reason.EXPIRED)
    assert [e.endpoint for e in bench.of(do.OpenLink)] == ["cloud", "cloud"]


def test_a_new_link_is_told_what_was_said(make_bench):
    bench = make_bench(EndpointPlan("brain", is_local=True))
    bench.ask()
    bench.server(
        wire.ConversationItemInputAudioTranscriptionCompleted(
            item_id="u1", content_index=0, transcript="what time is it"
        )
    )
    bench.answer()
    bench.wait(40.0)
    assert bench.of(do.CloseLink)
    bench.wake()
    bench.ready()
    told = [e.item for e in bench.sent(wire.ConversationItemCreate)]
    assert [(i.role, i.content[0].text) for i in told] == [
        ("user", "what time is it"),
        ("assistant", "It is six."),
    ]


def test_a_failed_endpoint_rests_then_is_first_choice_again(bench):
    bench.wake()
    bench.lose()
    bench.ready()
    bench.speak()
    bench.server_hears_question()
    bench.answer()
    bench.finish_notices()
    bench.wait(7.0)
    bench.wake()
    assert bench.of(do.OpenLink)[-1].endpoint == "brain", "resting"
    bench.wait(400.0)
    bench.wake()
    assert bench.of(do.OpenLink)[-1].endpoint == "cloud"


def test_the_button_talks_interrupts_and_cancels(bench):
    bench.feed(inputs.TalkPressed(5_000))
    bench.ready()
    assert bench.uplinks() == [do.StartUplink(1, 5_000, floor_sample=5_000)]
    bench.feed(inputs.TalkPressed(6_000))
    assert bench.core.state is State.IDLE
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.feed(inputs.TalkPressed(70_000))
    assert bench.of(do.StopPlayback)
    assert bench.core.state is State.LISTENING


def test_mute_ends_everything_and_closes_the_microphone(bench):
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    effects = bench.feed(inputs.MuteChanged(True))
    assert do.CloseMicrophone() in effects
    assert do.StopPlayback() in effects
    assert bench.core.state is State.MUTED
    assert not bench.wake()
    effects = bench.feed(inputs.MuteChanged(False))
    assert do.OpenMicrophone() in effects
    assert bench.core.state is State.IDLE
    assert [chime.name for chime in bench.of(do.Chime)] == ["muted", "unmuted"]


def test_the_chime_of_mute_comes_after_what_is_silenced_and_before_the_silence(bench):
    kinds = [type(effect) for effect in bench.feed(inputs.MuteChanged(True))]
    assert kinds.index(do.StopPlayback) < kinds.index(do.Chime) < kinds.index(do.CloseMicrophone)


def test_who_begins_muted_is_told_nothing(bench):
    bench.feed(inputs.MuteChanged(True, is_told=False))
    assert bench.core.state is State.MUTED
    assert not bench.of(do.Chime)


def test_it_is_heard_that_it_has_given_up_listening(bench):
    bench.wake()
    bench.ready()
    bench.wait(10.0)
    assert [chime.name for chime in bench.of(do.Chime)] == ["wake", "done"]
    bench.wake()
    bench.feed(inputs.TalkPressed(70_000))
    assert bench.core.state is State.IDLE
    assert bench.of(do.Chime)[-1].name == "done"


def test_without_chimes_giving_up_is_silent(make_bench):
    bench = make_bench(chime=False)
    bench.wake()
    bench.ready()
    bench.wait(10.0)
    assert not bench.of(do.Chime)


def test_a_broken_microphone_is_said_and_mended(bench):
    bench.feed(inputs.MicrophoneFailed("stalled for 2 s"))
    assert bench.core.state is State.FAULTED
    assert [e.name for e in bench.of(do.Notice)] == ["microphone_broken"]
    bench.feed(inputs.MicrophoneRecovered())
    assert bench.core.state is State.IDLE
    assert [e.name for e in bench.of(do.Notice)] == ["microphone_broken", "microphone_back"]


def test_what_was_not_called_broken_is_not_called_mended(bench):
    bench.feed(inputs.MicrophoneFailed("zeros", is_certain=False))
    bench.feed(inputs.MicrophoneRecovered())
    assert not bench.of(do.Notice)
    bench.feed(inputs.MicrophoneFailed("zeros", is_certain=False))
    bench.feed(inputs.TalkPressed(70_000))
    bench.feed(inputs.MicrophoneRecovered())
    assert [e.name for e in bench.of(do.Notice)] == ["microphone_broken", "microphone_back"]


def test_garbage_from_the_server_changes_nothing(bench):
    bench.ask()
    bench.server(wire.UnknownEvent("session.sparkled", {"type": "session.sparkled"}))
    bench.end_response(response="never-created")
    bench.finish("never-played")
    assert bench.core.state is State.THINKING


def test_a_speaker_that_swallows_the_answer_does_not_hang_the_device(bench):
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.end_item()
    bench.end_response()
    bench.wait(30.0)
    assert bench.core.state is State.IDLE
    assert bench.reports("playback_stalled")


def test_an_answer_without_end_is_ended(make_bench):
    bench = make_bench(answer_limit_s=60.0)
    bench.ask()
    bench.begin_response()
    for _ in range(12):
        bench.audio(5.0)
        bench.play()
        assert bench.core.state is State.SPEAKING
        bench.wait(5.0)
    assert bench.core.state is State.IDLE
    assert bench.of(do.StopPlayback)
    assert len(bench.reports("answer_stopped")) == 1


def test_words_without_end_and_without_a_sound_are_ended_too(make_bench):
    bench = make_bench(answer_limit_s=60.0)
    bench.ask()
    bench.begin_response()
    for _ in range(12):
        bench.server(
            wire.ResponseOutputAudioTranscriptDelta(
                response_id="r1", item_id="a1", output_index=0, content_index=0, delta="and "
            )
        )
        bench.wait(5.0)
    assert bench.core.state is State.IDLE


def test_the_next_answer_has_all_its_time_again(make_bench):
    bench = make_bench(answer_limit_s=60.0, follow_up_s=0.0)
    for _ in range(5):
        bench.ask()
        bench.wait(1.0)
        bench.answer()
        bench.wait(20.0)
    assert not bench.reports("answer_stopped")

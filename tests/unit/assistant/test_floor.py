"""Nothing from before a question's floor is sent, whatever is heard, in whatever order."""

from __future__ import annotations

from device.assistant import effects as do
from device.assistant import inputs
from device.assistant.policy import BargeIn
from device.assistant.states import State
from device.realtime.failures import Reason

RATE_HZ = 16_000
WORD_END = 20_000
SOON = WORD_END + RATE_HZ // 20
"""Where the detector hears speech begin: nearer to the wake word than the lead is long."""


def first_sample(uplink: do.StartUplink) -> int:
    """Where the sound begins that a shell sends."""
    assert uplink.from_sample is not None
    return max(uplink.from_sample - RATE_HZ * uplink.lead_ms // 1000, uplink.floor_sample)


def chimed_at(bench) -> None:
    """The wake word, then a chime; the word that follows at once is heard a moment too late."""
    bench.wake(at_sample=WORD_END)
    bench.wait(0.3)
    assert [chime.name for chime in bench.of(do.Chime)] == ["wake"]


def test_a_link_that_is_late_gets_nothing_of_the_wake_word(bench) -> None:
    chimed_at(bench)
    bench.feed(inputs.SpeechStarted(SOON, bench.now_s))
    bench.ready()
    assert first_sample(bench.of(do.StartUplink)[-1]) == WORD_END


def test_a_replay_gets_nothing_of_the_wake_word(bench) -> None:
    bench.wake(at_sample=WORD_END)
    bench.ready()
    bench.wait(0.3)
    assert bench.of(do.Chime)
    bench.feed(inputs.SpeechStarted(SOON, bench.now_s))
    bench.feed(inputs.SpeechEnded(SOON + RATE_HZ, bench.now_s))
    bench.server_hears_question()
    bench.lose(Reason.CLOSED)
    bench.ready()
    replay = bench.of(do.StartUplink)[-1]
    assert replay.until_sample == SOON + RATE_HZ
    assert first_sample(replay) == WORD_END


def test_a_follow_up_gets_nothing_from_before_the_answer(bench) -> None:
    bench.ask()
    bench.answer()
    assert bench.core.state is State.FOLLOW_UP
    bench.follow_up(100)
    assert first_sample(bench.of(do.StartUplink)[-1]) == 60_000, "there the answer began to play"


def test_a_voice_gets_nothing_from_before_the_answer(make_bench) -> None:
    bench = make_bench(barge_in=BargeIn.VOICE)
    bench.ask()
    bench.begin_response()
    bench.audio()
    bench.play()
    bench.follow_up(60_100)
    assert first_sample(bench.of(do.StartUplink)[-1]) == 60_000


def test_an_end_before_the_floor_sends_nothing(local_endpointing) -> None:
    bench = local_endpointing
    bench.wake(at_sample=WORD_END)
    bench.ready()
    bench.feed(inputs.SpeechEnded(100, bench.now_s))
    assert [end.until_sample for end in bench.of(do.EndUplink)] == [WORD_END]


def test_the_floor_does_not_move(bench) -> None:
    bench.wake(at_sample=WORD_END)
    bench.feed(inputs.WakeWordEnded(100))
    bench.ready()
    bench.feed(inputs.WakeWordEnded(200))
    assert {uplink.floor_sample for uplink in bench.of(do.StartUplink)} == {WORD_END}


def test_the_endpoint_hears_speech_while_the_chime_holds_the_sound_back(bench) -> None:
    """What it has heard begins before the chime; what is said into the chime follows."""
    bench.wake(at_sample=WORD_END)
    bench.ready()
    bench.wait(0.3)
    bench.server_begins_to_hear()
    bench.feed(inputs.SpeechStarted(SOON + 8_000, bench.now_s))
    more = bench.of(do.StartUplink)[-1]
    assert (more.from_sample, more.is_more) == (SOON + 8_000, True)
    bench.lose(Reason.CLOSED)
    bench.ready()
    assert first_sample(bench.of(do.StartUplink)[-1]) == WORD_END, "and a replay has it whole"


def test_a_tool_that_takes_its_time_after_some_words_is_no_stalled_speaker(bench) -> None:
    bench.ask()
    bench.begin_response()
    bench.audio(1.0, text="One moment.")
    bench.end_item()
    bench.call_tool()
    bench.end_response()
    bench.play()
    bench.wait(1.0)
    bench.finish()
    bench.wait(10.0)
    assert not bench.reports("playback_stalled")
    bench.feed(inputs.ToolFinished("c1", "{}"))
    bench.begin_response("r2")
    bench.audio(item="a2", response="r2", text="It is done.")
    bench.play("a2")
    bench.end_item("a2", "r2")
    bench.end_response(response="r2")
    bench.finish("a2")
    assert bench.reports("said") == [{"text": "One moment. It is done.", "endpoint": "cloud"}]

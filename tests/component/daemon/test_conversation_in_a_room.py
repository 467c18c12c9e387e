"""Conversations in a virtual room, where what is played and heard lies on one clock.

Each scene is one appliance with one simulated cloud, in real time; all scenes are played
side by side, once, before the first test looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.assistant import inputs
from device.assistant.states import State
from device.audio.samples import Samples
from device.house.controls import Controls
from device.panel.actions import Action
from device.realtime.pcm import BYTES_PER_MS
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.room import AcousticEcho, SimulatedRoom
from device.workshop.simulation.script import script_from

pytestmark = pytest.mark.timeout(900)  # the first one waits for all

RATE_HZ = 24_000
PER_MS = RATE_HZ // 1000
AT_A_TIME = 5
LATE_MS = 1_500
"""After its last sample a wake word must have had its effect, on whatever machine this runs."""
WAKE, QUESTION, OTHER = "Hey Jarvis", "What time is it?", "What day is it?"
SHORT = {"items": [{"say": "It is noon.", "audio_ms": 500}]}
LONG = {
    "items": [{"say": "once upon a time there was a bittern in the reeds", "audio_ms": 6_000}],
}
OWN_ECHO = AcousticEcho(delay_s=0.03, gain_db=-30.0)
"""What is left of one's own voice behind a good echo canceller."""


def silent_from(sound: Samples, first: int) -> int:
    """Where a tenth of a second of silence begins, at or after a place."""
    quiet = RATE_HZ // 10
    loud = np.concatenate((np.nonzero(sound[first:])[0] + first, [len(sound) + quiet]))
    before = np.concatenate(([first], loud[:-1] + 1))
    return int(before[np.nonzero(loud - before >= quiet)[0][0]])


def loud_from(sound: Samples, first: int) -> int:
    """Where there is a sound at or after a place."""
    return first + int(np.nonzero(sound[first:])[0][0])


class Scene:
    """One appliance in one room; what tests want to know of it afterwards."""

    def __init__(self, studio: Any, settings: Any, appliance_class: Any) -> None:
        self.studio, self.settings, self.appliance_class = studio, settings, appliance_class
        self.notes: dict[str, Any] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Scene:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def begin(
        self,
        *parts: str | float,
        answers: list[Any],
        script: dict[str, Any] | None = None,
        endpoint: dict[str, Any] | None = None,
        **assistant: object,
    ) -> Any:
        """Let a person say these parts to an appliance with this cloud."""
        raw = {"answers": answers, **(script or {})}
        self.cloud = await self._stack.enter_async_context(Cloud(script_from(raw)))
        self.take = self.studio.take(0.4, *parts)
        self.room = SimulatedRoom(self.take.path, OWN_ECHO)
        loaded = self.settings.load(
            self.settings.endpoint("cloud", self.cloud.url, **(endpoint or {})), **assistant
        )
        appliance = self.appliance_class(loaded, self.room.microphone, self.room.speaker)
        self.appliance = await self._stack.enter_async_context(appliance)
        return self.appliance

    def span(self, part: int) -> tuple[int, int]:
        """Where a part was in the room; part 1 is the first after the pause at the start."""
        begins = (*self.take.begins, len(self.take.sound))
        return self.room.person_at(begins[part]), self.room.person_at(begins[part + 1])

    def heard(self, part: int) -> Samples:
        """How a part sounded at the microphone."""
        begin, end = self.span(part)
        return self.room.heard[begin:end]

    @property
    def uplinked(self) -> int:
        """Bytes of audio that all connections have got."""
        return sum(len(visit.audio) for visit in self.cloud.visits)


SCENES: dict[str, Callable[[Scene], Awaitable[None]]] = {}


def scene(play: Callable[[Scene], Awaitable[None]]) -> Callable[[Scene], Awaitable[None]]:
    """Put a scene on the programme."""
    SCENES[play.__name__] = play
    return play


# -- the scenes ------------------------------------------------------------------------------


@scene
async def barge_in(scene: Scene) -> None:
    # The last pause: the question is left alone to the bit once the answer's echo is over.
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 2.4, WAKE, 1.0, OTHER, 1.0,
        answers=[LONG, SHORT], script={"server": {"pace": 2.0}},
    )  # fmt: skip
    await appliance.until_told("turn", 2, within_s=20.0)


@scene
async def follow_up(scene: Scene) -> None:
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 2.2, OTHER, 1.0, answers=[SHORT], follow_up_s=3
    )
    await appliance.until_told("turn", 1)
    scene.notes["before"] = scene.uplinked
    await asyncio.sleep(0.4)  # of the silence before the follow-up
    scene.notes["in silence"] = scene.uplinked
    await appliance.until_told("turn", 2)
    scene.notes["before the last silence"] = scene.uplinked
    await appliance.until_state(State.IDLE)


@scene
async def mute_while_listening(scene: Scene) -> None:
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 1.0, WAKE, 0.2, QUESTION, 1.5, WAKE, 0.2, OTHER, 1.0,
        answers=[SHORT],
    )  # fmt: skip
    room = appliance.room
    await appliance.until(lambda _: scene.uplinked > 300 * BYTES_PER_MS)
    await mute(scene, for_s=2.0)  # while the question goes on, and the whole of the next
    room.conductor.feed(inputs.MuteChanged(False))
    await appliance.until_told("said", within_s=20.0)
    await appliance.until_state(State.IDLE)


@scene
async def mute_while_speaking(scene: Scene) -> None:
    appliance = await scene.begin(WAKE, 0.2, QUESTION, 1.0, answers=[LONG])
    await appliance.until_state(State.SPEAKING)
    await asyncio.sleep(0.5)
    await mute(scene, for_s=1.2)


async def mute(scene: Scene, for_s: float) -> None:
    """Mute; note what should not move from then on, and where it is in the end."""
    room = scene.appliance.room
    room.conductor.feed(inputs.MuteChanged(True))
    await scene.appliance.until(lambda it: not it.room.capture.is_open, within_s=2.0)
    await asyncio.sleep(0.1)  # what was on its way over the loopback

    def moving() -> dict[str, Any]:
        return {
            "uplinked": scene.uplinked,
            "blocks": room.capture.health().blocks,
            "clock": room.capture.ring.end_sample,
            "listened": room.listening.counts.blocks,
        }

    scene.notes["muted"] = moving()
    scene.notes["remembered"] = room.capture.ring.end_sample - room.capture.ring.start_sample
    scene.notes["muted at"] = len(scene.room.played)
    scene.notes["is open"] = scene.room.microphone.is_open
    await asyncio.sleep(for_s)
    scene.notes["still muted"] = moving()
    scene.notes["state"] = scene.appliance.state
    scene.notes["unmuted at"] = len(scene.room.played)


@scene
async def stopped_while_speaking(scene: Scene) -> None:
    appliance = await scene.begin(WAKE, 0.2, QUESTION, 1.0, answers=[LONG])
    await appliance.until_state(State.SPEAKING)
    await stop(scene)


@scene
async def stopped_with_a_dead_link(scene: Scene) -> None:
    fault = {"kind": "black_hole", "at": "question", "after_ms": 400}
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 1.0, answers=[LONG], script={"faults": [fault]}
    )
    await appliance.until(lambda _: scene.cloud.visits and scene.cloud.visits[0].mishaps)
    await stop(scene)


async def stop(scene: Scene) -> None:
    begun_s = time.monotonic()
    await scene.appliance.stop()
    scene.notes["stopped within"] = time.monotonic() - begun_s
    scene.notes["left behind"] = scene.room.is_alive, scene.appliance.room.capture.is_open


@scene
async def timer(scene: Scene) -> None:
    call = {"items": [{"call": "set_timer", "arguments": {"seconds": 1}}]}
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 3.5, WAKE, 1.0,
        answers=[call, SHORT, SHORT], no_speech_timeout_s=1,
    )  # fmt: skip
    await appliance.until(lambda it: it.room.alarms.is_ringing)
    await appliance.until_told("wake", 2)
    await appliance.until(lambda it: not it.room.alarms.is_ringing)
    await appliance.until_told("no_speech")
    scene.notes["rang at the end"] = appliance.room.alarms.is_ringing


@scene
async def the_answer_breaks_off(scene: Scene) -> None:
    fault = {"kind": "drop", "at": "answer", "after_ms": 2_000, "connection": 1}
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 7.5, WAKE, 0.2, OTHER, 1.0,
        answers=[LONG], script={"faults": [fault], "server": {"pace": 4.0}},
    )  # fmt: skip
    await appliance.until_told("turn", 1, within_s=20.0)
    await appliance.until_state(State.SPEAKING)


@scene
async def the_session_expires_between_questions(scene: Scene) -> None:
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 3.5, WAKE, 0.2, OTHER, 1.0,
        answers=[SHORT], script={"server": {"session_s": 3.5}},
    )  # fmt: skip
    await appliance.until_told("turn", 2, within_s=20.0)


@scene
async def nobody_answers(scene: Scene) -> None:
    fault = {"kind": "status", "at": "upgrade", "status": 503, "connection": 1}
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 6.5, WAKE, 0.2, OTHER, 1.0,
        answers=[SHORT], script={"faults": [fault]}, endpoint={"retry_after_s": 600},
    )  # fmt: skip
    await appliance.until_told("turn", 2, within_s=25.0)


@scene
async def button(scene: Scene) -> None:
    appliance = await scene.begin(0.6, QUESTION, 2.0, OTHER, 1.0, answers=[LONG, SHORT])
    controls = Controls(asyncio.get_running_loop())
    controls.take(appliance.room, None)
    controls.act(Action.TALK)
    await appliance.until_state(State.SPEAKING)
    await asyncio.sleep(0.3)
    controls.act(Action.TALK)
    scene.notes["pressed at"] = len(scene.room.played)
    await appliance.until_told("turn", 2)
    controls.act(Action.TALK)
    await appliance.until_state(State.LISTENING)
    controls.act(Action.TALK)
    scene.notes["after a press while listening"] = appliance.state


@scene
async def the_device_decides(scene: Scene) -> None:
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 1.5, answers=[SHORT], endpoint={"turn_detection": "local"}
    )
    await appliance.until_told("turn")


@scene
async def semantic(scene: Scene) -> None:
    appliance = await scene.begin(
        WAKE, 0.2, QUESTION, 1.5, answers=[SHORT], endpoint={"turn_detection": "semantic_vad"}
    )
    await appliance.until_told("turn")


@pytest.fixture(scope="module")
def scenes(
    play_side_by_side, studio, settings_in, tmp_path_factory, appliance_class
) -> Callable[[str], Scene]:
    """Play all scenes; give them by name, or raise what went wrong in one."""

    async def play(name: str) -> Scene:
        folder: Path = tmp_path_factory.mktemp("scene")
        async with Scene(studio, settings_in(folder), appliance_class) as scene:
            await SCENES[name](scene)
        return scene

    played = play_side_by_side({name: partial(play, name) for name in SCENES}, AT_A_TIME)

    def get(name: str) -> Scene:
        scene = played[name]
        if isinstance(scene, BaseException):
            raise scene
        return scene

    return get


# -- what is to be seen in them --------------------------------------------------------------


def test_the_wake_word_silences_an_answer_and_the_new_question_is_answered(scenes, sounds) -> None:
    scene = scenes("barge_in")
    played, (visit,) = scene.room.played, scene.cloud.visits
    begun = loud_from(played, 0)
    word_ends = scene.span(5)[1]
    stopped = silent_from(played, begun)
    assert scene.span(5)[0] < stopped < word_ends + LATE_MS * PER_MS
    again = loud_from(played, stopped)
    assert again > scene.span(7)[1], "nothing more is heard of the first answer"

    (cancel,) = visit.of_type("response.cancel")
    (truncate,) = visit.of_type("conversation.item.truncate")
    first, _ = visit.of_type("response.created")
    assert cancel["response_id"] == first["response"]["id"]
    assert truncate["audio_end_ms"] == pytest.approx((stopped - begun) / PER_MS, abs=25)
    order = [it for it in visit.types_received() if it != "session.update"]
    assert order == ["response.cancel", "conversation.item.truncate"]
    assert not visit.of_type("error")

    interrupted, answer = scene.appliance.of("said")
    assert interrupted.fields["interrupted"]
    told = LONG["items"][0]["say"]
    assert told.startswith(interrupted.fields["text"])
    assert 0 < len(interrupted.fields["text"]) < len(told)
    assert answer.fields["text"] == "It is noon."
    assert sounds.times_in(scene.heard(7), visit.audio) == 1


def test_a_follow_up_needs_no_wake_word_and_silence_sends_nothing(scenes, sounds) -> None:
    scene = scenes("follow_up")
    turns = scene.appliance.of("turn")
    assert [it.fields["trigger"] for it in turns] == ["wake_word", "follow_up"]
    assert len(scene.appliance.of("said")) == 2
    (visit,) = scene.cloud.visits
    assert sounds.times_in(scene.heard(5), visit.audio) == 1
    assert scene.notes["in silence"] == scene.notes["before"]
    assert scene.uplinked == scene.notes["before the last silence"]


@pytest.mark.parametrize("name", ["mute_while_listening", "mute_while_speaking"])
def test_a_muted_appliance_hears_nothing_keeps_nothing_and_sends_nothing(scenes, name) -> None:
    notes = scenes(name).notes
    assert notes["state"] is State.MUTED
    assert not notes["is open"], "the stream is closed, not ignored"
    assert notes["still muted"] == notes["muted"]
    assert notes["remembered"] == 0


def test_mute_ends_the_answer(scenes) -> None:
    scene = scenes("mute_while_speaking")
    chime = 400 * PER_MS  # "muted", and the way to the speaker
    muted = slice(scene.notes["muted at"] + chime, scene.notes["unmuted at"])
    assert len(scene.room.played[muted]) > 400 * PER_MS
    assert not scene.room.played[muted].any()


def test_after_unmuting_questions_are_answered_again(scenes, sounds) -> None:
    scene = scenes("mute_while_listening")
    (answered,) = scene.appliance.of("said")
    assert answered.fields["text"] == "It is noon."
    everything = b"".join(visit.audio for visit in scene.cloud.visits)
    assert sounds.times_in(scene.heard(11), everything) == 1
    assert sounds.times_in(scene.take.part(7), everything) == 0, "asked while it was muted"


@pytest.mark.parametrize("name", ["stopped_while_speaking", "stopped_with_a_dead_link"])
def test_it_stops_within_two_seconds_in_the_middle_of_anything(scenes, name: str) -> None:
    notes = scenes(name).notes
    assert notes["stopped within"] < 1.9
    assert notes["left behind"] == (False, False)


def test_a_timer_set_by_voice_rings_until_the_wake_word(scenes) -> None:
    scene = scenes("timer")
    (tool,) = scene.appliance.of("tool")
    assert tool.fields["name"] == "set_timer"
    assert '"is_kept":true' in str(tool.fields["result"]).replace(" ", "")
    (visit,) = scene.cloud.visits
    sent = visit.types_received()
    at = sent.index("conversation.item.create")
    assert sent[at : at + 2] == ["conversation.item.create", "response.create"]
    assert sent.count("response.create") == 1

    answer_ends = silent_from(scene.room.played, loud_from(scene.room.played, 0))
    rings = loud_from(scene.room.played, answer_ends)
    assert rings < scene.span(5)[0], "before the wake word"
    assert not scene.notes["rang at the end"]
    word_ends = scene.span(5)[1]
    assert not scene.room.played[word_ends + LATE_MS * PER_MS :].any(), "not even the tone's rest"


def test_an_answer_that_breaks_off_is_played_as_far_as_it_came_and_said_to_be_cut(scenes) -> None:
    scene = scenes("the_answer_breaks_off")
    begun = loud_from(scene.room.played, 0)
    heard_ms = (silent_from(scene.room.played, begun) - begun) / PER_MS
    assert heard_ms == pytest.approx(2_000, abs=5)
    assert [it.fields["name"] for it in scene.appliance.of("notice")] == ["answer_cut"]
    assert len(scene.cloud.visits) == 2, "and the next question is answered"


def test_a_session_that_expires_between_questions_is_nobodys_business(scenes, sounds) -> None:
    scene = scenes("the_session_expires_between_questions")
    assert len(scene.appliance.of("said")) == 2
    assert not scene.appliance.of("notice")
    first, second = scene.cloud.visits
    assert sounds.times_in(scene.heard(3), first.audio) == 1
    assert sounds.times_in(scene.heard(7), second.audio) == 1
    assert sounds.times_in(scene.heard(3), second.audio) == 0


def test_when_nobody_answers_it_is_said_and_the_next_question_is_tried(scenes) -> None:
    scene = scenes("nobody_answers")
    (unanswered,) = scene.appliance.of("unanswered")
    assert unanswered.fields["tried"] == ["cloud"]
    assert [it.fields["name"] for it in scene.appliance.of("notice")] == ["no_answer_trouble"]
    assert [it.turn for it in scene.appliance.of("said")] == [2]
    assert any(it.fault == "no_answer" for it in scene.appliance.shows)
    assert scene.appliance.shows[-1].fault == ""


def test_the_button_wakes_interrupts_and_lets_go(scenes, sounds) -> None:
    scene = scenes("button")
    turns = scene.appliance.of("turn")
    assert [it.fields["trigger"] for it in turns[:2]] == ["button", "button"]
    (visit,) = scene.cloud.visits
    assert sounds.times_in(scene.heard(2), visit.audio) == 1
    pressed = scene.notes["pressed at"]
    assert silent_from(scene.room.played, pressed) <= pressed + 60 * PER_MS
    assert sounds.times_in(scene.heard(4), visit.audio) == 1
    assert scene.notes["after a press while listening"] is State.IDLE


def test_where_the_device_decides_it_commits_and_asks(scenes, sounds) -> None:
    scene = scenes("the_device_decides")
    (visit,) = scene.cloud.visits
    assert visit.of_type("session.update")[0]["session"]["audio"]["input"]["turn_detection"] is None
    assert visit.types_received()[-2:] == ["input_audio_buffer.commit", "response.create"]
    assert len(scene.appliance.of("said")) == 1
    ends = scene.span(3)[1]
    assert (
        sounds.times_in(scene.room.heard[scene.span(3)[0] : ends - 60 * PER_MS], visit.audio) == 1
    )
    # From the end of the wake word until the device is sure that it was the last word.
    assert visit.audio_ms < (ends - scene.span(1)[1]) / PER_MS + 1_000


def test_semantic_detection_is_asked_for_and_answered(scenes, sounds) -> None:
    scene = scenes("semantic")
    (visit,) = scene.cloud.visits
    asked = visit.of_type("session.update")[0]["session"]["audio"]["input"]["turn_detection"]
    assert asked["type"] == "semantic_vad"
    assert sounds.times_in(scene.heard(3), visit.audio) == 1
    assert len(scene.appliance.of("said")) == 1

"""The mouth on a speaker that is turned by hand: what is heard, when, and who is told."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hand_devices import HandSpeaker

from device.assistant import inputs
from device.assistant.items import ItemKey
from device.assistant.states import State
from device.audio.playback import Playback
from device.audio.samples import Samples
from device.room.focus import DUCKED_DB, Channel, Refusal
from device.room.mouth import Mouth

SECOND = 24_000
ALARM, ANSWER, NOTICE, WARNING, SAID, MORE = 1_000, 2_000, 3_000, 4_000, 5_000, 6_000
"""Sounds as constant levels, so that what is heard names itself."""
FADE = [ANSWER]
"""What is stopped falls silent within 4 ms: its first sample is heard once more."""


def sound(level: int, length_s: float = 1.0) -> Samples:
    return np.full(round(length_s * SECOND), level, np.int16)


class Sounds:
    def chime(self, name: str) -> Samples:
        return sound(7, 0.01)

    def notice(self, name: str) -> tuple[str, Samples]:
        return name, sound(NOTICE)


class Music:
    def __init__(self) -> None:
        self.gains_db: list[float] = []

    def duck(self, gain_db: float) -> None:
        self.gains_db.append(gain_db)


class Stage:
    """A mouth, its speaker, and what the core was told."""

    def __init__(self) -> None:
        self.speaker = HandSpeaker(SECOND)
        self.told: list[inputs.Input] = []
        self.is_quiet = False
        playback = Playback(self.speaker, cushion_s=0.0)
        self.mouth = Mouth(
            playback, Sounds(), feed=self.told.append, is_quiet=lambda: self.is_quiet
        )
        playback.open()

    async def hear(self, length_s: float) -> list[int]:
        """The levels that are heard in so many seconds, in order, without repetition."""
        blocks = []
        for _ in range(round(length_s * 50)):
            blocks.append(self.speaker.pull(SECOND // 50))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        played = np.concatenate(blocks)
        changes = np.flatnonzero(np.diff(played)) + 1
        levels = [int(played[0]), *map(int, played[changes])]
        known = {ALARM, ANSWER, NOTICE, WARNING, SAID, MORE}
        return [level for level in levels if level in known]

    def of(self, kind: type) -> list[inputs.Input]:
        return [it for it in self.told if isinstance(it, kind)]


@pytest.fixture
async def stage() -> Stage:
    return Stage()


ITEM, NEXT = ItemKey("item_1"), ItemKey("item_2")


async def test_what_is_urgent_goes_before_what_waits_and_cuts_nothing_that_has_begun(stage) -> None:
    stage.mouth.follow(State.SPEAKING)
    stage.mouth.feed_answer(ITEM, sound(ANSWER))
    stage.mouth.finish_answer(ITEM)
    assert await stage.hear(0.5) == [ANSWER]
    stage.mouth.feed_answer(NEXT, sound(MORE))
    stage.mouth.finish_answer(NEXT)
    stage.mouth.say(Channel.NOTICE, "notice", sound(NOTICE))
    stage.mouth.say(Channel.ALARM, "eggs", sound(ALARM))
    assert await stage.hear(4.0) == [ANSWER, ALARM, MORE, NOTICE]
    assert stage.of(inputs.SpeakerBusy) == [inputs.SpeakerBusy(1.0)]
    assert len(stage.of(inputs.SpeakerFree)) == 1
    finished = [it.item for it in stage.of(inputs.PlaybackFinished)]
    assert finished == [ITEM, NEXT]


async def test_stopping_the_conversation_leaves_what_rings_and_counts_what_was_heard(stage) -> None:
    stage.mouth.follow(State.SPEAKING)
    stage.mouth.feed_answer(ITEM, sound(ANSWER, 2.0))
    await stage.hear(0.5)
    stage.mouth.say(Channel.ALARM, "eggs", sound(ALARM))
    assert stage.mouth.stop_conversation() == {ITEM: 500}
    assert await stage.hear(2.0) == [*FADE, ALARM]


async def test_a_warning_ends_the_answer_by_way_of_the_core_and_is_heard_at_once(stage) -> None:
    stage.mouth.follow(State.SPEAKING)
    stage.mouth.feed_answer(ITEM, sound(ANSWER, 5.0))
    await stage.hear(0.2)
    stage.mouth.say(Channel.WARNING, "reset", sound(WARNING))
    assert stage.told[-2:] == [inputs.StopRequested(), inputs.SpeakerBusy(1.0)]
    stage.mouth.stop_conversation()  # as the core has it done
    assert await stage.hear(1.5) == [*FADE, WARNING]


async def test_muted_refuses_an_announcement_and_rings(stage) -> None:
    stage.mouth.follow(State.MUTED)
    assert stage.mouth.say(Channel.ANNOUNCEMENT, "dinner", sound(SAID)) is Refusal.MUTED
    assert stage.mouth.say(Channel.ALARM, "eggs", sound(ALARM)) is None
    assert await stage.hear(2.0) == [ALARM]


async def test_quiet_hours_are_asked_for_at_the_moment_itself(stage) -> None:
    stage.is_quiet = True
    assert stage.mouth.say(Channel.ANNOUNCEMENT, "1", sound(SAID)) is Refusal.QUIET_HOURS
    stage.is_quiet = False
    assert stage.mouth.say(Channel.ANNOUNCEMENT, "2", sound(SAID)) is None


async def test_a_notice_that_is_refused_counts_as_over_for_the_core(stage) -> None:
    stage.mouth.follow(State.MUTED)
    stage.mouth.say(Channel.NOTICE, ITEM, sound(NOTICE))
    assert [it.item for it in stage.of(inputs.PlaybackFinished)] == [ITEM]
    assert await stage.hear(1.0) == []


async def test_an_answer_that_is_refused_is_not_heard_and_ends(stage) -> None:
    stage.mouth.follow(State.MUTED)
    stage.mouth.feed_answer(ITEM, sound(ANSWER))
    stage.mouth.feed_answer(ITEM, sound(ANSWER))
    stage.mouth.finish_answer(ITEM)
    assert await stage.hear(1.0) == []
    assert [it.item for it in stage.of(inputs.PlaybackFinished)] == [ITEM]


async def test_a_conversation_that_begins_ends_an_announcement(stage) -> None:
    stage.mouth.say(Channel.ANNOUNCEMENT, "dinner", sound(SAID, 5.0))
    assert await stage.hear(0.5) == [SAID]
    stage.mouth.follow(State.CONNECTING)
    await stage.hear(0.1)
    assert await stage.hear(1.0) == []
    assert stage.mouth.sounding == ()


async def test_whoever_waits_for_the_end_is_told_or_gives_up(stage) -> None:
    stage.mouth.say(Channel.TROUBLE, "why", sound(SAID, 0.5))
    assert not await stage.mouth.said("why", 0.01)
    waiting = asyncio.create_task(stage.mouth.said("why", 5.0))
    await stage.hear(1.0)
    assert await waiting
    assert await stage.mouth.said("never said", 0.01)


async def test_music_is_ducked_by_all_that_is_heard(stage) -> None:
    music = Music()
    stage.mouth.backgrounds.append(music)
    stage.mouth.chime("wake")
    stage.mouth.say(Channel.ALARM, "eggs", sound(ALARM))
    assert music.gains_db == [DUCKED_DB]


async def test_every_sound_but_a_chime_passes_the_one_place_where_loudness_is_made() -> None:
    class Halved:
        def sentence(self, pcm24k: Samples) -> Samples:
            return pcm24k // 2

        def tone(self, pcm24k: Samples) -> Samples:
            return pcm24k // 8

        def piece(self, item: object, pcm24k: Samples) -> Samples:
            assert item == ITEM
            return pcm24k // 4

    speaker = HandSpeaker(SECOND)
    playback = Playback(speaker, cushion_s=0.0)
    mouth = Mouth(playback, Sounds(), level=Halved())
    playback.open()
    mouth.say(Channel.ALARM, "eggs", sound(ALARM))
    mouth.feed_answer(ITEM, sound(ANSWER))
    speaker.pull(SECOND)
    assert set(speaker.played) == {ALARM // 2}
    mouth.finish_answer(ITEM)
    assert set(speaker.pull(SECOND)) == {ANSWER // 4}
    speaker.pull(SECOND)
    mouth.tone(sound(ALARM))
    assert set(speaker.pull(SECOND // 2)) == {ALARM // 8}


def loudest_of(speaker: HandSpeaker, samples: int) -> int:
    return int(np.abs(speaker.pull(samples)).max())


async def test_nights_have_a_ceiling_and_what_rings_goes_over_it() -> None:
    hour = {"is_quiet": False}
    speaker = HandSpeaker(SECOND)
    playback = Playback(speaker, cushion_s=0.0)
    mouth = Mouth(playback, Sounds(), is_quiet=lambda: hour["is_quiet"], ceiling_percent=50)
    playback.open()
    mouth.feed_answer(ITEM, sound(ANSWER, 0.5))
    mouth.finish_answer(ITEM)
    assert loudest_of(speaker, SECOND) == ANSWER
    hour["is_quiet"] = True
    late = ItemKey("item_3")
    mouth.feed_answer(late, sound(ANSWER, 0.5))
    mouth.finish_answer(late)
    speaker.pull(600)  # a change of volume takes 20 ms
    assert loudest_of(speaker, SECOND) == ANSWER // 10, "50 % is 20 dB less"
    await asyncio.sleep(0)
    mouth.say(Channel.ALARM, "eggs", sound(ALARM, 0.5))
    speaker.pull(600)
    assert loudest_of(speaker, SECOND) == ALARM
    assert mouth.volume_percent == 100, "what was chosen stays chosen"


async def test_a_volume_of_silence_does_not_silence_what_rings() -> None:
    speaker = HandSpeaker(SECOND)
    playback = Playback(speaker, cushion_s=0.0)
    mouth = Mouth(playback, Sounds())
    playback.open()
    mouth.volume_percent = 0
    mouth.feed_answer(ITEM, sound(ANSWER, 0.5))
    mouth.finish_answer(ITEM)
    speaker.pull(600)  # a change of volume takes 20 ms
    assert loudest_of(speaker, SECOND) == 0
    await asyncio.sleep(0)
    mouth.say(Channel.ALARM, "eggs", sound(ALARM, 0.5))
    speaker.pull(600)
    assert loudest_of(speaker, SECOND) == pytest.approx(ALARM * 10 ** (-24 / 20), abs=1)
    assert mouth.volume_percent == 0, "what was chosen stays chosen"


async def test_whoever_keeps_the_volume_is_told_of_a_choice_and_not_of_the_night() -> None:
    kept: list[float] = []
    playback = Playback(HandSpeaker(SECOND), cushion_s=0.0)
    mouth = Mouth(
        playback,
        Sounds(),
        is_quiet=lambda: True,
        ceiling_percent=20,
        keep_volume=kept.append,
    )
    mouth.volume_percent = 60
    assert (kept, mouth.volume_percent, playback.volume_percent) == ([60], 60, 20)
    with pytest.raises(ValueError):
        mouth.volume_percent = 101
    assert kept == [60]

"""What nobody was there to hear is told to who comes, by voice and by light."""

from __future__ import annotations

import dataclasses
import datetime as dt
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from device.assistant import inputs
from device.audio.files import FileMicrophone, FileSpeaker
from device.audio.samples import Samples
from device.phrases.en import ENGLISH
from device.room.focus import Channel
from device.tools.alarms import records
from device.tools.alarms.decisions import Put
from device.tools.alarms.entries import Entry, Kind, Occasion, Ringing, RingingPhase, Why, stamp
from device.tools.database import CANNOT_SAVE, LOST_SOME, Database
from device.tools.moments import SystemClock

ANSWER = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}


class Spoken:
    """A voice, and what it was to say; a sentence takes a tenth of a second."""

    def __init__(self, appliance) -> None:
        self.sentences: list[str] = []
        self.lit: list[bool] = []
        room = appliance.room
        room.untold._attend = self.lit.append
        room.untold._speak = room.alarms._speak = self.speak

    async def speak(self, text: str) -> Samples:
        self.sentences.append(text)
        return np.full(2_400, 1_000, np.int16)


def keep_a_missed_alarm(path: Path) -> None:
    now = SystemClock().now()
    # Yesterday: what is still ahead today is taken back as not missed at all.
    when = Occasion(dt.time(6, 30), now.local.date() - dt.timedelta(days=1))
    entry = Entry(1, Kind.ALARM, "school", when, now.wall_s)
    missed = Ringing(1, entry, now.wall_s - 3_600, RingingPhase.MISSED, stamp(now), why=Why.OFF)
    with closing(Database.open(path)) as database:
        records.commit(database, [Put(missed)])


async def test_a_missed_alarm_is_said_after_the_next_answer_and_then_no_more(
    settings, cloud_of, appliance_of, studio, tmp_path: Path
) -> None:
    keep_a_missed_alarm(tmp_path / "house.sqlite3")
    cloud = await cloud_of(ANSWER)
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    appliance = await appliance_of(loaded, studio.take(0.5))
    room, voice = appliance.room, Spoken(appliance)
    room.untold.look()
    assert voice.lit[-1] is True
    assert voice.sentences == []
    room.conductor.feed(inputs.Asked("what time is it"))
    await appliance.until_told("turn", within_s=30.0)
    assert room.untold._telling is not None
    await room.untold._telling
    assert [sentence.split(" ", 5)[:5] for sentence in voice.sentences] == [
        ["You", "missed", "your", "alarm", "for"]
    ]
    assert "I was switched off" in voice.sentences[0]
    assert voice.lit[-1] is False
    assert appliance.house.services.ringer.missed == ()
    room.untold.somebody_is_there()
    assert len(voice.sentences) == 1


async def test_muted_it_is_kept_for_later(
    settings, cloud_of, appliance_of, studio, tmp_path: Path
) -> None:
    keep_a_missed_alarm(tmp_path / "house.sqlite3")
    cloud = await cloud_of(ANSWER)
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    appliance = await appliance_of(loaded, studio.take(0.5))
    room, voice = appliance.room, Spoken(appliance)
    room.conductor.feed(inputs.MuteChanged(True))
    room.untold.somebody_is_there()
    await room.untold._telling
    assert len(appliance.house.services.ringer.missed) == 1
    assert voice.lit[-1] is True


@pytest.mark.parametrize("content", [b"", b"rubbish" * 1_000])
async def test_a_damaged_store_is_told_at_once(
    settings, cloud_of, appliance_class, studio, tmp_path: Path, content: bytes, monkeypatch
) -> None:
    (tmp_path / "house.sqlite3").write_bytes(content)
    cloud = await cloud_of(ANSWER)
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    said: list[tuple[Channel, str]] = []

    async def say(alarms, channel, key, sentence, is_wanted) -> None:
        said.append((channel, sentence))

    monkeypatch.setattr("device.room.alarms.Alarms._say", say)
    sound = FileMicrophone(studio.take(0.5).path), FileSpeaker(tmp_path / "answer.wav")
    async with appliance_class(loaded, *sound) as appliance:
        lit: list[bool] = []
        appliance.room.untold._attend = lit.append
        appliance.room.untold.look()
        assert lit == [True]
        kept = await appliance.house.services.ringer.set_countdown(Kind.TIMER, "", 600)
        assert LOST_SOME in kept.caveat
        assert said == [(Channel.TROUBLE, ENGLISH.say(LOST_SOME))]


async def test_a_state_folder_that_cannot_be_made_is_told_and_the_rest_works(
    settings, cloud_of, appliance_class, studio, tmp_path: Path, monkeypatch, caplog
) -> None:
    (tmp_path / "blocked").write_text("")
    cloud = await cloud_of(ANSWER)
    loaded = settings.load(settings.endpoint("cloud", cloud.url))
    paths = dataclasses.replace(loaded.settings.paths, state=str(tmp_path / "blocked" / "state"))
    own = dataclasses.replace(loaded.settings, paths=paths)
    loaded = dataclasses.replace(loaded, settings=own)
    said: list[str] = []

    async def say(alarms, channel, key, sentence, is_wanted) -> None:
        said.append(sentence)

    monkeypatch.setattr("device.room.alarms.Alarms._say", say)
    sound = FileMicrophone(studio.take(0.5).path), FileSpeaker(tmp_path / "answer.wav")
    async with appliance_class(loaded, *sound) as appliance:
        kept = await appliance.house.services.ringer.set_countdown(Kind.TIMER, "tea", 600)
        assert not kept.is_kept
        appliance.room.conductor.feed(inputs.Asked("what time is it"))
        await appliance.until_told("said", within_s=30.0)
    assert said == [ENGLISH.say(CANNOT_SAVE)]
    assert "the state folder" in caplog.text
    assert "Traceback" not in caplog.text

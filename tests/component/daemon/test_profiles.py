"""Two words, two clouds: each question goes where its word says, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

ANSWERS = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}
QUESTIONS = ("What time is it?", "Where are my keys?")
PROFILE = """
[[profile]]
name = "school"
words = ["Hey_Mycroft"]
threshold = 0.8
endpoints = ["second"]
voice = "cedar"
instructions = "Explain."
"""


@pytest.fixture
def take(studio: Any) -> Any:
    first, second = QUESTIONS
    return studio.take(0.4, "Hey Jarvis", 0.2, first, 3.0, "Hey Mycroft", 0.2, second, 1.5)


async def test_each_word_is_answered_by_its_own_cloud(
    take: Any, settings: Any, appliance_of: Any, sounds: Any
) -> None:
    async with Cloud(script_from(ANSWERS)) as first, Cloud(script_from(ANSWERS)) as second:
        loaded = settings.load(
            settings.endpoint("first", first.url),
            settings.endpoint("second", second.url),
            more=PROFILE,
        )
        appliance = await appliance_of(loaded, take)
        await appliance.until_told("turn", 2, within_s=30.0)
    assert [it.fields["word"] for it in appliance.of("wake")] == ["hey jarvis", "hey mycroft"]
    assert [it.fields["endpoint"] for it in appliance.of("said")] == ["first", "second"]
    for cloud, number in ((first, 3), (second, 7)):
        (visit,) = cloud.visits
        question, other = take.part(number), take.part(10 - number)
        middle = slice(len(question) // 4, len(question) // 2)
        assert sounds.times_in(question[middle], visit.audio) == 1
        assert sounds.times_in(other[len(other) // 4 : len(other) // 2], visit.audio) == 0


async def test_a_profile_has_its_own_voice_and_instructions(
    take: Any, settings: Any, appliance_of: Any
) -> None:
    async with Cloud(script_from(ANSWERS)) as cloud:
        loaded = settings.load(
            settings.endpoint("second", cloud.url), more=PROFILE, instructions="Be brief."
        )
        appliance = await appliance_of(loaded, take)
        await appliance.until_told("turn", 2, within_s=30.0)
    usual, school = (visit.of_type("session.update")[0]["session"] for visit in cloud.visits)
    assert "Be brief." in usual["instructions"]
    assert "Explain." in school["instructions"]
    assert "Be brief." not in school["instructions"]
    assert school["audio"]["output"]["voice"] == "cedar"
    assert usual["audio"]["output"]["voice"] == "marin"

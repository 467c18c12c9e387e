"""Who answers instead is said once an outage, and the first choice is taken up again."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from device.audio.files import FileMicrophone, FileSpeaker
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

BETWEEN_S = 6.0
"""An answer and a notice fit between two questions."""
ANSWERS = {"answers": [{"items": [{"say": "It is noon.", "audio_ms": 300}]}]}
REST_S = 12.4
"""How long the first endpoint is left alone, a quarter more or less: the second question comes
before that is over (after some 8 s), the third after it (16 s)."""


@dataclass(frozen=True)
class Outage:
    """How the cloud fails, in which of its connections, and what is said about it."""

    faults: list[dict[str, Any]]
    notice: str
    answerers: list[str]
    notices: int = 1


OUTAGES = {
    "the network comes and goes": Outage(
        [{"kind": "reset", "at": "upgrade", "connection": number} for number in (1, 3)],
        "local_closed",
        ["brain", "brain", "cloud", "brain"],
        notices=2,
    ),
    "the key is refused": Outage(
        [{"kind": "status", "at": "upgrade", "status": 401}], "key_refused", ["brain"] * 3
    ),
    "the credit is used up": Outage(
        [{"kind": "fail", "at": "answer", "error_code": "insufficient_quota"}],
        "quota",
        ["brain"] * 2,
    ),
}


@pytest.fixture(scope="module")
def runs(
    request, chosen, play_side_by_side, studio, settings_in, tmp_path_factory, appliance_class
):
    """Ask question after question through each outage, side by side."""

    async def play(outage: Outage) -> Any:
        folder = tmp_path_factory.mktemp("outage")
        questions: list[str | float] = [0.4]
        for _ in outage.answerers:
            questions += ["Hey Jarvis", 0.2, "What time is it?", BETWEEN_S]
        take = studio.take(*questions[:-1], 1.0)
        async with AsyncExitStack() as stack:
            cloud = await stack.enter_async_context(
                Cloud(script_from({**ANSWERS, "faults": outage.faults}))
            )
            # A cloud in the place of the brain: what is behind that socket is not our matter.
            await stack.enter_async_context(
                Cloud(script_from(ANSWERS), unix_path=folder / "brain.sock")
            )
            settings = settings_in(folder)
            loaded = settings.load(
                settings.endpoint("cloud", cloud.url, retry_after_s=REST_S),
                brain=True,
                link_idle_s=0,
            )
            sounds = FileMicrophone(take.path), FileSpeaker(folder / "answer.wav")
            appliance = await stack.enter_async_context(appliance_class(loaded, *sounds))
            await appliance.until_told("turn", len(outage.answerers), within_s=60.0)
            await appliance.until(lambda it: it.room.conductor.core.status.turn is None)
        return appliance

    plays = {name: partial(play, OUTAGES[name]) for name in chosen(request, "name")}
    played = play_side_by_side(plays, len(plays))

    def get(name: str) -> Any:
        if isinstance(run := played[name], BaseException):
            raise run
        return run

    return get


@pytest.mark.parametrize("name", OUTAGES)
def test_it_is_said_once_and_not_again_with_the_next_question(name: str, runs) -> None:
    outage, appliance = OUTAGES[name], runs(name)
    assert [it.fields["endpoint"] for it in appliance.of("said")] == outage.answerers
    notices = appliance.of("notice")
    assert [it.fields["name"] for it in notices] == [outage.notice] * outage.notices
    assert notices[0].turn == 1


@pytest.mark.parametrize("name", OUTAGES)
def test_the_light_tells_it_all_the_time(name: str, runs) -> None:
    outage, appliance = OUTAGES[name], runs(name)
    answering = [it.is_local for it in appliance.shows if it.state == "speaking"]
    assert answering == [it == "brain" for it in outage.answerers]

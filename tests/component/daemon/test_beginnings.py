"""How a question begins: in one breath with the wake word, after a pause, into the chime.

In a virtual room, where the chime comes back into the microphone. Whatever the pause, the
endpoint gets each sample of the question once and hears one turn. All cases are played
side by side, once, before the first test looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from device.audio.chimes import chime
from device.audio.resample import resample
from device.audio.samples import Samples
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.room import AcousticEcho, SimulatedRoom
from device.workshop.simulation.script import script_from

pytestmark = pytest.mark.timeout(600)  # the first one waits for all

WIRE_HZ = 24_000
AT_A_TIME = 5
STARVED_S = 0.1
"""Who begins to speak 0.1 s after the chime was decided on needs ears that are not late."""
ECHO = AcousticEcho(delay_s=0.03, gain_db=-20.0)
ANSWER = {"items": [{"say": "It is noon.", "audio_ms": 400}]}
CHIMED_AFTER_S = 0.5
"""Who has said nothing this long after the wake word surely hears the chime."""
CHIMED_WITHIN_S = 1.2
"""And this long after it the chime has begun, on whatever machine this runs."""


@dataclass(frozen=True)
class Case:
    """How the two questions of a run begin."""

    pause_s: float
    has_chime: bool
    rate_hz: int = WIRE_HZ
    """Of the sound card; at the wire's nothing is converted, and sounds compare to the bit."""


CASES = {
    "one breath": Case(0.0, has_chime=False),
    "one breath, chime": Case(0.0, has_chime=True),
    "short breath, chime": Case(0.15, has_chime=True),
    "into the chime": Case(0.6, has_chime=True),
    "after a pause": Case(1.0, has_chime=False),
    "after the chime": Case(1.0, has_chime=True),
    "one breath, at 48 kHz": Case(0.0, has_chime=True, rate_hz=48_000),
}


@dataclass(frozen=True)
class Run:
    """Two questions: the first to a link that is still to be opened, the second to an open one."""

    room: SimulatedRoom
    visit: Any
    word_ends: list[int]
    questions: list[tuple[int, int]]
    """Places in the room."""

    def question(self, number: int) -> Samples:
        """As it sounded at the microphone."""
        begin, end = self.questions[number]
        return self.room.heard[begin:end]

    @property
    def chimes(self) -> list[int]:
        """Where the wake chime was played."""
        ring = chime("wake")[200:2_000].tobytes()
        played, found, at = self.room.played.tobytes(), [], 0
        while (at := played.find(ring, at)) >= 0:
            found.append(at // 2 - 200)
            at += 2
        return found


@pytest.fixture(scope="module")
def runs(
    request, chosen, play_side_by_side, studio, settings_in, tmp_path_factory, appliance_class
) -> Any:
    async def play(case: Case) -> Run:
        parts = ["Hey Jarvis", case.pause_s, "What time is it?"]
        take = studio.take(0.4, *parts, 2.4, *parts, 0.5)
        room = SimulatedRoom(take.path, ECHO, rate_hz=case.rate_hz)
        settings = settings_in(tmp_path_factory.mktemp("beginning"))
        async with Cloud(script_from({"answers": [ANSWER]})) as cloud:
            loaded = settings.load(settings.endpoint("cloud", cloud.url), chime=case.has_chime)
            async with appliance_class(loaded, room.microphone, room.speaker) as appliance:
                await appliance.until_told("turn", 2)
        per_sample = case.rate_hz // WIRE_HZ
        begins = [room.person_at(it * per_sample) for it in (*take.begins, len(take.sound))]
        (visit,) = cloud.visits
        spans = [(begins[3], begins[4]), (begins[7], begins[8])]
        return Run(room, visit, [begins[2], begins[6]], spans)

    plays = {name: partial(play, CASES[name]) for name in chosen(request, "name")}
    played = play_side_by_side(plays, AT_A_TIME, starved_s=STARVED_S)

    def get(name: str) -> Run:
        if isinstance(run := played[name], BaseException):
            raise run
        return run

    return get


to_the_bit = pytest.mark.parametrize("name", [it for it in CASES if CASES[it].rate_hz == WIRE_HZ])


@to_the_bit
def test_each_sample_of_the_question_arrives_once(name: str, runs, sounds) -> None:
    run = runs(name)
    arrived = [sounds.times_in(run.question(number), run.visit.audio) for number in (0, 1)]
    assert arrived == [1, 1]


@pytest.mark.parametrize("name", CASES)
def test_the_wake_word_is_no_turn_of_its_own(name: str, runs) -> None:
    assert len(runs(name).visit.of_type("input_audio_buffer.speech_started")) == 2


@to_the_bit
def test_only_who_pauses_is_chimed_at(name: str, runs) -> None:
    case, run = CASES[name], runs(name)
    expected = 2 if case.has_chime and case.pause_s > CHIMED_AFTER_S else 0
    assert len(run.chimes) == expected
    for at, word_end in zip(run.chimes, run.word_ends, strict=False):
        assert 0 < at - word_end < CHIMED_WITHIN_S * WIRE_HZ


@pytest.mark.parametrize("name", ["after the chime"])
def test_the_chime_is_not_sent(name: str, runs, sounds) -> None:
    run = runs(name)
    delay = round(ECHO.delay_s * WIRE_HZ)
    for at in run.chimes:
        echo = run.room.heard[at + delay : at + delay + WIRE_HZ // 10]
        assert np.abs(echo).max() > 300, "it is in the air"
        assert sounds.times_in(echo, run.visit.audio) == 0
        # Not even a hundredth of a second of it.
        pieces = [echo[here : here + 240] for here in range(0, len(echo) - 240, 240)]
        assert not any(sounds.times_in(piece, run.visit.audio) for piece in pieces)


@pytest.mark.parametrize("name", ["one breath, at 48 kHz"])
def test_the_question_arrives_whole_from_a_card_with_a_rate_of_its_own(name: str, runs) -> None:
    run = runs(name)
    uplink = np.frombuffer(run.visit.audio, dtype="<i2").astype(np.float64)
    for number in (0, 1):
        question = resample(run.question(number), 48_000, WIRE_HZ).astype(np.float64)
        likeness = likeness_at_every_place(question, uplink)
        assert np.count_nonzero(likeness > 0.5) < 40, "it is there once"
        assert likeness.max() > 0.99


def likeness_at_every_place(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Normalized cross-correlation, by way of the spectrum."""
    size = 1 << (len(part) + len(whole)).bit_length()
    spectrum = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    products = np.fft.irfft(spectrum, size)[: len(whole) - len(part)]
    energy = np.concatenate(([0.0], np.cumsum(whole**2)))
    norms = np.sqrt((energy[len(part) :] - energy[: -len(part)])[: len(products)] * (part @ part))
    return products / np.maximum(norms, 1.0)

"""The ears in the virtual room, with the real models: a person, the appliance's own voice."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from device.audio.echo.eraser import RingEraser
from device.audio.echo.guard import EchoGuard
from device.audio.echo.monitor import Quality
from device.audio.echo.reference import Reference
from device.audio.echo.speexdsp import LIBRARY, MissingCancellerError, SpeexCanceller
from device.audio.resample import resample
from device.audio.ring import Ring
from device.audio.samples import Samples, silence
from device.audio.sounds import brain_voice
from device.ears.heard import EchoChanged, ListeningEvent, SpeechStarted, WakeWordHeard
from device.ears.listener import VadSettings, build_listener
from device.ears.opening import own_voice
from device.wake.card import SHIPPED, cards
from device.wake.open import WakeSettings
from device.workshop.simulation.acoustics import AcousticEcho, Shoebox

RATE_HZ = 16_000
SPEAKER_HZ = 24_000
WAKE = WakeSettings(words=("hey jarvis",))
LIVING_ROOM = Shoebox((5.0, 4.0, 2.6), (2.0, 1.5, 0.8), (2.12, 1.55, 0.83), 0.35)
ANSWER = (
    "The weather tomorrow will be mostly sunny, with a high of twenty one degrees. "
    "In the evening there may be some rain near the coast. Your train leaves at seven "
    "fifteen from platform six, and arrives just before eight in the morning. "
)
OWN = ANSWER + "To wake the other speaker, say hey Jarvis, and then your question. Hey Jarvis!"

try:
    ctypes.CDLL(LIBRARY)
except OSError:
    pytest.skip(f"{LIBRARY} is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def voice():
    return brain_voice()


@pytest.fixture(scope="module")
def answer(voice) -> Samples:
    return voice(ANSWER)


def by_a_person(sound: Samples) -> Samples:
    """The same at 16 kHz, at another pitch and pace, without the silence around it."""
    sound = resample(sound, round(SPEAKER_HZ * 0.94), RATE_HZ)
    loud = np.nonzero(np.abs(sound.astype(np.int32)) > 150)[0]
    return sound[loud[0] : loud[-1]]


@pytest.fixture(scope="module")
def wake_word(voice) -> Samples:
    return by_a_person(voice("Hey Jarvis!"))


class Scene:
    """One listening with its echo guard, and what it hears."""

    def __init__(
        self,
        played: Samples,
        echo: AcousticEcho,
        *,
        person: Samples | None = None,
        at_s: float = 8.0,
        near_db: float = -5.0,
        reference: Samples | None = None,
        canceller: bool = True,
        length_s: float | None = None,
        word: str = "hey jarvis",
    ) -> None:
        self.played = played
        self.wake = WakeSettings(words=(word,))
        self._told = played if reference is None else reference
        count = round((length_s or len(played) / SPEAKER_HZ + 1.0) * RATE_HZ)
        sound = np.zeros(count)
        whole = echo.of(resample(played, SPEAKER_HZ, RATE_HZ), RATE_HZ)[:count]
        sound[: len(whole)] = whole
        self.echo = sound.copy()
        self.begin = round(at_s * RATE_HZ)
        self.end = self.begin
        if person is not None:
            self.end += len(person)
            level = np.std(whole[np.abs(whole) > 1]) * 10 ** (near_db / 20)
            sound[self.begin : self.end] += person / np.std(person) * level
        noise = np.random.default_rng(0).normal(0, 8, count)
        self.heard = np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)
        self.drift = echo.drift_ppm * 1e-6
        self._now_s = 0.0
        self.ring = Ring(RATE_HZ, 60.0)
        self.guard = EchoGuard(
            Reference(lambda: SPEAKER_HZ, lambda: self._now_s),
            SpeexCanceller() if canceller else None,
            own_voice(self.wake),
            RingEraser(self.ring),
        )
        self.events: list[tuple[float, ListeningEvent]] = []

    def play(self, *, interrupts: bool = True) -> Scene:
        ears = build_listener(RATE_HZ, self.wake, VadSettings(), self.guard)
        ears.restart(0)
        ears.listen_for_speech(0, interrupts=interrupts)
        given = 0
        for at in range(0, len(self.heard) - 319, 320):
            due = round((at + 320) / RATE_HZ * SPEAKER_HZ * (1 + self.drift))
            block = self._told[given:due]
            block = np.concatenate((block, silence(due - given - len(block))))
            self.guard._reference.take(block, given)
            given, self._now_s = due, (at + 320) / RATE_HZ
            self.ring.write(self.heard[at : at + 320])
            self.events += [
                (self._now_s, event) for event in ears.process(self.heard[at : at + 320])
            ]
        return self

    def of(self, kind: type) -> list:
        return [event for _, event in self.events if isinstance(event, kind)]

    def qualities(self) -> list[Quality]:
        return [event.quality for event in self.of(EchoChanged)]


@pytest.mark.parametrize(
    ("delay_s", "drift_ppm", "near_db"),
    [(0.0, 0.0, -5.0), (0.4, -200.0, -5.0), (0.1, 100.0, -10.0)],
)
def test_a_person_wakes_it_and_interrupts_by_voice_while_it_speaks(
    answer, wake_word, delay_s: float, drift_ppm: float, near_db: float
) -> None:
    way = AcousticEcho(delay_s, -10.0, shoebox=LIVING_ROOM, drift_ppm=drift_ppm)
    scene = Scene(answer, way, person=wake_word, near_db=near_db).play()
    (heard,) = scene.of(WakeWordHeard)
    assert scene.begin < heard.end_sample < scene.end + 0.3 * RATE_HZ
    (begun,) = scene.of(SpeechStarted)
    assert scene.begin - 800 <= begun.at_sample < scene.end
    assert scene.qualities() == [Quality.GOOD]
    assert scene.guard.status.drift_ppm == pytest.approx(-drift_ppm, abs=8)


def test_it_neither_wakes_nor_interrupts_itself_not_even_by_the_wake_word(voice) -> None:
    own = voice(OWN)
    way = AcousticEcho(0.12, -6.0, shoebox=LIVING_ROOM)
    scene = Scene(own, way).play()
    assert not scene.of(WakeWordHeard)
    assert not scene.of(SpeechStarted)
    # And it would have: without a guard the same sound wakes it.
    ears = build_listener(RATE_HZ, WAKE, VadSettings())
    ears.restart(0)
    ears.listen_for_speech(0)
    found = ears.process(scene.heard)
    assert any(isinstance(event, WakeWordHeard) for event in found)
    assert any(isinstance(event, SpeechStarted) for event in found)


WITH_A_SECOND_LOOK = [card.word for _, card in cards((SHIPPED,)) if card.verifier]


@pytest.mark.parametrize("word", WITH_A_SECOND_LOOK)
def test_other_things_that_it_says_are_not_taken_for_a_persons_word(word, voice, answer) -> None:
    """The first model is interested in much of what is said; that makes it no wake word."""
    person = by_a_person(voice(f"{word}!"))
    way = AcousticEcho(0.1, -10.0, shoebox=LIVING_ROOM)
    scene = Scene(answer, way, person=person, near_db=0.0, word=word).play()
    (heard,) = scene.of(WakeWordHeard)
    assert scene.begin < heard.end_sample < scene.end + 0.3 * RATE_HZ


@pytest.mark.parametrize("word", WITH_A_SECOND_LOOK)
def test_no_word_that_it_says_wakes_it(word, voice) -> None:
    own = voice(f"{ANSWER} To wake the other speaker, say: {word}! And then ask. {word}!")
    scene = Scene(own, AcousticEcho(0.12, -6.0, shoebox=LIVING_ROOM), word=word).play()
    assert not scene.of(WakeWordHeard)


def test_a_person_who_says_the_word_after_the_speaker_said_it_is_heard(voice, wake_word) -> None:
    own = np.concatenate((voice(OWN), silence(SPEAKER_HZ), voice(ANSWER)))
    at_s = len(voice(OWN)) / SPEAKER_HZ + 3.0
    way = AcousticEcho(0.12, -6.0, shoebox=LIVING_ROOM)
    scene = Scene(own, way, person=wake_word, at_s=at_s, near_db=0.0).play()
    (heard,) = scene.of(WakeWordHeard)
    assert scene.begin < heard.end_sample < scene.end + 0.3 * RATE_HZ


def test_what_is_sent_does_not_carry_the_answer(answer, wake_word) -> None:
    way = AcousticEcho(0.1, -10.0, shoebox=LIVING_ROOM, drift_ppm=100.0)
    scene = Scene(answer, way, person=wake_word).play()
    before = slice(5 * RATE_HZ, 7 * RATE_HZ)
    kept = scene.ring.read(0, len(scene.heard))
    removed_db = 20 * np.log10(np.std(scene.heard[before]) / np.std(kept[before]))
    assert removed_db > 18
    person = slice(scene.begin, scene.end)
    said = scene.heard[person].astype(float) - scene.echo[person]
    assert np.corrcoef(said, kept[person])[0, 1] > 0.9
    after = slice(len(scene.heard) - RATE_HZ // 5, len(scene.heard) - 1600)
    assert np.array_equal(kept[after], scene.heard[after]), "left alone when nothing plays"


def test_where_the_reference_is_useless_no_voice_interrupts_and_it_is_told(
    voice, answer, wake_word
) -> None:
    """What the speaker plays is not what it was given: another program plays as well."""
    other = voice("I would like to tell you a long story about a bird. " * 5)
    way = AcousticEcho(0.1, -10.0, shoebox=LIVING_ROOM)
    scene = Scene(answer, way, person=wake_word, at_s=11.0, near_db=12.0, reference=other).play()
    assert scene.qualities()[-1] is Quality.NOT_WORKING
    told_s = next(at for at, it in scene.events if isinstance(it, EchoChanged))
    assert told_s < 10.0
    assert not scene.of(SpeechStarted), "half duplex"
    (heard,) = scene.of(WakeWordHeard)
    assert scene.begin < heard.end_sample < scene.end + 0.3 * RATE_HZ
    since = round((told_s + 0.2) * RATE_HZ)
    kept = scene.ring.read(0, len(scene.heard))
    assert np.array_equal(kept[since:], scene.heard[since : len(kept)]), "nothing is taken out"


def test_without_a_canceller_it_is_half_duplex_and_knows_its_own_word(voice, answer) -> None:
    scene = Scene(voice(OWN), AcousticEcho(0.05, -10.0), canceller=False).play()
    assert scene.qualities() == [Quality.NOT_WORKING]
    assert not scene.of(SpeechStarted)
    assert not scene.of(WakeWordHeard)


def test_with_nothing_played_the_sound_is_handed_through_untouched(wake_word) -> None:
    scene = Scene(silence(4 * SPEAKER_HZ), AcousticEcho(), length_s=4.0)
    scene.guard.restart(0)
    for at in range(0, len(scene.heard), 960):
        block = scene.heard[at : at + 960]
        cleaned = scene.guard.process(block)
        assert cleaned.wake is block
        assert cleaned.voice is block


def test_a_question_is_heard_while_a_chime_plays(voice) -> None:
    """The ears are shut only for somebody who would interrupt."""
    question = resample(voice("What time is it?"), SPEAKER_HZ, RATE_HZ)
    way = AcousticEcho(0.05, -20.0)
    chime = voice("Ding dong.")[: SPEAKER_HZ // 2]
    scene = Scene(chime, way, person=question, at_s=0.2, near_db=20.0, length_s=2.5)
    scene.play(interrupts=False)
    assert scene.of(SpeechStarted)


def test_a_delay_that_jumps_is_found_again(answer) -> None:
    way = AcousticEcho(0.05, -10.0, shoebox=LIVING_ROOM)
    scene = Scene(answer, way)
    late = Scene(answer, AcousticEcho(0.35, -10.0, shoebox=LIVING_ROOM))
    half = 5 * RATE_HZ
    scene.heard[half:] = late.heard[half : len(scene.heard)]
    scene.play()
    assert scene.guard.status.delay_ms == pytest.approx(350, abs=3)
    kept = scene.ring.read(0, len(scene.heard))
    end = slice(half + 3 * RATE_HZ, half + 5 * RATE_HZ)
    assert 20 * np.log10(np.std(scene.heard[end]) / np.std(kept[end])) > 12


def test_a_speaker_that_was_opened_anew_is_followed_at_once(answer, wake_word) -> None:
    """It rested between two answers, and lags by other 37 ms; the room is the same."""
    rest_s, shift_s = 40.0, 0.037
    length_s = len(answer) / SPEAKER_HZ + 0.5
    first = Scene(answer, AcousticEcho(0.1, -10.0, shoebox=LIVING_ROOM), length_s=length_s)
    way = AcousticEcho(0.1 + shift_s, -10.0, shoebox=LIVING_ROOM)
    second = Scene(answer, way, person=wake_word, at_s=2.0, near_db=-5.0, length_s=length_s)
    first.play()
    assert first.guard.quality is Quality.GOOD
    ears = build_listener(RATE_HZ, first.wake, VadSettings(), first.guard)
    begin = round((length_s + rest_s) * RATE_HZ)
    at_frame = round((length_s + rest_s) * SPEAKER_HZ)
    ears.restart(begin)
    ears.listen_for_speech(begin, interrupts=True)
    heard, left = second.heard, []
    events: list[ListeningEvent] = []
    for at in range(0, len(heard) - 319, 320):
        block = answer[at * 3 // 2 : at * 3 // 2 + 480]
        block = np.concatenate((block, silence(480 - len(block))))
        first._now_s = (begin + at) / RATE_HZ
        first.guard._reference.take(block, at_frame + at * 3 // 2)
        events += ears.process(heard[at : at + 320])
        left.append(first.guard.quality)
    assert first.guard._reference.restarts == 1
    assert first.guard.status.delay_ms == pytest.approx(137, abs=3)
    assert left[100] is Quality.GOOD, "2 s later it is known to work again"
    assert Quality.NOT_WORKING not in left
    (word,) = [each for each in events if isinstance(each, WakeWordHeard)]
    assert begin + second.begin < word.end_sample < begin + second.end + 0.3 * RATE_HZ
    voices = [each for each in events if isinstance(each, SpeechStarted)]
    assert all(each.at_sample > begin + second.begin - 800 for each in voices), "not its own"


def test_a_speaker_that_distorts_is_understood(voice, answer, wake_word) -> None:
    way = AcousticEcho(0.1, -10.0, shoebox=LIVING_ROOM, drift_ppm=100.0, drive=4.0)
    scene = Scene(answer, way, person=wake_word, near_db=-10.0).play()
    assert scene.guard.status.removed_db > 22, "a linear canceller leaves it at 17"
    (heard,) = scene.of(WakeWordHeard)
    assert scene.begin < heard.end_sample < scene.end + 0.3 * RATE_HZ
    own = Scene(voice(OWN), way).play()
    assert not own.of(WakeWordHeard), "the guard knows its own words in what is left"


def test_a_missing_library_is_told_with_the_command_that_mends_it(monkeypatch) -> None:
    monkeypatch.setattr("device.audio.echo.speexdsp.LIBRARY", "libnowhere.so.1")
    with pytest.raises(MissingCancellerError, match="libspeexdsp1"):
        SpeexCanceller()


def test_only_whole_frames_of_both_are_taken() -> None:
    with pytest.raises(ValueError, match="no whole frames"):
        SpeexCanceller().process(silence(100), silence(100))

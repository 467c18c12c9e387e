"""What ``bench echo`` plays, and who speaks over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.audio.resample import resample
from device.workshop.simulation.acoustics import Shoebox
from device.workshop.training.wake.corpus import NoRecordingsError

Sound = NDArray[np.int16]
RATE_HZ = 16_000
SPEAKER_HZ = 24_000
WORD = "alexa"
"""The usual one: a word with recordings of many people and with little in common with answers."""
ROOMS = {
    "living room": Shoebox((5.0, 4.0, 2.6), (2.0, 1.5, 0.8), (2.12, 1.55, 0.83), 0.35),
    "bathroom": Shoebox((2.5, 2.0, 2.4), (1.0, 1.0, 1.0), (1.12, 1.05, 1.03), 0.6),
    "bookshelf": Shoebox((4.0, 3.0, 2.5), (0.5, 0.3, 1.2), (0.65, 0.35, 1.2), 0.25),
}
ECHO_DB = -10.0
"""Of the direct sound: a small speaker 13 cm from its microphone."""
ROOM_NOISE = 8.0
"""Root mean square of a quiet room, in units of int16: -72 dBFS."""
LEAD_S = 4.0
"""Of playback before anybody speaks: an answer is rarely interrupted in its first words."""
ANSWERS = (
    "The weather tomorrow will be mostly sunny with a high of twenty one degrees.",
    "In the evening there may be some rain near the coast.",
    "You have three appointments on your calendar, the first at nine with the dentist.",
    "The second is at noon, and the last one at half past four in the afternoon.",
    "Your train leaves at seven fifteen from platform six, and arrives before eight.",
    "The museum opens at ten and closes at five, and children get in for free on Sundays.",
    "I have added milk, eggs, butter and coffee to your shopping list.",
    "A bittern is a wading bird of the heron family that lives in reed beds.",
    "Its booming call can be heard for miles in the spring, mostly at night.",
    "To make the dough, mix the flour with warm water, and let it rest for an hour.",
)
OWN_WORDS = (
    "To wake the other speaker, say {word}, and then your question.",
    "{word} is also a name that somebody may have.",
    "My neighbour calls her cat {word}, and it even listens.",
    "If you say {word} twice, nothing more will happen.",
)
QUESTIONS = (
    "What time is it?",
    "Set a timer for ten minutes.",
    "Turn off the light in the kitchen, please.",
    "Will it rain on Saturday afternoon?",
)
SPOKEN = {
    "commands/play_the_beatles.flac": "play the beatles",
    "commands/what_time_is_it.flac": "what time is it",
    "commands/this_is_a_test.flac": "this is a test",
    "speech/LJ001-0002.flac": "in being comparatively modern",
    "speech/LJ001-0006.flac": "and it is worth mention in passing that as an example of "
    "fine typography",
}


@dataclass(frozen=True, slots=True)
class SpokenPhrase:
    """Something a person says, trimmed; mono at 16 kHz."""

    sound: Sound
    text: str


@dataclass(frozen=True, slots=True)
class EchoMaterial:
    """Everything that is heard in the scenes."""

    answer: Sound
    """The appliance's voice and some music; 24 kHz."""
    own_words: Sound
    """The appliance says the wake word again and again; 24 kHz."""
    own_count: int
    calls: tuple[SpokenPhrase, ...]
    """People who say the wake word."""
    questions: tuple[SpokenPhrase, ...]


def material(recordings: Path | None, calls: int, word: str) -> EchoMaterial:
    """Make everything; raises a ``BitternError`` where the brain's voice is not installed."""
    from device.audio.sounds import brain_voice

    voice = brain_voice()
    spoken = [voice(text) for text in ANSWERS]
    music = resample(_music(8.0), RATE_HZ, SPEAKER_HZ)
    answer = np.concatenate((*spoken[:5], music, *spoken[5:]))
    # An ordinary sentence before each, as in an answer.
    said = [voice(text.format(word=word)) for text in OWN_WORDS]
    own = [part for pair in zip(spoken, said, strict=False) for part in pair]
    if recordings is not None:
        called = _recorded_calls(recordings, calls, word)
        asked = [SpokenPhrase(_read(recordings / name), text) for name, text in SPOKEN.items()]
    else:
        called = [_synthesized(f"{word}!", speed) for speed in np.linspace(0.8, 1.25, calls)]
        asked = [_synthesized(text, 1.1) for text in QUESTIONS]
    return EchoMaterial(
        answer, np.concatenate(own), len(OWN_WORDS) + 1, tuple(called), tuple(asked)
    )


def _recorded_calls(recordings: Path, count: int, word: str) -> list[SpokenPhrase]:
    """People whose word is heard where nothing plays, spread over all there are."""
    from device.wake.open import WakeSettings, open_words
    from device.wake.scoring import load, score_sound

    engine, rules, second = open_words(WakeSettings(words=(word,)))
    folder = recordings / "wake" / word.replace(" ", "_")
    paths = sorted(folder.glob("*.flac"))
    if not paths:
        raise NoRecordingsError(f'there is no recording of "{word}" in {folder}')
    found: list[SpokenPhrase] = []
    for path in paths[:: max(1, len(paths) // (2 * count))]:
        sound = load(path)
        if len(found) < count and score_sound(engine, rules, sound, second).hits:
            found.append(SpokenPhrase(_trimmed(sound), word))
    return found


def _read(path: Path) -> Sound:
    from device.wake.scoring import load

    return _trimmed(load(path))


def _synthesized(text: str, speed: float) -> SpokenPhrase:
    from device.brain.base.abilities import Cancellation
    from device.brain.speaking.tts import HibariVoice

    pieces = list(HibariVoice().speak(text, "", float(speed), Cancellation()))
    return SpokenPhrase(_trimmed(resample(np.concatenate(pieces), SPEAKER_HZ, RATE_HZ)), text)


def _trimmed(sound: Sound) -> Sound:
    level = np.abs(sound.astype(np.int32))
    loud = np.nonzero(level > level.max() // 12)[0]
    margin = RATE_HZ // 10
    return sound[max(0, loud[0] - margin) : loud[-1] + margin]


def _music(seconds: float) -> Sound:
    """Chords of decaying tones, a new one each half second."""
    random = np.random.default_rng(2)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    chords = []
    for _ in range(round(seconds * 2)):
        pitches = 110.0 * 2.0 ** (random.choice([0, 3, 4, 7, 10, 12, 16], 3) / 12)
        tones = [np.sin(2 * np.pi * p * k * time_s) / k for p in pitches for k in range(1, 6)]
        chords.append(np.sum(tones, axis=0) * np.exp(-3 * time_s))
    return np.asarray(np.concatenate(chords) * 1500, dtype=np.int16)


def track(
    utterances: tuple[SpokenPhrase, ...], pause_s: float, seconds: float
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """People who speak one after the other, equally loud (1); and where each does."""
    sound, spans = np.zeros(round(seconds * RATE_HZ)), []
    at = round(LEAD_S * RATE_HZ)
    for each in utterances:
        end = at + len(each.sound)
        if end > len(sound):
            break
        said = each.sound.astype(np.float64)
        sound[at:end] = said / np.sqrt(np.mean(said**2))
        spans.append((at, end))
        at = end + round(pause_s * RATE_HZ)
    return sound, spans

"""What is listened to in ``bittern bench listen``: a living room's hours, kind by kind.

None of it holds the wake word, so whatever is heard in it is a false accept. With recordings
the speech is of people and the music recorded; without them a synthesized voice speaks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.workshop.simulation.room import AcousticEcho

Sound = NDArray[np.int16]
RATE_HZ = 16_000
DAY = {"quiet": 0.78, "speech": 0.10, "music": 0.08, "playback": 0.04}
"""A living room's day: our assumption, stated so that another can be put in its place.
Playback is the appliance's own answers, as its microphone hears them."""
ROOM_LEVEL = 30.0
"""A quiet room in units of int16: -61 dBFS."""
PIECE_S = 20.0
"""So long does one kind last in the mixture."""
_WORD = "jarvis"
"""No recording with this in its path is spoken: the default wake word is "hey jarvis"."""
SENTENCES = (
    "What is the weather like tomorrow? Turn on the light in the kitchen, please. "
    "I was at the market this morning, and it was closed. Have you seen my keys? "
    "Set a timer for ten minutes. The cat wants to go out again."
)
ANSWERS = (
    "It will be mostly sunny tomorrow, with a high of nineteen degrees. The light in the "
    "kitchen is on. Your timer for ten minutes has started. There are three things on your "
    "list: milk, bread and a dozen eggs. Good night, I will wake you at half past six."
)


class SoundScene(NamedTuple):
    """What is at the microphone, and what left for the speaker meanwhile: equally long."""

    heard: Sound
    played: Sound | None = None
    """None: nothing."""

    def piece(self, start: int, count: int) -> SoundScene:
        """A part of it, from its beginning again where it is too short."""
        played = (
            None if self.played is None else np.resize(self.played[start : start + count], count)
        )
        return SoundScene(np.resize(self.heard[start : start + count], count), played)


def make_scenes(seconds: float, recordings: Path | None) -> dict[str, SoundScene]:
    """Each kind of :data:`DAY` so long, mono int16 at 16 kHz."""
    count = round(seconds * RATE_HZ)
    room = quiet(count)
    speech = _people(recordings, count) if recordings else _spoken(SENTENCES)
    answers = np.resize(_spoken(ANSWERS), count)
    return {
        "quiet": SoundScene(room),
        "speech": SoundScene(_mixed(room, np.resize(speech, count))),
        "music": SoundScene(_mixed(room, np.resize(_music(recordings, count), count))),
        "playback": SoundScene(_mixed(room, _echo_of(answers)), answers),
    }


def mixture(
    scenes: dict[str, SoundScene], hours: float, seed: int = 1
) -> Iterator[tuple[str, SoundScene]]:
    """Pieces of the kinds, by their shares of a day, in a random order, for so many hours."""
    chance = np.random.default_rng(seed)
    size = round(PIECE_S * RATE_HZ)
    kinds = list(DAY)
    for _ in range(round(hours * 3600 / PIECE_S)):
        kind = kinds[int(chance.choice(len(kinds), p=list(DAY.values())))]
        start = int(chance.integers(max(1, len(scenes[kind].heard) - size)))
        yield kind, scenes[kind].piece(start, size)


def quiet(count: int) -> Sound:
    """Steady noise that falls with frequency, as rooms do."""
    random = np.random.default_rng(1)
    spectrum = np.fft.rfft(random.normal(size=count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0)
    noise = np.fft.irfft(spectrum / np.sqrt(frequencies), count)
    return (noise / np.std(noise) * ROOM_LEVEL).astype(np.int16)


def _people(folder: Path, count: int) -> Sound:
    """Recordings one after the other, in a random order, as many as are needed."""
    from device.wake.scoring import load

    paths = [p for p in sorted(folder.rglob("*.flac")) if _is_speech(p.relative_to(folder))]
    order = np.random.default_rng(4).permutation(len(paths))
    found: list[Sound] = []
    for number in order:
        if sum(map(len, found)) >= count:
            break
        found.append(load(paths[number]))
    speech: Sound = np.concatenate(found)
    return speech


def _is_speech(path: Path) -> bool:
    return "noise" not in path.parts and "vad" not in path.parts and _WORD not in str(path)


def _spoken(text: str) -> Sound:
    from hibari import Hibari

    from device.audio.resample import resample

    floats = np.asarray(Hibari(threads=1)(text, seed=1)) * 0.5
    return resample((floats * 32767).astype(np.int16), 24_000, RATE_HZ)


def _echo_of(played: Sound) -> Sound:
    """As the microphone beside the speaker hears it: 14 dB softer, in a room."""
    echo = AcousticEcho(delay_s=0.02, gain_db=-14.0, reverb_s=0.3).of(played, RATE_HZ)
    return np.clip(echo, -32768, 32767).astype(np.int16)


def _music(folder: Path | None, count: int) -> Sound:
    """Recorded music where there is some, and chords of decaying tones.

    Chords that begin every half second are steady enough to fool a voice detector, and
    lively enough to keep the gate open.
    """
    random = np.random.default_rng(2)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    chords = []
    for _ in range(-(-count // len(time_s))):
        pitches = 110.0 * 2.0 ** (random.choice([0, 3, 4, 7, 10, 12, 16], 3) / 12)
        tones = [np.sin(2 * np.pi * p * k * time_s) / k for p in pitches for k in range(1, 6)]
        chords.append(np.sum(tones, axis=0) * np.exp(-3 * time_s))
    music: Sound = (np.concatenate(chords)[:count] * 1500).astype(np.int16)
    recorded = folder / "vad" / "music.flac" if folder is not None else None
    if recorded is None or not recorded.exists():
        return music
    from device.wake.scoring import load

    found = load(recorded)
    half: Sound = np.concatenate((np.resize(found, count // 2), music[: count - count // 2]))
    return half


def _mixed(one: Sound, other: Sound) -> Sound:
    mixed: Sound = np.clip(one.astype(np.int32) + other, -32768, 32767).astype(np.int16)
    return mixed

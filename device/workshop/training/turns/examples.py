"""Pauses to learn from: sentences cut at their words, whole ones, and both in rooms and noise.

A cut is treated so that the cut itself cannot be heard: it is faded like the end of a
whole sentence, followed by the recording's own room, and both kinds then go through the
same rooms, noises and levels. What is learned from is what the appliance would look at:
the sound at the moment in which its own voice detector has found a pause.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from device.audio.resample import resample
from device.vad.endpointing import Ended, Endpointer, SpeechRule
from device.vad.silero import HOP_SAMPLES, Silero
from device.workshop.training.turns.words import LabelledWord, word_ends

RATE_HZ = 16_000
PAUSE_MS = 160
"""The judge is asked after this much silence."""
_LOOK_BACK = 2 * RATE_HZ
_TONE_S = 0.9

Sound = NDArray[np.int16]
Floats = NDArray[np.float32]

_SMALL_WORDS = """
a an the and or but so because if that which than as of to for from with my your our their these
those very set is are was were am be will would can could should shall may might must do does did
have has had at by in into on onto his her its this some any every another i you we they he she
it's what's i'd make me
"""
NEVER_LAST = frozenset(_SMALL_WORDS.split())
"""A pause behind one of these is never the end (for teaching; most of English's small words)."""
_OPENERS = """
please in at on for tomorrow today tonight now with and then by called from after before about
when while this next again to off right until every or
"""
ADDITIONS = frozenset(_OPENERS.split())
"""What may be added to a sentence that was whole: a cut before one of these proves nothing."""


@dataclass(slots=True)
class LabelledRecording:
    """A recording with its words; ``origin`` tells people from synthesizers."""

    name: str
    sound: Sound
    words: list[LabelledWord]
    origin: str
    speech_end: int
    cuts: list[int] = field(default_factory=list)
    """Where the sentence is surely unfinished."""
    is_finished: bool = True
    """Whether its own end is that of a sentence."""

    @property
    def is_held_out(self) -> bool:
        """Whether it is kept for measuring, for ever the same.

        A quarter of the recordings, by name, and a sixth of the sentences.
        """
        if self.origin == "synthesized":
            return int(self.name.rpartition("-")[2]) % 6 == 0
        return is_held_out(self.name)


def is_held_out(name: str) -> bool:
    """Whether a recording of that file name is measured with, and never learned from."""
    return zlib.crc32(name.encode()) % 4 == 0


def sure_cuts(sound: Sound, words: list[LabelledWord]) -> list[int]:
    """Where a sentence may be cut so that something is surely missing."""
    kept = [word for word in words if word.end_s - word.start_s > 0.03]
    ends = word_ends(sound, kept)
    found = []
    for end, last, following in zip(ends, kept, kept[1:], strict=False):
        is_surely_open = plain(last) in NEVER_LAST
        if is_surely_open or plain(following) not in ADDITIONS:
            found.append(end)
    return found


def plain(word: LabelledWord) -> str:
    """A word in small letters, without the marks around it."""
    return word.text.strip(" .,!?;:").lower()


def speech_end(silero: Silero, sound: Sound) -> int | None:
    """The last sample of the last speech in a sound, found with a second of silence behind it."""
    silero.reset()
    endpointer = Endpointer(SpeechRule(end_silence_ms=600))
    padded = np.concatenate((sound, np.zeros(RATE_HZ, dtype=np.int16)))
    ends = [e for p in silero.process(padded) if isinstance(e := endpointer.update(p), Ended)]
    return min(ends[-1].at_sample, len(sound)) if ends else None


# -- one pause -------------------------------------------------------------------------


def room_tone(sound: Sound, count: int, chance: np.random.Generator) -> Floats:
    """Sound of the recording's own room, made of its quietest tenth of a second."""
    size = RATE_HZ // 10
    blocks = sound[: len(sound) // size * size].astype(np.float32).reshape(-1, size)
    if not len(blocks):
        return np.zeros(count, dtype=np.float32)
    quiet = blocks[np.argsort((blocks**2).sum(axis=1))[: max(1, len(blocks) // 20)]]
    window = np.sqrt(np.hanning(size + 1)[:-1]).astype(np.float32)
    tone = np.zeros(count + 2 * size, dtype=np.float32)
    for at in range(0, count + size, size // 2):
        block = np.roll(quiet[chance.integers(len(quiet))], chance.integers(size))
        tone[at : at + size] += block * window
    return tone[size : size + count]


def paused(
    source: LabelledRecording,
    cut: int | None,
    chance: np.random.Generator,
    pause_s: float = _TONE_S,
) -> Floats:
    """The recording up to a cut, or to its own end, and the silence of its room after that."""
    end = cut if cut is not None else min(source.speech_end + RATE_HZ // 5, len(source.sound))
    said = source.sound[max(0, end - _LOOK_BACK) : end].astype(np.float32)
    fade = min(len(said), int(chance.integers(160, 960)))
    said[len(said) - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    tone = room_tone(source.sound, round(pause_s * RATE_HZ) + fade, chance)
    tone[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    whole = np.concatenate((said, np.zeros(len(tone) - fade, dtype=np.float32)))
    whole[len(said) - fade :] += tone
    return whole


def disturbed(sound: Floats, noises: list[Sound], chance: np.random.Generator) -> Sound:
    """Put the sound into a room, into noise, at some distance, or leave it as it is."""
    if chance.random() < 0.5:
        sound = _in_a_room(sound, chance)
    if chance.random() < 0.6:
        snr_db = chance.uniform(5.0, 35.0)
        sound = mixed_at(sound, noises[chance.integers(len(noises))], snr_db, chance)
    peak = float(np.max(np.abs(sound))) + 1.0
    wanted = 32767.0 * 10.0 ** (chance.uniform(-30.0, -1.0) / 20.0)
    return as_int16(sound * np.float32(wanted / peak))


def as_int16(sound: Floats) -> Sound:
    """Round and clip."""
    whole: Sound = np.clip(sound, -32768, 32767).astype(np.int16)
    return whole


def mixed_at(sound: Floats, noise: Sound, snr_db: float, chance: np.random.Generator) -> Floats:
    """Add noise so much softer than the speech (louder half of the sound) in dB."""
    size = RATE_HZ // 50
    powers = (sound[: len(sound) // size * size].reshape(-1, size) ** 2).mean(axis=1)
    speech = float(np.mean(np.sort(powers)[len(powers) // 2 :])) + 1.0
    start = int(chance.integers(max(1, len(noise) - len(sound))))
    piece = np.resize(noise[start : start + len(sound)], len(sound)).astype(np.float32)
    power = float(np.mean(piece**2)) + 1e-6
    mixed: Floats = sound + piece * np.float32(np.sqrt(speech / power * 10.0 ** (-snr_db / 10.0)))
    return mixed


def _in_a_room(sound: Floats, chance: np.random.Generator) -> Floats:
    reverb_s = chance.uniform(0.1, 0.6)
    count = round(reverb_s * RATE_HZ)
    decay = 10.0 ** (-3.0 * np.arange(count) / count)
    response = chance.standard_normal(count) * decay
    response *= np.sqrt(10.0 ** (chance.uniform(-12.0, 3.0) / 10.0) / np.sum(response**2))
    response[0] += 1.0
    size = 1 << (len(sound) + count).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[: len(sound)].astype(np.float32)


def other_voice(sound: Sound, factor: float) -> Sound:
    """The sound played faster or slower: another pitch, another length of throat."""
    return resample(sound, round(RATE_HZ * factor), RATE_HZ)


def at_pause(silero: Silero, sound: Sound, voice_until: int) -> Sound | None:
    """The sound up to the moment where the detector has found the pause; None where it has not.

    ``voice_until``: about where the voice ends; pauses before that are not meant.
    """
    silero.reset()
    rule = SpeechRule(end_silence_ms=PAUSE_MS)
    endpointer = Endpointer(rule)
    for number, probability in enumerate(silero.process(sound), start=1):
        ended = endpointer.update(probability)
        if isinstance(ended, Ended) and ended.at_sample >= voice_until:
            return sound[: number * HOP_SAMPLES]
    return None


def examples(
    source: LabelledRecording,
    noises: list[Sound],
    silero: Silero,
    chance: np.random.Generator,
    most_cuts: int,
) -> Iterator[tuple[Sound, bool]]:
    """Sounds that end in a pause, and whether the sentence was finished there."""
    cuts: list[int | None] = [*chance.permutation(np.array(source.cuts, dtype=int))[:most_cuts]]
    if source.is_finished:
        cuts += [None] * max(1, len(cuts) * 2 // 3)
    elif not cuts:
        cuts = [None]
    for cut in cuts:
        whole = paused(source, cut, chance)
        after = (
            _TONE_S
            if cut is not None
            else _TONE_S + min(0.2, (len(source.sound) - source.speech_end) / RATE_HZ)
        )
        factor = 1.0
        if source.origin == "synthesized" or chance.random() < 0.5:
            factor = chance.uniform(0.8, 1.2) if source.origin == "synthesized" else 1.05
            whole = other_voice(whole.astype(np.int16), factor).astype(np.float32)
        voice_until = len(whole) - round((after / factor + 0.25) * RATE_HZ)
        found = at_pause(silero, disturbed(whole, noises, chance), voice_until)
        if found is not None:
            yield found, cut is None and source.is_finished

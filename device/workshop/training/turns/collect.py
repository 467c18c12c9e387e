"""From folders of recordings and a synthesizer to features with labels."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.audio.resample import resample
from device.brain.base.abilities import SPEAKING_RATE_HZ, Cancellation
from device.brain.speaking.tts import HibariVoice
from device.vad.sentence_end import SentenceEnd
from device.vad.silero import Silero
from device.wake.scoring import load
from device.workshop.training.turns.examples import (
    RATE_HZ,
    LabelledRecording,
    Sound,
    examples,
    speech_end,
    sure_cuts,
)
from device.workshop.training.turns.words import Aligner

log = logging.getLogger(__name__)

SINGLE = ("alexa", "computer", "jarvis", "snowboy")
"""Folders of single words: whole, however short."""
PAIRS = ("smart_mirror", "view_glass")
"""Folders of two words, whole, and unfinished after the first."""
_PHRASE_ENDS = {"LJ001-0002": True, "LJ001-0004": False, "LJ001-0006": False}
"""How the three read passages end: with a full stop or with a comma."""


def people(folder: Path, aligner: Aligner, silero: Silero) -> Iterator[LabelledRecording]:
    """Recordings of people, of the folders that this project measures with."""
    for path in sorted((folder / "commands").rglob("*.flac")):
        yield from _source(path, aligner, silero, "command")
    for path in sorted((folder / "speech").glob("*.flac")):
        for source in _source(path, aligner, silero, "read"):
            source.is_finished = _PHRASE_ENDS.get(path.stem, True)
            yield source
    for name in (*SINGLE, *PAIRS):
        for path in sorted((folder / "wake" / name).glob("*.flac")):
            sound = load(path)
            words = aligner.words(sound) if name in PAIRS else []
            end = speech_end(silero, sound)
            if end is not None:
                cuts = sure_cuts(sound, words) if len(words) == 2 else []
                yield LabelledRecording(f"{name}/{path.name}", sound, words, "words", end, cuts)


def _source(
    path: Path, aligner: Aligner, silero: Silero, origin: str
) -> Iterator[LabelledRecording]:
    sound = load(path)
    end = speech_end(silero, sound)
    words = aligner.words(sound[:end])
    if end is not None and words:
        yield LabelledRecording(path.name, sound, words, origin, end, sure_cuts(sound[:end], words))


def known_words() -> list[str]:
    """Words that the synthesizer's dictionary pronounces, short enough to be common."""
    import gzip
    import json

    from hibari.tts import ASSETS

    with gzip.open(Path(ASSETS) / "lexicon_us_gold.json.gz", "rt", encoding="utf-8") as file:
        lexicon = json.load(file)
    return sorted(
        w for w in lexicon if w.isascii() and w.isalpha() and w.islower() and 3 <= len(w) <= 9
    )


def synthesized(
    texts: Sequence[str], aligner: Aligner, silero: Silero, first: int = 0
) -> Iterator[LabelledRecording]:
    """Sentences spoken whole, and their beginnings spoken as if something followed."""
    voice = HibariVoice()
    chance = np.random.default_rng(5 + first)
    for number, text in enumerate(texts, start=first):
        speed = float(chance.uniform(0.8, 1.25))
        sound = spoken(voice, text, speed)
        end = speech_end(silero, sound)
        if end is None:
            continue
        words = aligner.words(sound)
        cuts = sure_cuts(sound[:end], words)
        yield LabelledRecording(f"whole-{number}", sound, words, "synthesized", end, cuts)
        yield from _hesitating(voice, text, number, speed, silero, chance)


def _hesitating(
    voice: HibariVoice,
    text: str,
    number: int,
    speed: float,
    silero: Silero,
    chance: np.random.Generator,
) -> Iterator[LabelledRecording]:
    """The first words with a comma: the synthesizer's idea of a voice that will go on."""
    from device.workshop.training.turns.examples import ADDITIONS, NEVER_LAST

    written = text.rstrip(".?!").split()
    places = [
        at
        for at in range(2, len(written))
        if written[at - 1].lower() in NEVER_LAST or written[at].lower() not in ADDITIONS
    ]
    if not places:
        return
    at = int(chance.choice(places))
    sound = spoken(voice, " ".join(written[:at]).rstrip(",") + ",", speed)
    end = speech_end(silero, sound)
    if end is not None:
        yield LabelledRecording(
            f"begun-{number}", sound, [], "synthesized", end, [], is_finished=False
        )


def spoken(voice: HibariVoice, text: str, speed: float = 1.0) -> Sound:
    """A text in the brain's voice, 16 kHz, a little room before and after it."""
    chunks = list(voice.speak(text, "", speed, Cancellation()))
    sound = resample(np.concatenate(chunks), SPEAKING_RATE_HZ, RATE_HZ)
    rest = np.random.default_rng(len(sound)).normal(0.0, 6.0, RATE_HZ // 2).astype(np.int16)
    whole: Sound = np.concatenate((rest, sound, rest))
    return whole


def features_of(
    sources: list[LabelledRecording],
    noises: list[Sound],
    judge: SentenceEnd,
    silero: Silero,
    rounds: int,
    most_cuts: int,
    seed: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features ``[n, FEATURES]`` and labels ``[n]`` (1 = finished) of all pauses."""
    chance = np.random.default_rng(seed)
    found: list[NDArray[np.float32]] = []
    labels: list[float] = []
    for turn in range(rounds):
        for source in sources:
            for sound, is_finished in examples(source, noises, silero, chance, most_cuts):
                found.append(judge.features(sound))
                labels.append(float(is_finished))
        log.info("round %d of %d: %d pauses", turn + 1, rounds, len(found))
    return np.stack(found), np.array(labels, dtype=np.float32)

"""Make ``sentence_end.onnx`` and its card.

``python -m device.workshop.training.turns --recordings DIR`` does it.

Wants the brain's models (speech to text finds the words, the voice speaks sentences), the
recordings in the folders of this project's development audio, and half an hour.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.models import path_of
from device.vad.endpointing import SURELY_FINISHED, SURELY_UNFINISHED
from device.vad.sentence_end import EMBEDDING, MEL, MODEL, SentenceEnd
from device.vad.silero import RATE_HZ, Silero
from device.wake.scoring import load
from device.workshop.training.turns.collect import features_of, known_words, people, synthesized
from device.workshop.training.turns.examples import LabelledRecording, Sound
from device.workshop.training.turns.fit import TurnNetwork, fit, write_onnx
from device.workshop.training.turns.sentences import open_sentences, sentences
from device.workshop.training.turns.words import Aligner

Set = tuple[NDArray[np.float32], NDArray[np.float32]]

SENTENCES = 500
SHARES = {"command": 1.0, "synthesized": 0.6, "words": 0.5}
"""What each kind counts in the fit; within a kind, both answers count the same."""
CUTS = {"command": 8, "synthesized": 2, "words": 2}


def main() -> None:
    """Collect, fit, judge, write."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(
        prog="python -m device.workshop.training.turns", description=__doc__
    )
    parser.add_argument("--recordings", type=Path, required=True, metavar="DIR")
    parser.add_argument("--sentences", type=int, default=SENTENCES, metavar="N")
    parser.add_argument("--out", type=Path, default=MODEL, metavar="FILE")
    chosen = parser.parse_args()
    learned, judged = collect(chosen.recordings, chosen.sentences)
    network = make(learned)
    write(network, learned, judged, chosen.out)


def collect(recordings: Path, count: int) -> tuple[dict[str, Set], dict[str, Set]]:
    """Features and labels of each kind, of what is learned from and of what is held out."""
    aligner = Aligner(path_of("whisper-tiny.en/model.bin").parent)
    silero = Silero(path_of("silero/silero_vad.onnx"))
    judge = SentenceEnd(path_of(MEL), path_of(EMBEDDING), None)
    texts = [*sentences(count), *open_sentences(count, known_words())]
    sources = [*people(recordings, aligner, silero), *synthesized(texts, aligner, silero)]
    noises = _noises(recordings)
    learned: dict[str, Set] = {}
    judged: dict[str, Set] = {}
    for number, kind in enumerate(SHARES):
        of_kind = [source for source in sources if _kind(source) == kind]
        for target, held_out in ((learned, False), (judged, True)):
            chosen = [source for source in of_kind if source.is_held_out == held_out]
            logging.info("%s: %d recordings", kind, len(chosen))
            target[kind] = features_of(chosen, noises, judge, silero, 1, CUTS[kind], number)
    return learned, judged


def _kind(source: LabelledRecording) -> str:
    return "command" if source.origin == "read" else source.origin


def _noises(recordings: Path) -> list[Sound]:
    """The first half of the kitchen, and pink noise; the second half is for measuring."""
    kitchen = load(recordings / "noise" / "kitchen.flac")
    chance = np.random.default_rng(3)
    count = 20 * RATE_HZ
    spectrum = np.fft.rfft(chance.normal(size=count))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20.0))
    pink = np.fft.irfft(spectrum, count)
    return [kitchen[: len(kitchen) // 2], (pink / np.std(pink) * 1000).astype(np.int16)]


def make(learned: dict[str, Set]) -> TurnNetwork:
    """Fit the network to the kinds, each with its share."""
    features = np.concatenate([features for features, _ in learned.values()])
    labels = np.concatenate([labels for _, labels in learned.values()])
    weights = np.concatenate([SHARES[kind] * _even(of) for kind, (_, of) in learned.items()])
    return fit(features, labels, weights.astype(np.float32))


def _even(labels: NDArray[np.float32]) -> NDArray[np.float32]:
    share = float(np.clip(labels.mean(), 0.01, 0.99))
    return np.where(labels > 0.5, 0.5 / share, 0.5 / (1.0 - share)).astype(np.float32)


def write(network: TurnNetwork, learned: dict[str, Set], judged: dict[str, Set], out: Path) -> None:
    """Write the model, and beside it the card with what it does on what it never heard."""
    write_onnx(network, out)
    card = {
        "model": out.name,
        "does": "the probability that a sentence is finished, at a pause of 160 ms",
        "input": "5 speech embeddings (96 numbers each, 160 ms apart) and 10 numbers of melody",
        "licence": "Apache-2.0",
        "made_from": {
            "recordings": "Picovoice speech-to-intent and wake-word benchmarks (Apache-2.0), "
            "rhasspy3 (MIT), LJ Speech (public domain)",
            "synthesized": "hibari-tts (Apache-2.0), sentences of "
            "device/workshop/training/turns/sentences.py",
            "under_it": "Google's speech embedding as openWakeWord packs it (Apache-2.0)",
        },
        "remake": "python -m device.workshop.training.turns --recordings DIR",
        "held_out": "a quarter of the recordings (CRC-32 of the name), a sixth of the sentences",
        "pauses_learned_from": {kind: len(labels) for kind, (_, labels) in learned.items()},
        "believed": {"finished_from": SURELY_FINISHED, "unfinished_up_to": SURELY_UNFINISHED},
        "on_held_out": {kind: _judgement(network, *of) for kind, of in judged.items()},
        "weak": "English only; the people said orders to a coffee machine and wake words; a "
        "sentence that ends in a word it never heard last is often waited for too long",
    }
    out.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def _judgement(
    network: TurnNetwork, features: NDArray[np.float32], labels: NDArray[np.float32]
) -> dict[str, Any]:
    found = network.probability(features)
    finished, open_ = found[labels > 0.5], found[labels < 0.5]
    return {
        "finished": len(finished),
        "unfinished": len(open_),
        "area_under_curve": round(_area(finished, open_), 3),
        "finished_judged_finished": _share(finished >= SURELY_FINISHED),
        "finished_judged_unfinished": _share(finished <= SURELY_UNFINISHED),
        "unfinished_judged_unfinished": _share(open_ <= SURELY_UNFINISHED),
        "unfinished_judged_finished": _share(open_ >= SURELY_FINISHED),
    }


def _area(finished: NDArray[np.float32], open_: NDArray[np.float32]) -> float:
    """How often a finished one is judged above an unfinished one."""
    if not len(finished) or not len(open_):
        return float("nan")
    above = np.searchsorted(np.sort(open_), finished, side="left")
    return float(above.mean() / len(open_))


def _share(which: NDArray[np.bool_]) -> float:
    return round(float(which.mean()), 3) if len(which) else float("nan")


if __name__ == "__main__":
    main()

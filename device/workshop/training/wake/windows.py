"""From examples to streams of steps, and where in them the word has just ended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from device.wake.engine import RATE_HZ
from device.wake.features import BANDS, HOP_SAMPLES, WINDOW_SAMPLES
from device.wake.second_look import _WARM_UP as WARM_UP_EMBEDDINGS
from device.workshop.training.wake.examples import Example
from device.workshop.training.wake.network import Array, Indices, Stream

FRAMES_PER_STEP = 3
"""30 ms, as the microWakeWord models step."""
_FIRST_FRAMES = 40
"""The front end's estimate of the noise needs 0.4 s before its features mean something."""
FIRST_WINDOW_S = (-0.03, 0.18)
"""Where a window may end, from the end of the word, to be one of the first model's words."""
SECOND_WINDOW_S = (-0.03, 0.25)
BEFORE_S, AFTER_S = -0.3, 1.0
"""Windows that end earlier or later than this are without the word; those between neither."""


def first_stream(examples: Sequence[Example], depth: int) -> Stream:
    """Steps of three frames for the small model."""
    steps, ends, lengths = [], [], []
    for index, each in enumerate(examples):
        skip = index % FRAMES_PER_STEP
        count = (len(each.frames) - skip) // FRAMES_PER_STEP
        part = each.frames[skip : skip + count * FRAMES_PER_STEP]
        steps.append(part.reshape(count, FRAMES_PER_STEP * BANDS))
        last_frames = skip + FRAMES_PER_STEP * (np.arange(count) + 1) - 1
        ends.append(last_frames * HOP_SAMPLES + WINDOW_SAMPLES)
        lengths.append(count)
    first = -(-_FIRST_FRAMES // FRAMES_PER_STEP)
    return _stream(examples, steps, ends, depth, first, FIRST_WINDOW_S)


def second_stream(examples: Sequence[Example], depth: int) -> Stream:
    """Embeddings for the verifier."""
    steps = [each.embeddings for each in examples]
    ends = [embedding_end(np.arange(len(each.embeddings))) for each in examples]
    return _stream(examples, steps, ends, depth, WARM_UP_EMBEDDINGS, SECOND_WINDOW_S)


def embedding_end(index: Indices) -> Indices:
    """The sample after the last that an embedding of a stream has heard."""
    return 1280 * (index + 1) + 480


def _stream(
    examples: Sequence[Example],
    steps: Sequence[np.ndarray],
    ends: Sequence[Indices],
    depth: int,
    first: int,
    wanted_s: tuple[float, float],
) -> Stream:
    words: list[Indices] = []
    others: list[Indices] = []
    at = 0
    for example, part, end in zip(examples, steps, ends, strict=True):
        starts = np.arange(first, max(first, len(part) - depth + 1))
        if example.end_sample < 0:
            others.append(at + starts)
        else:
            late_s = (end[starts + depth - 1] - example.end_sample) / RATE_HZ
            is_word = (late_s >= wanted_s[0]) & (late_s <= wanted_s[1])
            words.append(at + starts[is_word])
            others.append(at + starts[(late_s < BEFORE_S) | (late_s > AFTER_S)])
        at += len(part)
    joined: Array = np.concatenate(steps).astype(np.float32)
    return Stream(joined, np.concatenate(words), np.concatenate(others))

"""Streaming equals batch: no way to cut the sound changes a score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device.wake.engine import Score, WakeEngine
from device.wake.microwakeword import MicroWakeWord
from device.wake.openwakeword import OpenWakeWord
from device.wake.streaming import StreamingModel, WrongModelError

Sound = NDArray[np.int16]
Model = Callable[[str], Path]


@pytest.fixture(params=["microwakeword", "openwakeword"])
def engine(request: pytest.FixtureRequest, model: Model) -> WakeEngine:
    if request.param == "microwakeword":
        return MicroWakeWord(
            {word: model(f"microwakeword/{word}.onnx") for word in ("hey_jarvis", "alexa")}
        )
    return OpenWakeWord(
        {"hey_jarvis": model("openwakeword/hey_jarvis_v0.1.onnx")},
        model("openwakeword/melspectrogram.onnx"),
        model("openwakeword/embedding_model.onnx"),
    )


@pytest.fixture(scope="module")
def sound(say: Callable[..., Sound]) -> Sound:
    noise = np.random.default_rng(2).normal(size=64_000) * 20
    spoken = say("Hey Jarvis, what time is it?")
    noise[24_000 : 24_000 + len(spoken)] += spoken
    return noise.astype(np.int16)


def scored(engine: WakeEngine, sound: Sound, cuts: list[int]) -> list[Score]:
    engine.reset()
    found: list[Score] = []
    at = 0
    for size in cuts:
        found += engine.process(sound[at : at + size])
        at += size
    return found + engine.process(sound[at:])


def test_any_cutting_gives_the_same_scores(engine: WakeEngine, sound: Sound) -> None:
    whole = scored(engine, sound, [])
    assert max(score.value for score in whole) > 0.9
    random = np.random.default_rng(4)
    ways = [
        [1] * 2000,
        [160] * 300,
        [480] * 100,
        [1279, 1281, 0, 3] * 10,
        random.integers(0, 5000, 20).tolist(),
    ]
    for cuts in ways:
        again = scored(engine, sound, cuts)
        assert [(s.word, s.end_sample) for s in again] == [(s.word, s.end_sample) for s in whole]
        np.testing.assert_allclose(
            [s.value for s in again], [s.value for s in whole], atol=1.5 / 256
        )


def test_a_reset_forgets_everything(engine: WakeEngine, sound: Sound) -> None:
    first = scored(engine, sound, [])
    engine.process((np.random.default_rng(1).normal(size=30_000) * 9000).astype(np.int16))
    assert scored(engine, sound, []) == first


def test_positions_lie_inside_what_was_heard(engine: WakeEngine, sound: Sound) -> None:
    engine.reset()
    heard = 0
    for at in range(0, len(sound), 700):
        part = sound[at : at + 700]
        heard += len(part)
        for score in engine.process(part):
            assert heard - 1400 < score.end_sample <= heard


STRANGE: dict[str, Sound] = {
    "silence": np.zeros(48_000, dtype=np.int16),
    "stuck": np.full(48_000, 32_767, dtype=np.int16),
    "full-scale noise": np.random.default_rng(3).integers(-32768, 32768, 48_000).astype(np.int16),
    "a square wave": np.where(np.arange(48_000) // 40 % 2, 32_767, -32_768).astype(np.int16),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_not_speech_is_no_wake_word(engine: WakeEngine, name: str) -> None:
    engine.reset()
    scores = [score.value for score in engine.process(STRANGE[name])]
    assert np.isfinite(scores).all()
    assert max(scores) < 0.5


@pytest.mark.parametrize("damage", ["clipped", "an offset", "8 bits"])
def test_a_bad_microphone_is_still_understood(
    engine: WakeEngine, sound: Sound, damage: str
) -> None:
    loud = sound.astype(np.float64)
    if damage == "clipped":
        loud = np.clip(loud * 8, -32768, 32767)
    elif damage == "an offset":
        loud = np.clip(loud + 8000, -32768, 32767)
    else:
        loud = np.round(loud / 256) * 256
    engine.reset()
    assert max(s.value for s in engine.process(loud.astype(np.int16))) > 0.8


def test_many_steps_in_one_call_equal_single_steps(model: Model) -> None:
    streaming = StreamingModel(model("microwakeword/hey_jarvis.onnx"))
    frames = (np.random.default_rng(9).random((300, 40)) * 20).astype(np.float32)
    together = streaming.process(frames)
    streaming.reset()
    one_by_one = [streaming.process(frames[at : at + 3])[0] for at in range(0, 300, 3)]
    np.testing.assert_allclose(together, one_by_one, atol=1.5 / 256)


def test_of_two_models_the_more_certain_one_counts(model: Model, sound: Sound) -> None:
    jarvis, alexa = (model(f"microwakeword/{word}.onnx") for word in ("hey_jarvis", "alexa"))
    alone = scored(MicroWakeWord({"alexa": alexa}), sound, [])
    assert max(each.value for each in alone) < 0.5
    both = MicroWakeWord({"alexa": alexa}, {"alexa": jarvis})
    found = scored(both, sound, [])
    other = scored(MicroWakeWord({"alexa": jarvis}), sound, [])
    assert [each.value for each in found] == [
        max(one.value, two.value) for one, two in zip(alone, other, strict=True)
    ]
    assert scored(both, sound, []) == found, "both forget at a reset"


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "not.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(WrongModelError, match=r"not\.onnx"):
        StreamingModel(path)


def test_a_model_cut_in_half_is_refused(model: Model, tmp_path: Path) -> None:
    whole = model("microwakeword/hey_jarvis.onnx").read_bytes()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WrongModelError, match=r"half\.onnx"):
        StreamingModel(path)

"""The ONNX wake models against the TFLite runtime, number by number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conversion_check import check
from numpy.typing import NDArray

from device.models.conversion.flatbuffer import UnreadableModelError
from device.models.conversion.runtime import NoRuntimeError, library_path
from device.models.conversion.translate import UnsupportedModelError
from device.models.convert import STEP, convert

pytest.importorskip("onnx")
pytest.importorskip("tflite")

WORDS = ("hey_jarvis", "okay_nabu", "hey_mycroft", "alexa")
Model = Callable[[str], Path]
Sound = NDArray[np.int16]


@pytest.fixture(scope="module")
def sounds(say: Callable[..., Sound]) -> list[Sound]:
    random = np.random.default_rng(11)
    texts = ("Hey Jarvis.", "Okay Nabu.", "Hey Mycroft.", "Alexa.", "The cat sat on the mat.")
    spoken = [say(text, speed) for text in texts for speed in (0.8, 1.1)]
    noise = [(random.normal(size=32_000) * level).astype(np.int16) for level in (30, 3000, 30_000)]
    return [*spoken, *noise, np.zeros(16_000, dtype=np.int16)]


def need_runtime() -> None:
    try:
        library_path()
    except NoRuntimeError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("word", WORDS)
def test_every_step_is_equal(word: str, model: Model, sounds: list[Sound], tmp_path: Path) -> None:
    need_runtime()
    source = model(f"microwakeword/{word}.tflite")
    report = convert(source, tmp_path / "model.onnx")
    assert report.frames_per_step == 3
    assert report.rings == 6
    result = check(source, tmp_path / "model.onnx", sounds, cutoff=0.5)
    assert result.is_good
    assert result.worst_difference < STEP / 2, result
    assert result.detections >= (word != "okay_nabu")  # which does not know this voice


@pytest.mark.parametrize("word", WORDS)
def test_every_step_is_equal_on_people(
    word: str, model: Model, people: Callable[[str, int], list[Sound]]
) -> None:
    need_runtime()
    sounds = people("wake/single", 7) + people("wake/alexa", 12) + people("commands", 4)
    source = model(f"microwakeword/{word}.tflite")
    result = check(source, model(f"microwakeword/{word}.onnx"), sounds, cutoff=0.5)
    assert result.is_good
    assert result.worst_difference < STEP / 2, result
    assert result.steps > 1000


def test_a_check_notices_another_model(model: Model, sounds: list[Sound]) -> None:
    need_runtime()
    result = check(
        model("microwakeword/alexa.tflite"), model("microwakeword/hey_jarvis.onnx"), sounds
    )
    assert not result.is_good


def with_operator(source: Path, old: int, new: int) -> bytes:
    """The model with one operator's number replaced, in both places where it is kept."""
    import tflite

    blob = bytearray(source.read_bytes())
    root = tflite.Model.GetRootAsModel(blob, 0)
    for index in range(root.OperatorCodesLength()):
        code = root.OperatorCodes(index)
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) == old:
            table = code._tab
            for slot, width in ((4, 1), (10, 4)):
                offset = table.Offset(slot)
                if offset:
                    at = table.Pos + offset
                    blob[at : at + width] = new.to_bytes(width, "little")
    return bytes(blob)


@pytest.mark.parametrize("name", ["SOFTMAX", "TANH", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_an_operator_it_does_not_understand_is_named(
    name: str, model: Model, tmp_path: Path
) -> None:
    import tflite

    source = model("microwakeword/hey_jarvis.tflite")
    changed = tmp_path / "changed.tflite"
    numbers = tflite.BuiltinOperator
    changed.write_bytes(with_operator(source, numbers.LOGISTIC, getattr(numbers, name)))
    with pytest.raises(UnsupportedModelError, match=name):
        convert(changed, tmp_path / "changed.onnx")
    assert not (tmp_path / "changed.onnx").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_model_cut_short_is_refused(share: float, model: Model, tmp_path: Path) -> None:
    whole = model("microwakeword/hey_jarvis.tflite").read_bytes()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(whole[: round(share * len(whole))])
    with pytest.raises((UnreadableModelError, UnsupportedModelError)):
        convert(cut, tmp_path / "cut.onnx")
    assert not (tmp_path / "cut.onnx").exists()


def test_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"a letter, not a model" * 10)
    with pytest.raises(UnreadableModelError, match="not a TFLite model"):
        convert(other, tmp_path / "other.onnx")

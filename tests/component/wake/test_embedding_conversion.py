"""The streaming embedding gives the numbers of the published one, however it is cut."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.wake.embedding import MEL_WINDOW, SpeechEmbedding
from device.wake.second_look import StreamedEmbedding, Trail, samples_for

Model = Callable[[str], Path]


@pytest.fixture
def published(model: Model) -> SpeechEmbedding:
    return SpeechEmbedding(
        model("openwakeword/melspectrogram.onnx"), model("openwakeword/embedding_model.onnx")
    )


@pytest.fixture
def streamed(model: Model) -> StreamedEmbedding:
    return StreamedEmbedding(
        model("openwakeword/melspectrogram.onnx"), model("openwakeword/embedding_stream.onnx")
    )


def test_each_embedding_is_that_of_its_window(
    published: SpeechEmbedding, streamed: StreamedEmbedding, say: Callable[..., np.ndarray]
) -> None:
    sound = say("Hey Jarvis, what time is it?")[: 160 * 200 + 480]
    spectrum = streamed.spectrogram(sound)
    whole = streamed.embed(spectrum, streamed.begin())
    state = streamed.begin()
    parts = [streamed.embed(spectrum[at : at + 8], state) for at in range(0, 200, 8)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-3)
    for step in range(9, len(whole)):
        window = spectrum[8 * step + 8 - MEL_WINDOW : 8 * step + 8]
        expected = published.embed(window, 1)[0]
        np.testing.assert_allclose(whole[step], expected, atol=2e-3)


def test_a_trail_is_the_same_wherever_it_began(
    streamed: StreamedEmbedding, say: Callable[..., np.ndarray]
) -> None:
    sound = say("Hey Jarvis, what time is it, and where is my umbrella?")
    depth, first = 9, samples_for(9) + 300
    early = Trail(streamed, depth, sound[:first], first)
    for _ in range(5):
        early.follow(sound[early.next_sample - 1280 : early.next_sample])
    late_at = first + 5 * 1280
    late = Trail(streamed, depth, sound[:late_at], late_at)
    # The spectrogram's floor lies 80 dB below the loudest of the piece it is given, so a
    # piece of 80 ms and one of two seconds differ a little in silence.
    np.testing.assert_allclose(early.history, late.history, atol=0.1)
    assert early.next_sample == late.next_sample


def test_the_converter_refuses_another_model(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from device.models.conversion.translate import UnsupportedModelError
    from device.models.convert import convert_embedding

    with pytest.raises(UnsupportedModelError, match="operator"):
        convert_embedding(model("silero/silero_vad.onnx"), tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_conversion_gives_the_file_of_the_store(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from device.models.convert import convert_embedding

    source = tmp_path / "embedding.onnx"
    shutil.copy(model("openwakeword/embedding_model.onnx"), source)
    convert_embedding(source, tmp_path / "out.onnx")
    stored = model("openwakeword/embedding_stream.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == stored.read_bytes()

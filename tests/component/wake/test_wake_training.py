"""What was trained is what listens: written models give the numbers of the networks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.wake.second_look import Verifier
from device.wake.streaming import StreamingModel
from device.workshop.training.wake import examples, windows
from device.workshop.training.wake.corpus import NoRecordingsError, Recording, find, span
from device.workshop.training.wake.examples import Order, Supplies
from device.workshop.training.wake.network import Lesson, Shape, WakeNetwork, train

pytest.importorskip("onnx")

from device.workshop.training.wake.export import write_first, write_verifier


def some_network(shape: Shape, seed: int) -> WakeNetwork:
    random = np.random.default_rng(seed)
    network = WakeNetwork(shape, random)
    network.mean = random.standard_normal(shape.inputs).astype(np.float32)
    network.scale = random.uniform(0.5, 2, shape.inputs).astype(np.float32)
    return network


def test_the_first_model_streams_what_the_network_says(tmp_path: Path) -> None:
    network = some_network(Shape(26, 120), 1)
    write_first(network, tmp_path / "first.onnx")
    frames = np.random.default_rng(2).uniform(0, 4, (300, 40)).astype(np.float32)
    expected = network.score_stream(frames.reshape(100, 120))
    model = StreamingModel(tmp_path / "first.onnx")
    together = model.process(frames)
    np.testing.assert_allclose(together[25:], expected, atol=0.01)
    model.reset()
    parts = [each for at in range(0, 300, 6) for each in model.process(frames[at : at + 6])]
    np.testing.assert_allclose(parts, together, atol=1e-5)


def test_the_verifier_is_the_mean_of_its_networks(tmp_path: Path) -> None:
    networks = [some_network(Shape(8, 96, 32, 32), seed) for seed in (1, 2)]
    write_verifier(networks, tmp_path / "verifier.onnx")
    history = np.random.default_rng(3).standard_normal((8, 96)).astype(np.float32)
    verifier = Verifier(tmp_path / "verifier.onnx")
    logits = [
        np.log(p / (1 - p)) for p in (float(each.score_stream(history)[0]) for each in networks)
    ]
    assert verifier.depth == 8
    assert verifier.score(history) == pytest.approx(1 / (1 + np.exp(-np.mean(logits))), abs=0.01)


@pytest.fixture
def spoken(tmp_path: Path, say: Callable[..., np.ndarray]) -> list[Recording]:
    for name, text in (("word", "Hey Jarvis"), ("other", "What a lovely morning this is")):
        folder = tmp_path / name
        folder.mkdir()
        for index, speed in enumerate((0.9, 1.0, 1.1)):
            silence = np.zeros(8000, np.int16)
            sound = np.concatenate((silence, say(text, speed), silence))
            soundfile.write(folder / f"{index}.wav", sound, 16_000)
    return find([tmp_path])


def test_examples_know_where_the_word_ends_and_a_network_learns_it(
    spoken: list[Recording], model: Callable[[str], Path]
) -> None:
    model("openwakeword/embedding_stream.onnx")
    orders = [Order(r, i % 3, 3, r.path.parent.name == "word") for i, r in enumerate(spoken)]
    made = examples.make(orders, Supplies(seed=1), processes=1)
    assert len(made) == 18
    again = examples.make(orders[:1], Supplies(seed=1), processes=1)
    np.testing.assert_array_equal(made[0].frames, again[0].frames)
    for stream, depth in (
        (windows.first_stream(made, 26), 26),
        (windows.second_stream(made, 6), 6),
    ):
        assert len(stream.words) >= 9 * 2
        assert len(stream.others) > len(stream.words)
        lesson = Lesson(steps=150, batch=64, mine_every=100, hard=100)
        network = train(stream, Shape(depth, stream.steps.shape[1], 8, 8), lesson, 0)
        scores = network.score_stream(stream.steps)
        assert scores[stream.words].mean() > scores[stream.others].mean() + 0.4


def test_the_word_is_found_in_its_recording(say: Callable[..., np.ndarray]) -> None:
    word = say("Jarvis").astype(np.float32)
    padded = np.pad(word, (16_000, 9_000))
    start, end = span(padded)
    assert 16_000 - 800 <= start <= 16_000 + 8_000
    assert start + 3_000 < end <= 16_000 + len(word) + 800


def test_speakers_are_read_from_their_file(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        soundfile.write(tmp_path / name, np.zeros(800, np.int16), 16_000)
    (tmp_path / "speakers.json").write_text('{"a.wav": "ada", "b.wav": "ada"}')
    found = find([tmp_path])
    assert [each.speaker for each in found] == ["ada", "ada", "c"]
    assert found[0].fold(3) == found[1].fold(3)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoRecordingsError, match="does not exist"):
        find([tmp_path / "nothing"])

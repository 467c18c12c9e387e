"""The peers in the report are what their packages are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.workshop.training.measuring.systems import (
    Choice,
    NothingToHearError,
    OpenWakeWordPeer,
    PymicroWakeword,
)

pytest.importorskip("openwakeword")
pytest.importorskip("pymicro_wakeword")


@pytest.mark.parametrize(("kind", "within"), [(OpenWakeWordPeer, 1e-3), (PymicroWakeword, 0.02)])
def test_the_cheap_way_gives_the_scores_of_the_package(
    kind: type[OpenWakeWordPeer | PymicroWakeword],
    within: float,
    say: Callable[..., np.ndarray],
    model: Callable[[str], Path],
) -> None:
    for name in ("openwakeword/embedding_stream", "microwakeword/hey_jarvis"):
        model(f"{name}.onnx")
    peer = kind(("hey jarvis", "alexa"))
    random = np.random.default_rng(2)
    highest = []
    for text in ("Hey Jarvis", "Alexa", "Hey Janice, are you there?", "Open the window"):
        sound = np.pad(say(text).astype(float), (24_000, 13_000 + len(text)))
        noisy = (sound + random.normal(size=len(sound)) * 60).clip(-32768, 32767).astype(np.int16)
        streamed, package = peer.peaks_by_stream(noisy), peer.peaks_by_package(noisy)
        assert streamed == pytest.approx(package, abs=within)
        highest.append(max(package.values()))
    assert highest[0] > 0.9
    assert peer.furthest == 0.0


def test_a_difference_to_the_package_is_noticed_and_the_package_believed(
    say: Callable[..., np.ndarray],
    model: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model("openwakeword/embedding_stream.onnx")
    peer = OpenWakeWordPeer(("hey jarvis",))
    sound = np.pad(say("Hey Jarvis"), (24_000, 13_000))
    right = peer.peaks(sound)
    assert right["hey jarvis"] > 0.9
    monkeypatch.setattr(peer, "peaks_by_stream", lambda _: {"hey jarvis": 0.1})
    assert peer.peaks(sound)["hey jarvis"] == 0.1
    assert peer.furthest > 0.8
    assert peer.peaks(sound)["hey jarvis"] > 0.9


def test_a_peer_without_the_words_is_left_out() -> None:
    with pytest.raises(NothingToHearError):
        OpenWakeWordPeer(("computer",))
    assert [each.name for each in Choice(words=("computer",)).open()] == ["bittern"]

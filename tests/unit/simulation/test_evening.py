"""A household's evening: nothing twice, nobody in silence, the same again by its seed."""

from __future__ import annotations

import json

import pytest

from device.assistant.answering import Answering
from device.assistant.calls import TurnCalls
from device.cli import main
from device.workshop.simulation.evening import evening

SEEDS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept(seed: int) -> None:
    lived = evening(seed)
    assert lived.broken == (), "\n".join(lived.diary)
    assert lived.turns > 0


def test_the_same_seed_is_the_same_evening() -> None:
    assert evening(4) == evening(4)
    assert evening(4).diary == evening(4).diary
    assert evening(4).diary != evening(6).diary


def is_noticed(what: str, seeds: range) -> bool:
    return any(what in broken for seed in seeds for broken in evening(seed).broken)


def test_it_notices_what_is_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TurnCalls, "__bool__", lambda _: False)  # nothing is carried over
    monkeypatch.setattr(TurnCalls, "earlier", lambda *_: None)
    assert is_noticed("was carried out 2 times", range(60))


def test_it_notices_who_is_left_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "_unheard", lambda *_: None)  # as it was: silence is complete
    assert is_noticed("nobody has heard anything", range(60))


def test_the_command_tells_figures_and_fails_only_for_broken_promises(capsys) -> None:
    assert main(["bench", "evening", "--seed", "1", "--evenings", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["evenings"], told["broken"]) == (3, {})
    assert told["turns"] > 10

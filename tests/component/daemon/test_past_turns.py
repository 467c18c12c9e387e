"""What is kept of past turns by a service that runs, and how one is explained."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from device.assistant.news import QuestionHeard, TurnBegan, TurnEnded, Unanswered, WakeHeard
from device.assistant.turn import Figures, Trigger
from device.cli import main
from device.cli.turns_plot import phase
from device.house.past_turns import FILE, PastTurns, read
from device.settings.forget import forget
from tests.component.daemon.test_service import SHORT, run, running

__all__ = ["run", "running"]

FIGURES = Figures(10.0, 10.3, 10.4, 12.1, 12.8, 13.0, 15.0, Trigger.WAKE_WORD, "openai")


@pytest.mark.parametrize("with_transcripts", [False, True])
async def test_a_turn_is_kept_with_words_only_where_the_owner_allows_them(
    run, settings, cloud_of, with_transcripts, tmp_path, capsys
):
    cloud = await cloud_of(SHORT)
    log = f"[log]\ntranscripts = {str(with_transcripts).lower()}\n"
    running = await run(settings.load(settings.endpoint("cloud", cloud.url), more=log))
    assert (await running.order("ask", text="what time is it"))["ok"]
    socket = ["--socket", str(running.socket)]
    assert await asyncio.to_thread(main, ["turns", *socket, "--json"]) == 0
    (turn,) = json.loads(capsys.readouterr().out)
    assert turn["events"][-1]["endpoint"] == "cloud"
    kept = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert (b"noon" in kept) == with_transcripts
    assert await asyncio.to_thread(main, ["turns", *socket, str(turn["id"])]) == 0
    said = capsys.readouterr().out
    assert "It ended: answered." in said
    assert ("noon" in said) == with_transcripts
    assert await asyncio.to_thread(main, ["turns", *socket, "99"]) == 1


async def _kept(path: Path, *news: object, now_s: float = 1_000_000.0) -> None:
    turns = PastTurns(path, lambda: False, lambda: 0.0, lambda: now_s)
    for each in news:
        turns.take(each)  # type: ignore[arg-type]
    await turns.close()


async def test_a_turn_is_explained_in_sentences(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    await _kept(
        tmp_path / FILE,
        TurnBegan(7, Trigger.WAKE_WORD, 5),
        WakeHeard(7, "hey jarvis", 0.951, 10.0),
        QuestionHeard(7, "a secret", "openai"),
        Unanswered(7, "timeout", ("openai",)),
        TurnEnded(7, FIGURES),
    )
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert await asyncio.to_thread(main, ["turns", "1"]) == 0
    said = capsys.readouterr().out
    assert "Heard 'hey jarvis' at 0.95." in said
    assert "The question was over 2.1 s after that." in said
    assert "0.90 s after the end of the question" in said
    assert "nobody answered, timeout" in said
    assert "secret" not in said


async def test_no_more_is_kept_than_is_said(tmp_path):
    """On docs/privacy.md: 1,000 turns, 30 days."""
    path = tmp_path / FILE
    turn = (TurnBegan(1, Trigger.BUTTON), TurnEnded(1, FIGURES))
    await _kept(path, *turn, now_s=0.0)
    await _kept(path, *turn, now_s=86_400.0 * 30 + 1)
    assert [each["id"] for each in read(path, 9)] == [2]
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO turns (began_unix_s, spent_usd, events) VALUES (1e9, 0, '[]')",
            [()] * 1_005,
        )
    await _kept(path, *turn, now_s=1e9)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM turns").fetchone() == (1_000,)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_disk_that_fails_disturbs_nobody(tmp_path, caplog):
    await _kept(tmp_path, TurnBegan(1, Trigger.BUTTON), TurnEnded(1, FIGURES))
    assert "past turns are not kept" in caplog.text


async def test_a_factory_reset_erases_it(tmp_path):
    state = tmp_path / "state"
    await _kept(state / FILE, TurnBegan(1, Trigger.BUTTON), TurnEnded(1, FIGURES))
    assert read(state / FILE, 9)
    forget(tmp_path / "bittern.toml", state, tmp_path / "keys")
    assert list(state.glob(f"{FILE}*")) == []


async def test_the_timelines_are_drawn(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="only training and pictures need matplotlib")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    await _kept(tmp_path / FILE, TurnBegan(1, Trigger.WAKE_WORD), TurnEnded(1, FIGURES))
    (turn,) = read(tmp_path / FILE, 9)
    begin, length = phase(turn, "speech_end_s", "first_audio_played_s")
    assert (round(begin, 3), round(length, 3)) == (2.1, 0.9)
    assert phase({"events": []}, "wake_s", "speech_end_s") == (0.0, 0.0)
    picture = tmp_path / "turns.png"
    assert await asyncio.to_thread(main, ["turns", "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert await asyncio.to_thread(main, ["turns", "--plot", str(tmp_path / "no" / "a.png")]) == 1
    assert "cannot be written" in capsys.readouterr().err

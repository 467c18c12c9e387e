"""``bittern tools``: the tools by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from device.cli import main
from device.tools.database import Database


def call(store: Path, *arguments: str) -> int:
    return main(["tools", "call", "--store", str(store), *arguments])


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")][:1] == ["get_time"]
    assert len(lines) == len(set(lines)) > 22
    assert any(line.startswith("set_timer ") and "rings after" in line for line in lines)
    assert main(["tools", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "get_time"


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "schema", "set_alarm", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    (tool,) = json.loads(out)
    assert tool["type"] == "function"
    assert tool["parameters"]["required"] == ["time"]
    assert main(["tools", "schema", "fly"]) == 1
    assert "there is no tool fly" in capsys.readouterr().err


def test_a_call_is_kept_for_the_next(store_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(store_path, "set_timer", '{"minutes": 10, "name": "tea"}') == 0
    captured = capsys.readouterr()
    assert captured.out == "Your tea timer is set for ten minutes.\n"
    assert "when the appliance runs" in captured.err
    assert call(store_path, "list_timers", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["timers"][0]["name"] == "tea"


def test_a_mistake_is_told_and_ends_with_1(
    store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(store_path, "set_timer", '{"minutes": "many"}') == 1
    captured = capsys.readouterr()
    assert "Expected `float`, got `str`" in captured.err
    assert call(store_path, "set_volume", '{"percent": 5}') == 1
    assert capsys.readouterr().out == "The appliance is not running.\n"


def test_a_running_appliance_keeps_its_store(
    store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database.open(store_path)
    assert call(store_path, "list_timers") == 1
    assert "The appliance is running" in capsys.readouterr().err
    database.close()


def test_the_usual_store_is_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    assert main(["tools", "call", "read_list"]) == 0
    assert capsys.readouterr().out == "Your shopping list is empty.\n"
    assert (tmp_path / "house.sqlite3").exists()


def test_timers_and_lists_of_a_stopped_appliance(
    store_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def bittern(*words: str) -> str:
        assert main([words[0], "--store", str(store_path), *words[1:]]) == 0
        return capsys.readouterr().out

    assert bittern("timers", "set", "1h30m") == "One hour and thirty minutes, starting now.\n"
    bittern("lists", "add", "shopping", "milk")
    assert "milk" in bittern("lists", "show", "shopping")
    bittern("lists", "clear", "shopping")
    assert "empty" in bittern("lists", "show", "shopping")


@pytest.mark.parametrize("wrong", ["", "10", "ten", "10m5h", "-5m"])
def test_a_span_that_is_none_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["timers", "set", wrong])
    assert capsys.readouterr().err

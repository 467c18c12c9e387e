"""``bittern brain`` takes from the settings what systemd's unit does not say."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from device.brain.answering.thinker import load_tool_model
from device.brain.understanding.intents.language import load_language
from device.cli import parser
from device.cli.brain import _take_from_settings
from device.room.policy import brain_arguments
from device.settings.tree import Brain, Paths, Settings


def taken(*words: str) -> argparse.Namespace:
    arguments = parser().parse_args(["brain", "--from-settings", *words])
    _take_from_settings(arguments)
    return arguments


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "bittern.toml"
    monkeypatch.setenv("BITTERN_CONFIG", str(path))
    return path


def test_what_the_owner_has_set_is_taken(settings):
    settings.write_text('[brain]\nchat_model = "/srv/own.gguf"\nidle_exit_s = 20\n')
    arguments = taken()
    assert (arguments.model, arguments.idle_exit_s) == (Path("/srv/own.gguf"), 20.0)


def test_never_is_no_time_at_all(settings):
    settings.write_text("[brain]\nidle_exit_s = 0\n")
    assert taken().idle_exit_s is None


def test_what_is_written_on_the_command_line_comes_first(settings):
    settings.write_text('[brain]\nchat_model = "/srv/own.gguf"\nidle_exit_s = 20\n')
    arguments = taken("--model", "/other.gguf", "--idle-exit-s", "7")
    assert (arguments.model, arguments.idle_exit_s) == (Path("/other.gguf"), 7.0)


@pytest.mark.parametrize(
    ("written", "words", "chosen"),
    [
        ("", (), "none"),
        ('tool_model = "needle"', (), "needle"),
        ('tool_model = "needle"', ("--tool-model", "none"), "none"),
        ("", ("--tool-model", "needle"), "needle"),
    ],
)
def test_the_tool_model_is_the_owner_s_choice(settings, written, words, chosen):
    settings.write_text(f"[brain]\n{written}\n")
    assert taken(*words).tool_model == chosen


def test_the_appliance_hands_its_brain_the_tool_model():
    assert "--tool-model" not in brain_arguments(Settings())
    assert brain_arguments(Settings(brain=Brain(tool_model="needle")))[-2:] == [
        "--tool-model",
        "needle",
    ]


def test_a_tool_model_that_is_not_there_keeps_no_brain_from_starting(tmp_path, monkeypatch):
    monkeypatch.setenv("BITTERN_MODELS", str(tmp_path))
    assert load_tool_model("needle", load_language()) is None


def test_the_store_of_the_settings_is_the_one_of_the_brain(settings, monkeypatch):
    monkeypatch.setenv("BITTERN_MODELS", "/nowhere")
    settings.write_text('[paths]\nmodels = "/srv/models"\n')
    assert taken().models == Path("/srv/models")
    assert taken("--models", "/other").models == Path("/other")
    wished = Settings(paths=Paths(models="/srv/models"))
    assert brain_arguments(wished)[:2] == ["--models", "/srv/models"]


def test_bad_settings_do_not_keep_the_brain_from_starting(settings, capsys):
    settings.write_text("[brain]\nidle_exit_s = 'soon'\n")
    assert taken().idle_exit_s == 300.0
    assert "shipped settings apply" in capsys.readouterr().err

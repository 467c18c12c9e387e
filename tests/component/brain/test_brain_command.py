"""``bittern brain`` takes from the settings what systemd's unit does not say."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from device.cli import parser
from device.cli.brain import _take_from_settings


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


def test_bad_settings_do_not_keep_the_brain_from_starting(settings, capsys):
    settings.write_text("[brain]\nidle_exit_s = 'soon'\n")
    assert taken().idle_exit_s == 300.0
    assert "shipped settings apply" in capsys.readouterr().err

"""``bittern brain`` takes from the settings what systemd's unit does not say."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from device.brain.answering.putting_together import load_tool_model
from device.brain.base.truths import HouseTruths
from device.brain.understanding.intents.language import load_language
from device.cli import parser
from device.cli.brain import _take_from_settings, _truths
from device.room.policy import brain_arguments
from device.settings.places import OWN_BRAIN
from device.settings.tree import Assistant, Brain, Log, Paths, Settings, shipped_endpoints


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
    wished = brain_arguments(Settings(brain=Brain(tool_model="needle")))
    assert wished[wished.index("--tool-model") + 1] == "needle"


def test_the_appliance_tells_its_brain_what_is_true_of_the_house():
    """The brain answers from it what nobody may guess: whom to call, what is kept."""
    wished = Settings(
        assistant=Assistant(country="DE"),
        brain=Brain(help_tool="call_neighbour"),
        log=Log(transcripts=True),
        endpoint=tuple(each for each in shipped_endpoints() if each.url == OWN_BRAIN),
    )
    given = parser().parse_args(["brain", *brain_arguments(wished)])
    assert _truths(given) == HouseTruths(country="DE", help_tool="call_neighbour", keeps_words=True)
    assert _truths(parser().parse_args(["brain", *brain_arguments(Settings())])).may_ask_cloud


def test_a_brain_of_its_own_reads_what_is_true_from_the_settings(settings):
    settings.write_text('[assistant]\ncountry = "GB"\n[wake]\nkeep_recordings = 5\n')
    found = _truths(taken())
    assert (found.country, found.keeps_sound, found.keeps_words) == ("GB", True, False)
    assert _truths(taken("--country", "FR")).country == "FR"


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

"""A key that an older release had is read past, and its owner is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from device.cli import main
from device.firmware import FIRMWARE
from device.schema.checker import leaf_paths
from device.schema.document import parse_document, read_document
from device.settings.load import RETIRED, LoadedSettings, SettingsError, assemble
from device.settings.tree import Settings

OLD = "[microphone]\npreroll_s = 2.0\nblock_ms = 20\n"


def loaded(text: str) -> LoadedSettings:
    shipped = read_document(FIRMWARE / "bittern.toml")
    return assemble(shipped, parse_document(text.encode(), "my.toml"))


def test_a_file_with_a_retired_key_is_read_and_the_line_is_told() -> None:
    found = loaded(OLD)
    microphone = dataclasses.replace(Settings().microphone, block_ms=20)
    assert found.settings == dataclasses.replace(Settings(), microphone=microphone)
    (told,) = found.retired
    assert str(told) == "my.toml:2: microphone.preroll_s = 2.0: " + RETIRED["microphone.preroll_s"]


def test_only_where_it_was_it_is_no_mistake() -> None:
    with pytest.raises(SettingsError) as refused:
        loaded("[speaker]\npreroll_s = 2.0\n")
    assert "my.toml:2: speaker.preroll_s" in str(refused.value)


def test_no_key_is_retired_that_there_is() -> None:
    assert not set(RETIRED) & {path for _, path in leaf_paths(Settings)}


def test_config_check_calls_the_file_good_and_names_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "my.toml"
    file.write_text(OLD)
    main(["config", "check", str(file)])
    said = capsys.readouterr()
    assert f"{file}: good" in said.out
    assert f"{file}:2: microphone.preroll_s = 2.0: has no effect any more" in said.err

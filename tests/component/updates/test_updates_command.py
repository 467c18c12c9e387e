"""``bittern update`` as somebody types it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import device.updates.places as places_module
from device.cli import main
from device.updates.making import describe
from device.updates.manifest import parse
from device.updates.signature import verify

Appliance = Any
"""The class of this name in conftest.py."""


@pytest.fixture
def at_home(appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Appliance:
    """The command's idea of where everything is, moved into a folder."""
    appliance.install("0.1.0")
    monkeypatch.setattr(places_module, "AppliancePlaces", lambda: appliance.places)
    monkeypatch.setenv("BITTERN_CONFIG", str(tmp_path / "bittern.toml"))
    (tmp_path / "bittern.toml").write_text("")
    return appliance


def test_updates_that_are_not_set_up(at_home: Appliance, capsys: Any) -> None:
    assert main(["update", "check"]) == 1
    assert "updates are not set up" in capsys.readouterr().err
    assert main(["update", "apply", "--automatic"]) == 0, "a timer must not fail for that"
    assert "nothing was done" in capsys.readouterr().out


def test_check_says_what_there_is(at_home: Appliance, tmp_path: Path, capsys: Any) -> None:
    source = at_home.publish("0.2.0")
    (tmp_path / "bittern.toml").write_text(f'[update]\nurl = "{source.path}"\n')
    assert main(["update", "check", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["offered"], said["is_wanted"], said["refused"]) == ("0.2.0", True, "")
    assert main(["update", "check", "--from", str(at_home.publish("0.0.1").path)]) == 0
    assert "not newer" in capsys.readouterr().out


def test_status_shows_both(at_home: Appliance, capsys: Any) -> None:
    assert main(["update", "status", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["current"]["version"] == "0.1.0"
    assert (said["previous"], said["under_way"]) == (None, None)


def test_a_release_of_this_very_clone(tmp_path: Path, signing_key: Path, capsys: Any) -> None:
    """Of what is committed in it: a copy, since somebody may be working in it."""
    clone = tmp_path / "clone"
    here = Path(__file__).resolve().parents[3]
    done = subprocess.run(["git", "clone", "-q", here, clone], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"this is not a clone: {done.stderr}")
    from device.updates.making import make

    archive, written, signature = make(clone, tmp_path / "out", signing_key)
    release = parse(written.read_bytes())
    assert release.archive is not None
    assert release.archive.file == archive.name
    names = {file.path for file in release.files}
    assert {"scripts/environment", "device/updates/updater.py", "requirements/run.txt"} <= names
    assert next(file for file in release.files if file.path == "scripts/environment").executable
    kind, public, *_ = signing_key.with_suffix(".pub").read_text().split()
    (tmp_path / "signers").write_text(f"bittern-release {kind} {public}\n")
    assert "Good" in verify(written.read_bytes(), signature.read_bytes(), tmp_path / "signers")
    # The same files installed from a clone are the same release.
    subprocess.run(["rm", "-r", clone / ".git"], check=True)
    assert describe(clone).id == release.id


def test_what_is_not_committed_is_no_release(
    appliance: Appliance, signing_key: Path, tmp_path: Path
) -> None:
    from device.updates.errors import UpdateFailed
    from device.updates.making import make

    clone = appliance.clone("0.2.0")
    (clone / "program").write_text("changed")
    with pytest.raises(UpdateFailed, match="not committed"):
        make(clone, tmp_path / "out", signing_key)

"""Two instances never answer one microphone, and bad places end in a sentence."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device.appliance.brain_process import BrainDidNotStartError, BrainProcess
from device.appliance.journal import NoJournalError, is_available, log_to_journal
from device.appliance.sole import AnotherInstanceError, MicrophoneClaim, look_for_another
from device.errors import BitternError
from device.models.location import store_folder
from device.settings.places import state_folder
from device.settings.tree import Paths

NAMES = ("USB Audio: - (hw:1,0)", "USB Audio: mono (hw:1,1)", "pulse", "")


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    folder = tmp_path / "snd"
    folder.mkdir()
    for name in ("controlC0", "controlC1", "timer"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_microphone_is_claimed_once(nodes: Path, name: str) -> None:
    claim = MicrophoneClaim.make(name, nodes)
    with pytest.raises(AnotherInstanceError, match="another Bittern listens"):
        MicrophoneClaim.make(name, nodes)
    other = MicrophoneClaim.make("HAT (hw:0,0)", nodes)
    claim.release()
    MicrophoneClaim.make(name, nodes).release()
    other.release()


def test_a_claim_ends_with_its_process(nodes: Path) -> None:
    code = (
        "import sys, pathlib; from device.appliance.sole import MicrophoneClaim as M; "
        "c = M.make('(hw:1,0)', pathlib.Path(sys.argv[1])); print('mine', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(nodes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(AnotherInstanceError):
            MicrophoneClaim.make("(hw:1,0)", nodes)
        other.kill()
    MicrophoneClaim.make("(hw:1,0)", nodes).release()


def test_without_a_sound_card_nothing_is_claimed(tmp_path: Path) -> None:
    MicrophoneClaim.make("", tmp_path).release()


def test_a_second_appliance_ends_with_a_sentence(tmp_path: Path) -> None:
    settings = tmp_path / "bittern.toml"
    settings.write_text(f'[paths]\nruntime = "{tmp_path}"\nstate = "{tmp_path}"\n')
    with socket.socket(socket.AF_UNIX) as first:
        first.bind(str(tmp_path / "control.sock"))
        first.listen()
        command = [sys.executable, "-m", "device", "run", "--config", str(settings)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "another Bittern runs here" in second.stderr
    assert "sudo systemctl stop bittern" in second.stderr
    assert "Traceback" not in second.stderr
    look_for_another(tmp_path / "nobody.sock", tmp_path / "control.sock")


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_service_that_one_may_not_look_into_is_there() -> None:
    code = (
        "import os, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from pathlib import Path; from device.appliance.sole import look_for_another\n"
        "look_for_another(Path(sys.argv[1]))"
    )
    # Not below pytest's own folder, which other users may not enter either.
    folder = Path("/run") / f"bittern-test-{os.getpid()}"
    folder.mkdir(mode=0o750)
    try:
        script = [sys.executable, "-c", code, str(folder / "control.sock")]
        found = subprocess.run(script, capture_output=True, text=True, timeout=60)
    finally:
        folder.rmdir()
    if "ModuleNotFoundError" in found.stderr:
        pytest.skip("another user cannot read this clone")
    assert "AnotherInstanceError: another Bittern runs here" in found.stderr


def test_without_a_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(BitternError, match="no home folder") as failed:
        state_folder(Paths(), {})
    assert "[paths] state" in failed.value.advice
    with pytest.raises(BitternError, match="no home folder") as failed:
        store_folder({}, appliance=Path("/nonexistent"))
    assert "BITTERN_MODELS" in failed.value.advice


def test_without_a_journal_it_says_so_and_does_not_log_into_nothing(tmp_path: Path) -> None:
    assert not is_available(tmp_path / "socket")
    with pytest.raises(NoJournalError, match="no journal runs here"):
        log_to_journal("info", tmp_path / "socket")


def test_without_a_runtime_folder_the_brain_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    brain = BrainProcess(tmp_path / "run" / "bittern" / "brain.sock")
    with pytest.raises(BrainDidNotStartError, match="cannot be made") as failed:
        asyncio.run(brain.ensure())
    assert "[paths] runtime" in failed.value.advice

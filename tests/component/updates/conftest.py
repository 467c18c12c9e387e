"""A whole appliance in a folder: real releases, really signed, and a systemctl of few lines."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest

from device.errors import BitternError
from device.models.progress import FetchProgress
from device.updates import house
from device.updates.candidate import Candidate
from device.updates.making import describe, make
from device.updates.manifest import ReleaseManifest
from device.updates.places import COMPLETE, AppliancePlaces
from device.updates.services import Systemd
from device.updates.source import Folder, offered
from device.updates.unpack import verify_files
from device.updates.updater import Updater, UpdaterParts, installed
from tests.support.accepting import AcceptingSocket

ENVIRONMENT = """\
#!/bin/sh
set -e
here=$(cd "$(dirname "$0")/.." && pwd)
[ ! -e "$here/flaws/environment" ] || { echo 'a package is not to be had'; exit 1; }
mkdir -p "$here/.venv/bin"
echo "$@" >"$here/.venv/asked"
cp "$here/program" "$here/.venv/bin/bittern"
"""
PROGRAM = """\
#!/bin/sh
here=$(cd "$(dirname "$0")/../.." && pwd)
case "$1 $2" in
'models fetch')
    [ ! -e "$here/flaws/models" ] || { echo 'the model is not to be had'; exit 1; }
    mkdir -p "$BITTERN_MODELS/ears"
    cmp -s "$here/model" "$BITTERN_MODELS/ears/model" || {
        cp "$here/model" "$BITTERN_MODELS/ears/.new" &&
        mv "$BITTERN_MODELS/ears/.new" "$BITTERN_MODELS/ears/model"
    } ;;
'update test')
    [ ! -e "$here/flaws/test" ] || { echo 'it is deaf'; exit 3; }
    cmp "$here/model" "$BITTERN_MODELS/ears/model" ;;
esac
"""
SYSTEMCTL = """\
#!/bin/sh
# Keeps in files what systemd keeps in memory: which release runs, since when, how it is.
cd {folder}
read -r state <state
read -r pid <pid
start() {{
    release=$(readlink {current})
    echo $((pid + 1)) >pid
    if [ -e "$release/flaws/start" ]; then echo failed >state; else echo active >state; fi
    [ ! -e "$release/schema" ] || printf '%060d\\0\\0\\0\\002migrated' 0 >{database}
    echo "$release" >runs
    cp {units}/bittern.service unit
}}
[ "$1" = --no-block ] && shift
case $1 in
stop) [ "$state" = failed ] || echo inactive >state ;;
start) [ "$state" = active ] || start ;;
restart) start ;;
reset-failed) [ "$state" != failed ] || echo inactive >state ;;
boot) start ;;
show)
    case "$3 $5" in
    'ActiveState bittern.service') echo "$state" ;;
    'ActiveState bittern-safe.service') cat safe ;;
    MainPID*) echo "$pid" ;;
    Result*) echo exit-code ;;
    esac ;;
esac
"""


_HALF = ".journal.json.new"
"""A journal that was never given its name."""


@dataclass
class Appliance:
    """Everything that an update touches, in one folder."""

    folder: Path
    places: AppliancePlaces
    key: Path
    schema: int = 1
    log: StringIO = field(default_factory=StringIO)

    @property
    def systemctl(self) -> Path:
        return self.folder / "systemd" / "systemctl"

    def clone(self, version: str, *flaws: str, model: str = "a model", schema: int = 1) -> Path:
        """A clone of a release, committed, with what is wrong with it."""
        clone = self.folder / f"clone-{version}"
        if clone.exists():
            return clone
        files = {
            "pyproject.toml": f'[project]\nversion = "{version}"\nrequires-python = ">=3.11"\n',
            "requirements/run.txt": "numpy==2.1\n",
            "scripts/environment": ENVIRONMENT,
            "program": PROGRAM,
            "model": model,
            "systemd/bittern.service": f"# of {version}\n",
            **{f"flaws/{flaw}": "" for flaw in flaws},
            **({"schema": str(schema)} if schema > 1 else {}),
        }
        for name, text in files.items():
            path = clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for program in ("scripts/environment", "program"):
            (clone / program).chmod(0o755)
        git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@y"]
        for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
            subprocess.run([*git, *command], check=True)
        return clone

    def install(self, version: str, **options: str) -> str:
        """Install a release as scripts/install.sh does; return its id."""
        clone = self.clone(version, **options)
        places = self.places
        files = [path for path in clone.rglob("*") if ".git" not in path.parts and path.is_file()]
        folder = places.releases / "incoming"
        for path in files:
            copy = folder / path.relative_to(clone)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            copy.chmod(path.stat().st_mode)
        release = describe(folder)
        folder = folder.rename(places.release(release.id))
        (folder / COMPLETE).touch()
        subprocess.run([folder / "scripts" / "environment"], check=True)
        environment = {**os.environ, "BITTERN_MODELS": str(places.models)}
        subprocess.run([places.program(release.id), "models", "fetch"], check=True, env=environment)
        (places.units / "bittern.service").write_bytes(
            (folder / "systemd" / "bittern.service").read_bytes()
        )
        places.switch(places.current, release.id)
        return release.id

    def publish(self, version: str, *flaws: str, model: str = "a model", schema: int = 1) -> Folder:
        """Make and sign a release; return where it is offered."""
        out = self.folder / f"out-{version}"
        make(self.clone(version, *flaws, model=model, schema=schema), out, self.key, schema)
        return Folder(out)

    def publish_clone(self, version: str, changed: Path) -> Folder:
        """Publish a clone after a change of one file in it."""
        git = ["git", "-C", str(changed.parent), "-c", "user.name=x", "-c", "user.email=x@y"]
        subprocess.run([*git, "commit", "-q", "-m", "x", changed], check=True)
        return self.publish(version)

    def offer(self, source: Folder) -> ReleaseManifest:
        return offered(source, self.places.signers)

    def updater(self, wait: Callable[[], None] = lambda: None) -> Updater:
        progress = FetchProgress(self.log)
        return Updater(
            UpdaterParts(
                self.places,
                Systemd(str(self.systemctl), sleep=lambda _: None),
                Candidate(self.places, progress.say, user="nobody-of-that-name"),
                wait,
                progress,
                ready_within_s=0.0,
                steady_s=0.0,
            )
        )

    def boot(self) -> None:
        """What systemd does after the power came back: start what the link names."""
        subprocess.run([self.systemctl, "boot"], check=True)

    @property
    def running(self) -> tuple[str, str]:
        """The release that runs, and how it is."""
        status = self.folder / "systemd"
        return Path((status / "runs").read_text().strip()).name, (
            status / "state"
        ).read_text().strip()

    def image(self) -> Path:
        """A copy of the whole disk, links and all."""
        image = self.folder.with_name(f"image-{time.monotonic_ns()}")
        subprocess.run(["cp", "-a", self.folder, image], check=True)
        return image

    def restore(self, image: Path) -> None:
        """Have the disk as it was."""
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", image, self.folder], check=True)

    def assert_wholly(self, name: str) -> None:
        """This release is installed, linked, whole and running, and nothing is under way."""
        places = self.places
        assert places.which(places.current) == name
        assert self.running == (name, "active")
        release = installed(places, name)
        assert release is not None
        verify_files(places.release(name), release)
        assert (places.release(name) / COMPLETE).exists()
        for program in ("model", "systemd/bittern.service"):
            assert (places.release(name) / program).exists()
        assert (places.models / "ears" / "model").read_text() == (
            places.release(name) / "model"
        ).read_text()
        unit = (places.release(name) / "systemd" / "bittern.service").read_text()
        assert (places.units / "bittern.service").read_text() == unit
        assert (self.folder / "systemd" / "unit").read_text() == unit
        assert house.schema_of(places.state) == release.schema
        # The beginning of a download is kept: the next try continues it.
        left = {path.name for path in places.work.glob("*") if path.suffix != ".part"}
        assert left <= {"lock", "saved", "refused.json", "keeper", ".keeper.new", _HALF}, left
        assert not places.staged.exists()
        assert b"the list of the house" in (places.state / house.DATABASE).read_bytes() or (
            release.schema > 1
        )

    def cut(self, act: Callable[[], object], at: int) -> int:
        """Carry something out in a process that is killed before its ``at``-th step on the disk.

        Returns how many there were; the process was killed when that is ``at``.
        """
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _live_and_die(act, at, writing)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        with open(reading, "rb") as pipe:
            said = pipe.read().decode()
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return at
        assert os.waitstatus_to_exitcode(status) == 0, said
        return int(said)


_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_STEPS = {"os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.chmod",
          "subprocess.Popen"}  # fmt: skip


def _live_and_die(act: Callable[[], object], at: int, pipe: int) -> None:
    """In the child: Python itself tells (audit hooks) of each thing that is about to be done."""
    count = 0

    def told(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if event in _STEPS or opens:
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)

    status = 0
    try:
        sys.addaudithook(told)
        with contextlib.suppress(BitternError):
            act()
    except BaseException:
        os.write(pipe, traceback.format_exc().encode())
        status = 1
    if status == 0:
        os.write(pipe, str(count).encode())
    os._exit(status)


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of the makers."""
    key = tmp_path_factory.mktemp("keys") / "maker"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "maker", "-f", key], check=True
    )
    return key


def trust(places: AppliancePlaces, key: Path) -> None:
    """Have an appliance trust a key."""
    kind, public, *_ = key.with_suffix(".pub").read_text().split()
    places.signers.write_text(f'bittern-release namespaces="bittern-release" {kind} {public}\n')


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk in memory where there is one: everything is synchronised, thousands of times."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="bittern-test-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def appliance(disk: Path, signing_key: Path, monkeypatch: pytest.MonkeyPatch) -> Appliance:
    """An appliance whose owner trusts the makers; nothing is installed yet."""
    monkeypatch.setattr(os, "sync", lambda: None)  # the whole machine's disks, a second each
    root = disk / "appliance"
    places = AppliancePlaces(
        root=root / "opt", units=root / "units", models=root / "models", state=root / "state",
        settings=root / "bittern.toml", signers=root / "signers", control=root / "control",
    )  # fmt: skip
    systemd = root / "systemd"
    for folder in (places.releases, places.units, places.models, places.state, systemd):
        folder.mkdir(parents=True)
    database = places.state / house.DATABASE
    database.write_bytes(bytes(60) + b"\0\0\0\1" + b"the list of the house")
    trust(places, signing_key)
    script = systemd / "systemctl"
    script.write_text(
        SYSTEMCTL.format(
            folder=systemd, current=places.current, database=database, units=places.units
        )
    )
    script.chmod(0o755)
    (systemd / "state").write_text("inactive\n")
    (systemd / "safe").write_text("inactive\n")
    (systemd / "pid").write_text("100\n")
    return Appliance(root, places, signing_key)


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[AcceptingSocket]:
    """The real one, a process for each connection."""

    def answer(connection: socket.socket) -> None:
        command = [sys.executable, "-P", "-m", "device.models.fetcher", "--folder", str(tmp_path)]
        subprocess.run(command, stdin=connection, timeout=120)

    found = AcceptingSocket(tmp_path / "fetch.sock", answer)
    yield found
    found.close()

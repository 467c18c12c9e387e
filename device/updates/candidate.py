"""What a release is asked to do before it is trusted, by its own programs.

These names are what one release knows of another; they must stay:

* ``scripts/environment [--like RELEASE]`` makes its Python environment
* ``bittern models fetch [--through SOCKET]`` completes the model store of ``BITTERN_MODELS``
* ``bittern update test`` shows that it hears and answers
* ``bittern update resume`` ends what it had begun
"""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from device.models.errors import ModelError
from device.models.through import bring_packages
from device.updates.durable import remove_tree
from device.updates.errors import UpdateFailed
from device.updates.places import AppliancePlaces

ENVIRONMENT_WITHIN_S = 3600.0
MODELS_WITHIN_S = 7200.0
TEST_WITHIN_S = 600.0
USER = "bittern"
"""Who tries a release out: the user who will run it."""
RUN_LOCK = Path("requirements") / "run.txt"
_KEPT = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy",
         "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")  # fmt: skip


class Candidate:
    """Runs the programs of releases; raises UpdateFailed when one of them fails."""

    def __init__(
        self,
        places: AppliancePlaces,
        say: Callable[[str], None],
        user: str = USER,
        through: Path | None = None,
    ) -> None:
        """``through``: the socket of who fetches, where this process has no network."""
        self._places = places
        self._through = through
        self._say = say
        self._user = user

    def make_environment(self, release: str, like: str) -> None:
        """Have it make its Python environment; its packages are shared when they are the same."""
        folder = self._places.release(release)
        command = [str(folder / "scripts" / "environment")]
        if self._places.program(like).exists():
            command += ["--like", str(self._places.release(like))]
        failure = "its Python environment could not be made"
        with self._packages(release, like) as more:
            self._run(command, ENVIRONMENT_WITHIN_S, failure, more=more)

    @contextmanager
    def _packages(self, release: str, like: str) -> Iterator[Mapping[str, str]]:
        """Where pip finds packages; {} for where it always does."""
        lock, old = (self._places.release(each) / RUN_LOCK for each in (release, like))
        if self._through is None or same_file_content(lock, old):
            yield {}
            return
        wheels = self._places.work / "wheels"
        remove_tree(wheels)
        wheels.mkdir(mode=0o755)
        try:
            self._say("  its packages are brought")
            try:
                bring_packages(self._through, lock, wheels)
            except ModelError as error:
                raise UpdateFailed(error.what, error.advice) from None
            yield {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        finally:
            remove_tree(wheels)

    def complete_models(self, release: str, store: Path) -> None:
        """Have it bring the models that it needs and the store lacks."""
        command = [str(self._places.program(release)), "models", "fetch"]
        if self._through is not None:
            command += ["--through", str(self._through)]
        self._run(command, MODELS_WITHIN_S, "its models could not be brought", models=store)

    def prove(self, release: str, store: Path) -> None:
        """Have it hear its own test phrase and answer it, with the settings in force."""
        command = [str(self._places.program(release)), "update", "test"]
        if self._places.settings.exists():
            command += ["--config", str(self._places.settings)]
        self._run(command, TEST_WITHIN_S, "it failed its test", models=store, as_user=True)

    def _run(
        self,
        command: list[str],
        within_s: float,
        failure: str,
        models: Path | None = None,
        as_user: bool = False,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        environment = {name: os.environ[name] for name in os.environ if _is_wanted(name)}
        environment.update(more)
        if models is not None:
            environment["BITTERN_MODELS"] = str(models)
        who = self._who() if as_user else {}
        environment["HOME"] = "/nonexistent" if who else os.environ.get("HOME", "/root")
        last = ""
        process = _started(command, environment, who)
        try:
            with process:
                timer = _Alarm(process, within_s)
                assert process.stdout is not None
                for line in process.stdout:
                    last = line.rstrip() or last
                    self._say(f"  {line.rstrip()}")
                status = process.wait()
                timer.cancel()
        except BaseException:
            _end(process)
            raise
        if timer.has_rung:
            raise UpdateFailed(f"{failure}: no end within {within_s:g} s")
        if status != 0:
            raise UpdateFailed(f"{failure}: {last.strip() or f'status {status}'}")

    def _who(self) -> dict[str, Any]:
        """As the appliance's user, where there is one and we may become it."""
        if os.geteuid() != 0:
            return {}
        try:
            account = pwd.getpwnam(self._user)
        except KeyError:
            return {}
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


class _Alarm:
    """Ends a process that takes too long."""

    def __init__(self, process: subprocess.Popen[str], within_s: float) -> None:
        self.has_rung = False
        self._process = process
        self._timer = threading.Timer(within_s, self._ring)
        self._timer.name = "update: time limit"
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        self._timer.cancel()
        self._timer.join()

    def _ring(self) -> None:
        self.has_rung = True
        _end(self._process)


def _started(
    command: list[str], environment: Mapping[str, str], who: Mapping[str, Any]
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, cwd="/", env=dict(environment), text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, **who,
        )  # fmt: skip
    except OSError as error:
        raise UpdateFailed(f"{command[0]} cannot be run: {error.strerror}") from None


def _end(process: subprocess.Popen[str]) -> None:
    """Its children too: they hold the pipe open, and memory."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def same_file_content(one: Path, other: Path) -> bool:
    """Whether two files are there and say the same."""
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _is_wanted(name: str) -> bool:
    return name in _KEPT or name.startswith(("PIP_", "LC_"))

"""``scripts/run`` as a newcomer meets it: quiet, quick the second time, wherever they stand."""

from __future__ import annotations

import os
import re
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from device import __version__

REPOSITORY = Path(__file__).resolve().parents[3]
RUN = REPOSITORY / "scripts" / "run"
REQUIREMENTS = REPOSITORY / "requirements"


@pytest.fixture(scope="module")
def is_set_up() -> None:
    """The first run may have work to do: that is not what is measured here."""
    done = run("--version")
    if done.returncode:
        pytest.skip(f"scripts/run cannot set up here: {done.stderr.strip()[-300:]}")


def run(
    *arguments: str, cwd: Path = REPOSITORY, command: Path = RUN, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.usefixtures("is_set_up")
class TestRun:
    def test_standard_output_belongs_to_the_command(self) -> None:
        done = run("--version")
        assert (done.returncode, done.stdout) == (0, f"bittern {__version__}\n")

    def test_a_second_run_says_nothing_and_is_quick(self) -> None:
        begun = time.monotonic()
        done = run("--version")
        took_s = time.monotonic() - begun
        assert done.stderr == ""
        # Idle it takes half a second; the bound is for a machine that is busy with tests.
        assert took_s < 10

    def test_the_commands_own_status_is_passed_on(self) -> None:
        assert run("no-such-command").returncode == 2

    def test_it_runs_from_anywhere_and_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "device").mkdir()
        (tmp_path / "device" / "__init__.py").write_text("raise SystemExit('the wrong device')")
        (tmp_path / "go").symlink_to(RUN)
        done = run("--version", cwd=tmp_path, command=tmp_path / "go")
        assert (done.returncode, done.stdout) == (0, f"bittern {__version__}\n")

    def test_paths_are_the_callers(self, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_text("nonsense = 1\n")
        done = run("config", "check", "mine.toml", cwd=tmp_path)
        assert done.returncode == 1
        assert "mine.toml" in done.stdout + done.stderr

    def test_foreign_python_settings_do_no_harm(self) -> None:
        done = run("--version", PYTHONHOME="/nowhere", PIP_USER="1", PIP_TARGET="/nowhere")
        assert (done.returncode, done.stdout) == (0, f"bittern {__version__}\n")

    def test_what_it_started_does_not_hold_its_lock(self) -> None:
        """A daemon that runs for weeks must not keep a second ``scripts/run`` waiting."""
        show = "import os; print(os.listdir('/proc/self/fd'))"
        python = REPOSITORY / ".venv" / "bin" / "python"
        script = (
            f". '{REPOSITORY}/scripts/lib/common.sh'; only_one_at_a_time; let_others_in; "
            f'exec "{python}" -c "{show}"'
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert "'9'" not in done.stdout


def names_in(lock: str) -> set[str]:
    text = (REQUIREMENTS / lock).read_text()
    return {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([\w.-]+)==", text)}


def names_of(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[; ]", each)[0].lower().replace("_", "-") for each in requirements}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("run.txt", ["brain", "convert"]), ("test.txt", ["brain", "convert", "test", "peers"])],
)
def test_the_locks_hold_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = names_of(project["dependencies"])
    for extra in extras:
        wanted |= names_of(project["optional-dependencies"][extra])
    assert wanted - names_in(lock) == set(), "run scripts/lock"


@pytest.mark.parametrize("lock", sorted(path.name for path in REQUIREMENTS.glob("*.txt")))
def test_the_locks_name_no_place_and_leave_no_file_unchecked(lock: str) -> None:
    lines = (REQUIREMENTS / lock).read_text().splitlines()
    assert all(
        re.fullmatch(r"[\w.-]+==[\w.+]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
        for line in lines
    )
    assert not any("://" in line for line in lines)


def test_both_environments_have_the_same_versions() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"(?m)^[\w.-]+==[\w.+]+", (REQUIREMENTS / lock).read_text()))

    assert pins("run.txt") - pins("test.txt") == set()

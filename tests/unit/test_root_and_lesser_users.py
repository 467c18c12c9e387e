"""Every place where root touches what a lesser user can influence, and why that leads nowhere.

Root runs the scripts, updates, the reset, the fetching of models, and what makes the control
socket. Lesser users own the state and the runtime folder of the service, may write to /tmp, and
(the owner's own) have a home and a clone. Each line of a root program that names one of these
stands in ``KNOWN`` with the reason; a new one fails here until somebody has thought about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHELL = re.compile(
    r"\$\{?STATE\b|(?<![\w/])/tmp\b|/var/tmp|mktemp|/run/bittern|\$\{?HOME\b|/dev/shm"
)
PYTHON = re.compile(
    r"places\.state|state /|\(state\b|state_folder\(|tempfile\.|places\.control|usual\.control"
    r"|/var/lib/bittern\"|/run/bittern/|RUNTIME_DIRECTORY|opened_folder\(|expanduser\("
)
UNIT = re.compile(r"^(ReadWritePaths=|ExecStart(Pre|Post)?=[+!]|ExecStopPost=)")
SHELL_OF_ROOT = (
    "scripts/install.sh", "scripts/uninstall.sh", "scripts/store-key.sh", "scripts/environment",
    "scripts/lib/*.sh", "scripts/firstboot/*.sh",
)  # fmt: skip
PYTHON_OF_ROOT = (
    "device/updates/*.py", "device/models/*.py", "device/settings/forget.py",
    "device/settings/key_store.py", "device/settings/tool_addresses.py",
    "device/toolhost/own_examples.py", "device/settings/settings_file.py", "device/cli/update.py",
    "device/cli/models.py", "device/cli/factory_reset.py", "device/cli/sounds.py",
    "device/appliance/control_socket.py",
)  # fmt: skip
UNITS_OF_ROOT = ("systemd/*.service",)

BY_DESCRIPTOR = "opened_folder: through no link, then relative to the descriptor, O_NOFOLLOW"
HANDED_ON = "hands the path on to what opens it by descriptor"
AS_THE_USER = "in a process that has become the service's user, who could do it anyway"
PRIVATE = "mktemp and mkdtemp make a new name of root's, which nobody else can open or replace"
IN_ROOTS = "a new file in a folder of root's own"
REMOVES = "rm follows no link, and opens folders by descriptor; /var/lib is root's"
DATA = "only a name, or an answer that is read as data"
NOBODYS = "not root's: the process that fetches is a dynamic user's"
OWNERS = "what the owner wrote into settings that only root may write"
MAKES_SOCKET = (
    "ExecStartPre=+/opt/bittern/current/.venv/bin/python -P -m device.appliance.control_socket"
)
KNOWN = {
    "scripts/install.sh": {
        "list=$(mktemp)": PRIVATE,
        'if [ -d "$STATE/models" ] && [ ! -L "$STATE/models" ]; then': DATA,
        'BITTERN_MODELS=$MODELS "$bittern" models import "$STATE/models" >/dev/null': (
            "adopt: each file through no link, and by its hash; the store is checked as root's"
        ),
        'rm -rf -- "$STATE/models"': REMOVES,
        '--setenv=RUNTIME_DIRECTORY=/run/bittern --setenv=STATE_DIRECTORY="$STATE" \\': AS_THE_USER,
    },
    "scripts/uninstall.sh": {
        'rm -f -- "${COMMAND%/*}"/.bittern.new /run/bittern-setup.lock': "/run is root's",
        'say "kept: $ETC, $STATE and $MODELS"': DATA,
        'rm -rf -- "$ETC" "$STATE" "$MODELS"': REMOVES,
    },
    "scripts/lib/appliance.sh": {
        'new=$(mktemp -- "$(dirname -- "$file")/.bittern.XXXXXX")': IN_ROOTS,
    },
    "scripts/lib/common.sh": {
        "lock=/run/bittern-setup.lock": "/run is root's, and the lock is for root alone",
    },
    "device/models/fetcher.py": {
        "with tempfile.TemporaryDirectory(dir=self.folder) as name:": NOBODYS,
        'with tempfile.NamedTemporaryFile(dir=into, suffix=".txt") as file:': NOBODYS,
    },
    "device/updates/house.py": {
        "content = _read(state / name)": HANDED_ON,
        "if is_saved(saved) and schema_of(saved) == schema_of(state):": HANDED_ON,
        "with opened_folder(state) as folder:": BY_DESCRIPTOR,
        "with opened_folder(path.parent) as folder:": BY_DESCRIPTOR,
        "def save(state: Path, settings: Path, into: Path) -> None:": HANDED_ON,
        "def set_aside(state: Path, saved: Path) -> Path:": HANDED_ON,
    },
    "device/updates/places.py": {
        'state: Path = Path("/var/lib/bittern")': DATA,
        'control: Path = Path("/run/bittern/control.sock")': DATA,
    },
    "device/updates/signature.py": {
        'with tempfile.TemporaryDirectory(prefix="bittern-update-") as folder:': PRIVATE,
    },
    "device/updates/trial.py": {
        'with tempfile.TemporaryDirectory(prefix="bittern-trial-") as folder:': AS_THE_USER,
    },
    "device/updates/source.py": {
        "return Folder(Path(place).expanduser().absolute())": (
            "read only, and believed only by signature and hash, which are of what was read"
        ),
    },
    "device/updates/store_view.py": {
        'older = state / "models"': HANDED_ON,
        "with opened_folder(state) as here, suppress(FileExistsError):": BY_DESCRIPTOR,
    },
    "device/updates/updater.py": {
        "found = house.schema_of(self._places.state)": HANDED_ON,
        "house.save(places.state, places.settings, places.saved / entry.old)": HANDED_ON,
        "house.set_aside(places.state, places.saved)": HANDED_ON,
        "house.put_back(places.saved / entry.new, places.state)": HANDED_ON,
        "if house.schema_of(self._places.state) != house.schema_of(saved) or entry.older_data:": (
            HANDED_ON
        ),
        "house.set_aside(self._places.state, self._places.saved)": HANDED_ON,
        "house.put_back(saved, self._places.state)": HANDED_ON,
        "house.forget_what_is_back(places.saved / entry.old, places.state)": HANDED_ON,
        "store_view.serve_older(places.release(entry.new), places.state, places.models)": HANDED_ON,
        "store_view.serve_older(places.release(entry.old), places.state, places.models)": HANDED_ON,
    },
    "device/models/index.py": {
        'yield place if "://" in place else Path(place).expanduser().absolute().as_uri()': (
            "pip's own settings of root; what comes from there must have the pinned hash"
        ),
    },
    "device/models/location.py": {
        "folder = Path(named).expanduser().absolute()": (
            "the caller's word; Store.locked refuses what is not root's alone"
        ),
        "return Path(wished).expanduser() if wished else usual_folder()": (
            "the owner's word; Store.locked refuses what is not root's alone"
        ),
    },
    "device/models/adopt.py": {
        "with suppress(FileNotFoundError, NotADirectoryError), "
        "opened_folder(source.parent) as there:": BY_DESCRIPTOR,
    },
    "device/settings/forget.py": {
        "def request(state: Path) -> None:": AS_THE_USER,
        "(state / REQUEST).touch()": AS_THE_USER,
        "with opened_folder(folder) as here:": BY_DESCRIPTOR,
        "return Path(chosen).expanduser() if chosen else None": OWNERS,
    },
    "device/settings/key_store.py": {
        "descriptor, name = tempfile.mkstemp(dir=self.folder)": IN_ROOTS,
        'base = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")': AS_THE_USER,
    },
    "device/settings/settings_file.py": {
        'descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".bittern-")': IN_ROOTS,
        'base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")': AS_THE_USER,
    },
    "device/cli/update.py": {
        'runtime = Path(paths.runtime).expanduser() / "control.sock" if paths.runtime else None': (
            OWNERS
        ),
        "state=Path(paths.state).expanduser() if paths.state else usual.state,": OWNERS,
        "control=runtime or usual.control,": DATA,
        "models=Path(paths.models).expanduser() if paths.models else usual.models,": OWNERS,
        "wait_for_quiet(systemd.is_running, lambda: why_not_now(places.control), progress.say)": (
            DATA
        ),
    },
    "device/cli/factory_reset.py": {
        "if not (places.state / REQUEST).exists():": DATA,
        'dialogue.say(f"This forgets {places.settings_file}, {places.state} and {places.keys}.")': (
            DATA
        ),
        "forget(places.settings_file, places.state, places.keys, places.copies)": HANDED_ON,
        'return PersonalPlaces(SYSTEM, Path("/var/lib/bittern"), CREDENTIALS, also)': DATA,
        "return PersonalPlaces(file, state_folder(paths), UserKeys().folder)": AS_THE_USER,
    },
    "device/appliance/control_socket.py": {
        "with opened_folder(folder) as here:": BY_DESCRIPTOR,
        'folder, notify = os.environ.get("RUNTIME_DIRECTORY", ""), '
        'os.environ.get("NOTIFY_SOCKET", "")': HANDED_ON,
    },
    "systemd/bittern.service": {
        MAKES_SOCKET: "becomes the folder's owner before it makes anything",
    },
    "systemd/bittern-safe.service": {
        MAKES_SOCKET: "becomes the folder's owner before it makes anything",
    },
    "systemd/bittern-reset.service": {
        "ReadWritePaths=/etc/bittern /etc/systemd/system /var/lib/bittern -/opt/bittern/updates": (
            "forget: " + BY_DESCRIPTOR
        ),
    },
    "systemd/bittern-update-guard.service": {
        "ReadWritePaths=/opt/bittern /etc/systemd/system -/var/lib/bittern "
        "-/var/lib/bittern-models": "house, store_view: " + BY_DESCRIPTOR,
    },
    "systemd/bittern-update.service": {
        "ReadWritePaths=/opt/bittern /etc/systemd/system -/var/lib/bittern "
        "-/var/lib/bittern-models": "house, store_view: " + BY_DESCRIPTOR,
    },
}


def touched() -> Iterator[tuple[str, str]]:
    """Every file of root's, and each line of it that names what a lesser user can influence."""
    for patterns, what in (
        (SHELL_OF_ROOT, SHELL),
        (PYTHON_OF_ROOT, PYTHON),
        (UNITS_OF_ROOT, UNIT),
    ):
        for pattern in patterns:
            found = sorted(REPOSITORY.glob(pattern))
            assert found, f"{pattern} has moved: say here where root's programs are"
            for file in found:
                for line in file.read_text(encoding="utf-8").splitlines():
                    text = line.strip()
                    if not text.startswith("#") and what.search(text):
                        yield file.relative_to(REPOSITORY).as_posix(), text


def test_root_touches_what_others_can_influence_nowhere_but_where_it_was_thought_about() -> None:
    new = [(file, line) for file, line in touched() if line not in KNOWN.get(file, {})]
    assert not new, "say in KNOWN why no lesser user can lead root astray here"


def test_nothing_is_listed_that_is_not_there_any_more() -> None:
    found = set(touched())
    gone = [(file, line) for file in KNOWN for line in KNOWN[file] if (file, line) not in found]
    assert not gone

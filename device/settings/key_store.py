"""Where keys go: for the installed service to its credentials, for a user into a file of theirs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from device.firmware import FIRMWARE
from device.settings.secrets import NamesKey, find_key
from device.settings.setup_errors import SetupError
from device.settings.tree import Endpoint

SCRIPT = FIRMWARE.parent / "scripts" / "store-key.sh"
SERVICE = Path("/etc/systemd/system/bittern.service")
CREDENTIALS = Path("/etc/bittern/credentials")


class KeyStore(Protocol):
    """Keeps keys of endpoints, outside the settings."""

    def find(self, endpoint: Endpoint) -> str | None:
        """Return the key that the endpoint has now."""

    def store(self, endpoint: Endpoint, key: str) -> str:
        """Keep it; return the ``key_file`` that the settings must name, empty for none."""


def service_environment(
    entries: Iterable[NamesKey],
    environ: Mapping[str, str] = os.environ,
    folder: Path = CREDENTIALS,
) -> tuple[Mapping[str, str], bool]:
    """What the service is given, for who looks at it from outside, and whether any is hidden.

    systemd hands the keys to the service alone. Root may look at them where they are kept;
    for everybody else they are hidden: that none is found then says nothing.
    """
    if environ.get("CREDENTIALS_DIRECTORY") or not folder.is_dir():
        return environ, False
    if not os.access(folder, os.R_OK | os.X_OK):
        return environ, True
    given = dict(environ)
    for entry in entries:
        if entry.key_env and (content := _credential(entry.key_env, folder)) is not None:
            # An empty one is a mistake of its own, and not the lack of any.
            given[entry.key_env] = content.strip() or '""'
    return given, False


def _credential(name: str, folder: Path) -> str | None:
    plain, sealed = folder / name, folder / f"{name}.cred"
    if sealed.exists():
        done = subprocess.run(
            ["systemd-creds", "decrypt", f"--name={name}", sealed, "-"],
            capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        return None if done.returncode else done.stdout.decode("latin-1")
    return plain.read_bytes().decode("latin-1") if plain.exists() else None


def key_store() -> KeyStore:
    """Return the store for whoever runs the appliance here."""
    if SERVICE.exists() and os.geteuid() == 0:
        return ServiceKeys()
    return UserKeys()


class ServiceKeys:
    """Credentials that systemd hands to the service, encrypted where it can."""

    def find(self, endpoint: Endpoint) -> str | None:
        """Look where the service would be given it; needs root."""
        if endpoint.key_env and (content := _credential(endpoint.key_env, CREDENTIALS)) is not None:
            return content.strip() or None
        found = find_key(endpoint)
        return found.value if found is not None else None

    def store(self, endpoint: Endpoint, key: str) -> str:
        """Give it to the script that the installer uses, on standard input."""
        if not endpoint.key_env:
            raise SetupError(
                f"the endpoint {endpoint.name} names no credential", "Give it a key_env."
            )
        done = subprocess.run(
            [SCRIPT, endpoint.key_env],
            input=key, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SetupError(f"the key was not stored: {done.stderr.strip()}", f"See {SCRIPT}.")
        return ""


class UserKeys:
    """Files in the user's own configuration, which nobody else can read."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        base = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        self.folder = Path(base) / "bittern" / "keys"
        self._environ = environ

    def find(self, endpoint: Endpoint) -> str | None:
        """Look where the appliance looks."""
        found = find_key(endpoint, self._environ)
        return found.value if found is not None else None

    def store(self, endpoint: Endpoint, key: str) -> str:
        """Write it into a file of its own, whole or not at all."""
        path = self.folder / endpoint.name
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self.folder)
            with open(descriptor, "w") as file:
                file.write(key + "\n")
            os.replace(name, path)
        except OSError as failure:
            raise SetupError(f"{path} cannot be written: {failure.strerror}") from None
        return str(path)

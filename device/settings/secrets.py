"""Keys of endpoints: from a file, a systemd credential or the environment, never the settings."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.settings.tree import Endpoint

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Set by systemd for a unit with ``LoadCredential=`` or ``LoadCredentialEncrypted=``."""
LONGEST_BYTES = 8192
"""An OAuth token may have some thousand characters; what is longer is another file."""


class KeyFileError(BitternError):
    """A file that should hold a key cannot be used."""

    exit_code = EXIT_BAD_SETTINGS


@dataclasses.dataclass(frozen=True)
class FoundKey:
    """A key and where it was found; the key itself is in no text that this can become."""

    value: str = dataclasses.field(repr=False)
    origin: str
    """For people: ``$OPENAI_API_KEY``, ``credential OPENAI_API_KEY`` or a path."""
    is_exposed: bool = False
    """Other users of this machine can read the file it came from."""


def find_key(endpoint: Endpoint, environ: Mapping[str, str] = os.environ) -> FoundKey | None:
    """Return the key of an endpoint, or None where none is named or there is none.

    In this order: ``key_file`` (a name without ``/`` is a systemd credential), the
    credential called like ``key_env``, the environment variable ``key_env``.
    Raises :class:`KeyFileError` for a file that is there and holds no key.
    """
    folder = environ.get(CREDENTIALS)
    for path, origin in _files(endpoint, folder):
        if os.path.lexists(path):
            value, is_exposed = _read_key(path)
            return FoundKey(value, origin, is_exposed)
    value = environ.get(endpoint.key_env, "").strip() if endpoint.key_env else ""
    return FoundKey(value, f"${endpoint.key_env}") if value else None


def _files(endpoint: Endpoint, credentials: str | None) -> list[tuple[Path, str]]:
    files = []
    if "/" in endpoint.key_file:
        path = Path(endpoint.key_file).expanduser()
        files.append((path, str(path)))
    elif endpoint.key_file and credentials:
        files.append((Path(credentials) / endpoint.key_file, f"credential {endpoint.key_file}"))
    if endpoint.key_env and credentials:
        files.append((Path(credentials) / endpoint.key_env, f"credential {endpoint.key_env}"))
    return files


def _read_key(path: Path) -> tuple[str, bool]:
    advice = "Expected a file with the key in its only line."
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LONGEST_BYTES:
            raise KeyFileError(f"{path} does not hold a key", advice)
        text = path.read_text("ascii").strip()
    except OSError as failure:
        raise KeyFileError(f"{path} cannot be read: {failure.strerror}", advice) from None
    except UnicodeDecodeError:
        raise KeyFileError(f"{path} does not hold a key", advice) from None
    if not text or not text.isprintable() or " " in text:
        raise KeyFileError(f"{path} does not hold a key", advice)
    return text, bool(status.st_mode & stat.S_IROTH)

"""Keys of endpoints: from a file, a systemd credential or the environment, never the settings."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

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


class NamesKey(Protocol):
    """An entry of the settings that says where its key is: an endpoint, a server of tools."""

    @property
    def key_env(self) -> str:
        """A variable, or a credential."""

    @property
    def key_file(self) -> str:
        """A file, or a credential."""


def find_key(endpoint: NamesKey, environ: Mapping[str, str] = os.environ) -> FoundKey | None:
    """Return the key of an entry, or None where none is named or there is none.

    In this order: ``key_file`` (a name without ``/`` is a systemd credential), the
    credential called like ``key_env``, the environment variable ``key_env``.
    Raises :class:`KeyFileError`, which names the mistake, for what is there and is no key.
    """
    folder = environ.get(CREDENTIALS)
    for path, origin in _files(endpoint, folder):
        if os.path.lexists(path):
            value, is_exposed = _read_key(path)
            return FoundKey(value, origin, is_exposed)
    value = environ.get(endpoint.key_env, "").strip() if endpoint.key_env else ""
    if not value:
        return None
    if (mistake := mistake_in(value)) is not None:
        raise KeyFileError(f"${endpoint.key_env} does not hold a key: {mistake}", _ADVICE)
    return FoundKey(value, f"${endpoint.key_env}")


def _files(endpoint: NamesKey, credentials: str | None) -> list[tuple[Path, str]]:
    files = []
    if "/" in endpoint.key_file:
        path = Path(endpoint.key_file).expanduser()
        files.append((path, str(path)))
    elif endpoint.key_file and credentials:
        files.append((Path(credentials) / endpoint.key_file, f"credential {endpoint.key_file}"))
    if endpoint.key_env and credentials:
        files.append((Path(credentials) / endpoint.key_env, f"credential {endpoint.key_env}"))
    return files


def in_the_clear(endpoint: Endpoint) -> str | None:
    """Warn where a key and a voice would cross a network that anybody on it can read."""
    parts = urlsplit(endpoint.url)
    if parts.scheme != "ws" or is_this_machine(parts.hostname or ""):
        return None
    what = "the key and what you say" if endpoint.key_env or endpoint.key_file else "what you say"
    return (
        f"warning: {what} would cross the network in the clear (ws://): use wss://, "
        "by way of a TLS proxy before a server of your own"
    )


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is this machine's own, by the loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


_ADVICE = "Expected the key alone, in one line: `sudo bittern setup key` stores it so."
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_BYTE_ORDER_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf", "\ufffe", "\u00ff\u00fe")


def mistake_in(text: str) -> str | None:
    """Say what is wrong with a text that should be a key, without a letter of it; None: nothing.

    ``text`` has no space or line break at its ends. The mistakes are those of copying.
    """
    if not text:
        return "it is empty"
    if text.startswith(_BYTE_ORDER_MARKS) or "\x00" in text:
        return "it begins with a byte order mark: save it as plain text, without BOM"
    if len(text.splitlines()) > 1:
        return f"it holds {len(text.splitlines())} lines"
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "it is in quotes: only what is between them is the key"
    name, _, rest = text.removeprefix("export ").partition("=")
    if rest.strip("=") and name.strip().isidentifier() and name.isupper():
        return "it is an assignment: only what follows the = is the key"
    if any(character.isspace() for character in text):
        return "there is a space in it"
    if not text.isascii() or not text.isprintable():
        return "there is a character in it that no key has"
    return None


def _read_key(path: Path) -> tuple[str, bool]:
    advice = _ADVICE
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LONGEST_BYTES:
            raise KeyFileError(f"{path} does not hold a key: it is no file of its size", advice)
        text = path.read_bytes().decode("latin-1").strip()
    except OSError as failure:
        raise KeyFileError(f"{path} cannot be read: {failure.strerror}", advice) from None
    if (mistake := mistake_in(text)) is not None:
        raise KeyFileError(f"{path} does not hold a key: {mistake}", advice)
    return text, bool(status.st_mode & stat.S_IROTH)

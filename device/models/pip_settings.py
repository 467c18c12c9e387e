"""What pip is told to fetch from, and how: models come over the same road as packages.

pip itself is asked, so that its configuration files, its environment variables and its
built-in default all count, and no index is named here.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from device.models.errors import FetchFailed

_SECTIONS = ("global", "install", "download", ":env:")
"""Sections of pip's configuration in rising order of authority, as pip reads them."""
_LISTING_TIMEOUT_S = 60
_BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class PipSettings:
    """The part of pip's configuration that says where files come from."""

    indexes: tuple[str, ...]
    """Base addresses of simple indexes, the main one first."""
    find_links: tuple[str, ...] = ()
    """Folders, files and pages with links to files."""
    certificates: str | None = None
    """A file or a folder of certificate authorities; None: the system's."""
    proxy: str | None = None
    """None: what the environment says."""
    trusted_hosts: tuple[str, ...] = ()


def read() -> PipSettings:
    """Ask pip; raise FetchFailed when there is no pip, or nothing to fetch from."""
    options = parse(_listing().splitlines())
    indexes: tuple[str, ...] = ()
    if options.get("no-index", "").lower() not in {"1", "true", "yes", "on"}:
        main = options.get("index-url") or _built_in_index()
        indexes = (main, *options.get("extra-index-url", "").split())
    settings = PipSettings(
        indexes=indexes,
        find_links=tuple(options.get("find-links", "").split()),
        certificates=options.get("cert") or _bundle(os.environ),
        proxy=options.get("proxy") or None,
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
    )
    if not settings.indexes and not settings.find_links:
        raise FetchFailed(
            "pip is configured to use no index and no links, so models cannot be fetched",
            "see `pip config list`: unset no-index, or set find-links",
        )
    return settings


def parse(lines: Iterable[str]) -> dict[str, str]:
    """Turn the lines of ``pip config list`` into one value an option, the strongest one."""
    by_section: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in lines:
        key, separator, quoted = line.partition("=")
        section, _, option = key.strip().partition(".")
        if separator and section in by_section:
            by_section[section][option] = _unquoted(quoted)
    strongest: dict[str, str] = {}
    for section in _SECTIONS:
        # pip lets an empty value through to the weaker ones.
        strongest.update({k: v for k, v in by_section[section].items() if v.strip()})
    return strongest


def _unquoted(text: str) -> str:
    try:
        value = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError):
        return text.strip()
    return value if isinstance(value, str) else text.strip()


def _listing() -> str:
    # -P: a folder called pip in the working directory is not pip.
    command = [sys.executable, "-P", "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LISTING_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise FetchFailed(
            f"pip cannot say where it fetches from: {said[-1] if said else error}",
            f"`{' '.join(command)}` shows the whole message",
        ) from error
    return done.stdout


def _built_in_index() -> str:
    try:
        # pip has no public name for the index it uses when nobody tells it otherwise.
        from pip._internal.models.index import PyPI
    except ImportError as error:
        raise FetchFailed(
            "this pip does not say which index it uses when none is configured",
            "set one: `pip config set global.index-url ADDRESS`",
        ) from error
    address: str = PyPI.simple_url
    return address


def _bundle(environment: Mapping[str, str]) -> str | None:
    # The variables of the HTTP library inside pip; SSL_CERT_FILE is OpenSSL's own affair.
    return next((environment[name] for name in _BUNDLE_VARIABLES if environment.get(name)), None)

"""Builds the host by the settings; the SDK is loaded only where a server is named."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from device.errors import BitternError
from device.logs import log_to_terminal
from device.settings.load import find_user_file, load_settings
from device.settings.places import own_tools_folder
from device.settings.rules import OWN_SOURCE
from device.settings.secrets import find_key
from device.settings.tree import Mcp, Settings
from device.toolhost.host import ToolHost
from device.toolhost.own_source import OwnSource
from device.toolhost.plans import RunSource, ServerPlan

log = logging.getLogger(__name__)


def begin_host(config: Path | None, environ: Mapping[str, str]) -> ToolHost:
    """The host with all that the settings name, and a log as they wish.

    Raises a ``BitternError`` for bad settings, and without the SDK where it is needed.
    """

    def state() -> tuple[Path | None, int]:
        file = find_user_file(config, environ)
        return file, file.stat().st_mtime_ns if file is not None and file.exists() else 0

    was = state()
    settings = load_settings(config, environ).settings
    log_to_terminal(settings.log.level)
    return ToolHost(sources_of(settings, environ), lambda: state() != was)


def sources_of(settings: Settings, environ: Mapping[str, str]) -> list[RunSource]:
    """The servers, and the owner's folder whether there is anything in it or not yet."""
    sources: list[RunSource] = []
    if servers := settings.mcp_servers():
        try:
            from device.toolhost.mcp_source import McpSource
        except ModuleNotFoundError as missing:
            raise BitternError(
                f"servers of tools cannot be used: {missing.name} is not installed",
                "It is part of requirements/run.txt: run scripts/install.sh or scripts/run again.",
            ) from None
        sources += [McpSource(_plan(each, environ), environ) for each in servers]
    own = settings.own_tools
    if own.enabled:
        sources.append(OwnSource(OWN_SOURCE, own_tools_folder(own.folder), own.timeout_s, environ))
    return sources


def _plan(server: Mcp, environ: Mapping[str, str]) -> ServerPlan:
    key = ""
    try:
        found = find_key(server, environ)
        key = found.value if found is not None else ""
    except BitternError as failure:
        # The others are none the worse for it; this one will say that it wants a key.
        log.warning("%s: %s", server.name, failure)
    return ServerPlan(
        server.name, server.command, server.url, key, server.key_env, server.timeout_s
    )

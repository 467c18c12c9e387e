"""Other people's tools: whether each server is there, and what had to be left out."""

from __future__ import annotations

from collections.abc import Iterator

from device.doctor.findings import Finding, Verdict
from device.errors import BitternError
from device.house.host_visit import visit
from device.house.other_tools import are_wanted
from device.settings import LoadedSettings
from device.settings.tool_addresses import is_reachable
from device.tools.hosted.hosted import HostedTools
from device.tools.hosted.offers import in_short


async def check_other_tools(loaded: LoadedSettings) -> list[Finding]:
    """A finding for each source that the settings name; none where they name none."""
    if not are_wanted(loaded.settings):
        return []
    try:
        async with visit(loaded) as visiting:
            await visiting.settle()
            return [
                *(_finding(visiting.hosted, name) for name in visiting.hosted.rules),
                *_unreachable(loaded),
            ]
    except BitternError as failure:
        return [Finding("tools of others", Verdict.WARNING, failure.what, failure.advice)]


def _finding(hosted: HostedTools, name: str) -> Finding:
    check, told, offer = f"tools of {name}", hosted.told.get(name), hosted.offers.get(name)
    if told is None or not told.is_ready or offer is None:
        detail = told.detail if told is not None else "nothing is known of them"
        advice = f"`bittern mcp test {name}`; it is tried again all the time."
        return Finding(check, Verdict.WARNING, detail, advice)
    found = f"{len(offer.tools)}, {told.detail}"
    if wrong := [*told.mistakes, *offer.left_out]:
        advice = "The others are offered. docs/tools.md says what a tool must be."
        return Finding(check, Verdict.WARNING, f"{found}; left out: {in_short(wrong)}", advice)
    return Finding(check, Verdict.GOOD, found)


def _unreachable(loaded: LoadedSettings) -> Iterator[Finding]:
    for server in loaded.settings.mcp_servers():
        if not is_reachable(server.url, server.addresses):
            yield Finding(
                f"tools of {server.name}",
                Verdict.WARNING,
                "it is said nowhere whom it may reach: installed as a service it reaches nobody",
                f'Give [[mcp]] {server.name} addresses ("home"), then `sudo bittern mcp allow`.',
            )

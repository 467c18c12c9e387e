"""Who could answer: every endpoint is asked for a session, without a question."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from device.appliance.brain_process import BrainProcess
from device.doctor.findings import Finding, Verdict
from device.doctor.reach import SOON_DAYS, last_day, way_to
from device.errors import BitternError
from device.house.endpoints import roster
from device.realtime.failures import LinkFailed, Reason
from device.room.links import EndpointEntry
from device.room.policy import brain_arguments
from device.settings import LoadedSettings
from device.settings.key_store import service_environment
from device.settings.places import OWN_BRAIN, brain_to_look_at
from device.settings.secrets import KeyFileError, find_key
from device.settings.tree import Endpoint

_ADVICE = {
    Reason.NO_KEY: "Give it a key: see key_env and key_file in the settings.",
    Reason.REFUSED_KEY: "The key is wrong or was withdrawn: make a new one.",
    Reason.DNS: "Its name is not known here: is the network up, is the url right?",
    Reason.TLS: "Its certificate is not accepted: is the clock right, is its ca_file?",
    Reason.QUOTA: "The account has no credit left.",
    Reason.MODEL_UNAVAILABLE: "The account may not use this model, or it was shut down.",
}


async def check_endpoints(loaded: LoadedSettings) -> list[Finding]:
    """Open a link to each, and close it."""
    socket, is_service = brain_to_look_at(loaded.settings.paths)
    is_out_of_reach = is_service and not os.access(socket, os.R_OK | os.W_OK)
    brain = BrainProcess(socket, brain_arguments(loaded.settings), may_start=not is_service)
    try:
        enabled = loaded.settings.endpoints()
        environ, is_hidden = service_environment(enabled)
        url = f"unix:{brain.socket_path}"
        chosen = roster(loaded, url, brain, lambda: [], find=lambda each: find_key(each, environ))
        local = {each.name for each in enabled if each.url == OWN_BRAIN}
        findings = []
        for name, entry in chosen.entries.items():
            mistake = _mistake(enabled, name, environ)
            if is_out_of_reach and name in local:
                findings.append(_out_of_reach(name, "it answers members of the group bittern"))
            elif is_hidden and entry.is_missing_key and not mistake:
                findings.append(_out_of_reach(name, "its key is kept for the service"))
            else:
                findings.append(await _check(name, entry, mistake))
        lacks = "not set up: it has no key" + (" that I may see" if is_hidden else "")
        left_out = [
            Finding(f"endpoint {each.name}", Verdict.SKIPPED, lacks)
            for each in loaded.settings.endpoints()
            if each.name not in chosen.entries
        ]
        return left_out + findings
    except BitternError as failure:
        return [Finding("endpoints", Verdict.BAD, failure.what, failure.advice)]
    finally:
        await brain.stop()


def _out_of_reach(name: str, why: str) -> Finding:
    return Finding(f"endpoint {name}", Verdict.SKIPPED, why, "`sudo bittern doctor` tries it.")


def _mistake(endpoints: Sequence[Endpoint], name: str, environ: Mapping[str, str]) -> str:
    """What is wrong with the key of an endpoint; empty when nothing is."""
    for each in endpoints:
        if each.name == name:
            try:
                find_key(each, environ)
            except KeyFileError as failure:
                return failure.what
    return ""


async def _check(name: str, entry: EndpointEntry, mistake: str = "") -> Finding:
    check = f"endpoint {name}"
    way = await way_to(entry.endpoint.url)
    began_s = time.monotonic()
    try:
        if mistake:
            return Finding(check, Verdict.BAD, mistake, "`sudo bittern setup key` stores it anew.")
        if entry.is_missing_key:
            return Finding(check, Verdict.BAD, "no key was found", _ADVICE[Reason.NO_KEY])
        link = await entry.open()
    except LinkFailed as failed:
        failure = failed.failure
        advice = _ADVICE.get(failure.reason, "")
        return Finding(check, Verdict.BAD, f"{failure.reason}: {failure.detail}", advice)
    except BitternError as failure:
        return Finding(check, Verdict.BAD, failure.what, failure.advice)
    took_s = time.monotonic() - began_s
    await link.close()
    found = f"session ready after {took_s:.2f} s"
    found += f"; {way}" if way is not None else ""
    return _with_last_day(check, found, await last_day(entry.endpoint), datetime.now(UTC).date())


def _with_last_day(check: str, found: str, day: date | None, today: date) -> Finding:
    if day is None:
        return Finding(check, Verdict.GOOD, found)
    found += f"; its model ends on {day:%d %B %Y}"
    is_soon = (day - today).days <= SOON_DAYS
    advice = "Choose a newer model in the settings." if is_soon else ""
    return Finding(check, Verdict.WARNING if is_soon else Verdict.GOOD, found, advice)

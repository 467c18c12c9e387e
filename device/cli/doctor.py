"""``bittern doctor``: what is right and what is wrong, and what to do about it."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands
    from device.doctor.findings import Finding
    from device.settings import LoadedSettings


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``doctor``."""
    about = "check sound, models, endpoints, services and the machine"
    parser = commands.add_parser(
        "doctor",
        help=about,
        description=about.capitalize() + ". Ends with 0 when all is good, 2 with warnings, "
        "1 when something is bad.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Examine, print."""
    from device.doctor.findings import exit_code
    from device.logs import log_to_terminal

    log_to_terminal("critical")  # every trouble becomes a finding
    findings = _examine(chosen.config)
    code = exit_code(findings)
    if chosen.json:
        print(json.dumps({"exit_code": code, "findings": [_plain(each) for each in findings]}))
    else:
        width = max(len(each.check) for each in findings)
        for each in findings:
            print(f"{_MARKS[each.verdict.name]:8} {each.check:{width}}  {each.found}")
            if each.advice:
                print(f"{'':{width + 9}}  → {each.advice}")
    return code


_MARKS = {"GOOD": "good", "SKIPPED": "-", "WARNING": "warning", "BAD": "BAD"}


def _plain(finding: Finding) -> dict[str, object]:
    verdict = finding.verdict.name.lower()
    return {"check": finding.check, "verdict": verdict, "found": finding.found,
            "advice": finding.advice}  # fmt: skip


def _examine(config: Path | None) -> list[Finding]:
    from device.doctor.answers import check_endpoints
    from device.doctor.findings import Finding, Verdict
    from device.doctor.machine import check_machine
    from device.doctor.sound import check_stores
    from device.errors import BitternError
    from device.settings import load_settings
    from device.settings.places import state_folder

    try:
        loaded = load_settings(config)
    except BitternError as failure:
        bad = Finding("settings", Verdict.BAD, failure.what, failure.advice)
        return [bad, *check_stores(), *check_machine(Path("/var/lib"))]
    file = str(loaded.user_file or "the shipped ones")
    return [
        Finding("settings", Verdict.GOOD, file),
        *_sound(loaded),
        _board(loaded.settings.panel.board),
        *check_stores(),
        *asyncio.run(check_endpoints(loaded)),
        *check_machine(state_folder(loaded.settings.paths)),
    ]


def _sound(loaded: LoadedSettings) -> list[Finding]:
    from device.appliance.control import order
    from device.cli.control import _socket
    from device.daemon.service import microphone_from, speaker_from
    from device.doctor.findings import Finding, Verdict
    from device.doctor.sound import check_microphone, check_speaker
    from device.errors import BitternError

    settings = loaded.settings
    try:
        status = order(_socket(), {"command": "status"}, 5.0)
        if not status.get("ok"):
            raise BitternError(str(status.get("error")))
    except BitternError:
        return [
            check_microphone(lambda: microphone_from(settings.microphone)),
            check_speaker(lambda: speaker_from(settings.speaker)),
        ]
    verdict = Verdict.BAD if status["fault"] or status["is_safe_mode"] else Verdict.GOOD
    found = f"runs, {status['state']}{': ' + str(status['fault']) if status['fault'] else ''}"
    return [
        Finding("appliance", verdict, found),
        Finding("microphone", verdict, f"{status['microphone']}, in use by the appliance"),
        Finding("speaker", verdict, f"{status['speaker']}, in use by the appliance"),
    ]


def _board(name: str) -> Finding:
    from device.doctor.findings import Finding, Verdict
    from device.errors import BitternError
    from device.panel.boards import load_board

    try:
        return Finding("board", Verdict.GOOD, load_board(name).title)
    except BitternError as failure:
        return Finding("board", Verdict.BAD, failure.what, "See `bittern board list`.")

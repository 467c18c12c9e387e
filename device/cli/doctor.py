"""``bittern doctor``: what is right and what is wrong, and what to do about it."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands
    from device.doctor.findings import Finding, Verdict
    from device.settings import LoadedSettings
    from device.settings.tree import Settings


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
    parser.add_argument(
        "--sound", action="store_true", help="play a chirp, and find it in the microphone"
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Examine, print."""
    from device.doctor.findings import exit_code
    from device.logs import log_to_terminal
    from device.plain_text import one_line

    log_to_terminal("critical")  # every trouble becomes a finding
    findings = _examine(chosen.config, with_sound=chosen.sound)
    code = exit_code(findings)
    if chosen.json:
        print(json.dumps({"exit_code": code, "findings": [_plain(each) for each in findings]}))
    else:
        width = max(len(each.check) for each in findings)
        for each in findings:
            print(f"{_MARKS[each.verdict.name]:8} {each.check:{width}}  {one_line(each.found)}")
            if each.advice:
                print(f"{'':{width + 9}}  → {each.advice}")
    return code


_MARKS = {"GOOD": "good", "SKIPPED": "-", "WARNING": "warning", "BAD": "BAD"}


def _plain(finding: Finding) -> dict[str, object]:
    verdict = finding.verdict.name.lower()
    return {"check": finding.check, "verdict": verdict, "found": finding.found,
            "advice": finding.advice}  # fmt: skip


def _examine(config: Path | None, *, with_sound: bool) -> list[Finding]:
    from device.doctor.answers import check_endpoints
    from device.doctor.broker import check_broker
    from device.doctor.budget import check_budget
    from device.doctor.camera import check_camera
    from device.doctor.findings import Finding, Verdict
    from device.doctor.machine import check_machine
    from device.doctor.other_tools import check_other_tools
    from device.doctor.panel import check_board
    from device.doctor.sound import check_stores
    from device.errors import BitternError
    from device.house.endpoints import unpriced_models
    from device.models import store_of
    from device.room.policy import budget_from
    from device.settings.places import state_to_look_at
    from device.settings.store import load_to_serve
    from device.spending.ledger import FILE

    try:
        loaded = load_to_serve(config)
    except BitternError as failure:
        bad = Finding("settings", Verdict.BAD, failure.what, failure.advice)
        return [bad, *check_stores(store_of("")), *check_machine(Path("/var/lib"))]
    file = str(loaded.user_file or "the shipped ones")
    state = state_to_look_at(loaded.settings.paths)
    return [
        _settings(loaded, file),
        *_sound(loaded, with_sound=with_sound),
        *check_board(loaded.settings.panel.board),
        *check_stores(store_of(loaded.settings.paths.models)),
        *asyncio.run(check_endpoints(loaded)),
        *asyncio.run(check_other_tools(loaded)),
        *asyncio.run(check_broker(loaded)),
        check_camera(loaded.settings),
        *check_machine(state),
        check_budget(
            state / FILE,
            budget_from(loaded.settings.budget),
            date.today(),
            unpriced_models(loaded.settings),
        ),
    ]


def _settings(loaded: LoadedSettings, file: str) -> Finding:
    """Good; a line that has no effect any more is worth a word."""
    from device.doctor.findings import Finding, Verdict

    if loaded.retired:
        return Finding("settings", Verdict.WARNING, file, "\n".join(map(str, loaded.retired)))
    return Finding("settings", Verdict.GOOD, file)


def _sound(loaded: LoadedSettings, *, with_sound: bool) -> list[Finding]:
    from device.appliance.control import NotAllowedError, order
    from device.cli.control import usual_socket
    from device.doctor.findings import Finding, Verdict
    from device.errors import BitternError

    settings = loaded.settings
    try:
        status = order(usual_socket(), {"command": "status"}, 5.0)
    except NotAllowedError as refused:
        status = {"ok": False, "error": refused.what}
    except BitternError:
        return _sound_cards(settings, with_sound=with_sound)
    if not status.get("ok"):
        # It runs and has the sound card: what could be tried beside it would say nothing.
        found = f"runs, and does not answer: {status.get('error')}"
        return [Finding("appliance", Verdict.SKIPPED, found, "Ask as root: `sudo bittern doctor`.")]
    verdict = Verdict.BAD if status["fault"] or status["is_safe_mode"] else Verdict.GOOD
    found = f"runs, {status['state']}{': ' + str(status['fault']) if status['fault'] else ''}"
    return [
        Finding("appliance", verdict, found),
        _microphone_in_use(status, verdict),
        Finding("speaker", verdict, f"{status['speaker']}, in use by the appliance"),
        Finding("echo path", Verdict.SKIPPED, "stop the appliance, and ask with --sound"),
    ]


def _microphone_in_use(status: dict[str, object], verdict: Verdict) -> Finding:
    from device.audio.levels import NOTHING_DBFS
    from device.doctor.findings import Finding, Verdict
    from device.doctor.hearing import LOUD_ROOM_DBFS

    found, noise = f"{status['microphone']}, in use by the appliance", status.get("noise_dbfs")
    if not isinstance(noise, int | float) or verdict is not Verdict.GOOD:
        return Finding("microphone", verdict, found)
    found += f", noise {noise:.0f} dBFS"
    if noise <= NOTHING_DBFS:
        advice = "Is it muted by a switch of its own? `bittern mic test` shows each channel."
        return Finding("microphone", Verdict.WARNING, f"{found}: nothing at all", advice)
    if noise > LOUD_ROOM_DBFS:
        return Finding("microphone", Verdict.WARNING, found, "Loud: lower its gain (alsamixer).")
    return Finding("microphone", verdict, found)


def _sound_cards(settings: Settings, *, with_sound: bool) -> list[Finding]:
    from device.audio.all_channels import AllChannelsMicrophone
    from device.audio.portaudio_host import shared_host
    from device.doctor.echo_path import check_echo_path
    from device.doctor.findings import Finding, Verdict
    from device.doctor.sound import check_channels, check_devices, check_speaker
    from device.room.cards import microphone_from, speaker_from

    wanted, speaker = settings.microphone, settings.speaker
    microphone = AllChannelsMicrophone(
        wanted.device, rate_hz=wanted.rate_hz or None, block_ms=wanted.block_ms
    )
    findings = [
        check_devices(shared_host().devices),
        check_channels(microphone, None if wanted.channel == "mix" else wanted.channel),
        check_speaker(lambda: speaker_from(speaker)),
    ]
    if not with_sound:
        return [*findings, Finding("echo path", Verdict.SKIPPED, "ask with --sound")]
    echo = check_echo_path(
        lambda: microphone_from(wanted), lambda: speaker_from(speaker), speaker.volume_percent
    )
    return [*findings, echo]

"""``bittern update``: look for releases, install them, go back; and make and sign them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from device.cli import Commands
    from device.settings import LoadedSettings
    from device.updates.manifest import ReleaseManifest
    from device.updates.places import AppliancePlaces
    from device.updates.source import ReleaseSource
    from device.updates.updater import Updater


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``update`` and what it can do."""
    family = commands.add_parser("update", help="install newer releases, and go back")
    verbs = family.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = _verb(verbs, "check", _check, "see whether there is a newer release")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    apply = _verb(verbs, "apply", _apply, "install the release that is offered, if it is newer")
    apply.add_argument("--allow-older", action="store_true", help="even if it is not newer")
    apply.add_argument(
        "--automatic",
        action="store_true",
        help="as the timer does: end well where there is nothing to do, and leave alone what "
        "has failed before",
    )
    apply.add_argument(
        "--through",
        type=Path,
        metavar="SOCKET",
        help="fetch by who listens there (the timer does: what installs has no network)",
    )
    for verb in (check, apply):
        verb.add_argument(
            "--from",
            dest="place",
            metavar="PLACE",
            help="a folder or an https:// address instead of [update] url",
        )
    back = _verb(verbs, "rollback", _rollback, "go back to the release before this one")
    back.add_argument(
        "--older-data",
        action="store_true",
        help="where it cannot read today's timers and lists: with those of its own time",
    )
    status = _verb(verbs, "status", _status, "show the installed releases")
    status.add_argument("--json", action="store_true", help="print one JSON object")
    _verb(verbs, "resume", _resume, "end what a power cut interrupted (done at every start)")
    _verb(verbs, "test", _test, "have this release hear and answer itself, on this machine")
    _add_making(verbs)


def _add_making(verbs: Commands[Any]) -> None:
    make = verbs.add_parser("make", help="make and sign a release (see scripts/release)")
    make.add_argument("--key", type=Path, required=True, metavar="KEY", help="an OpenSSH key")
    make.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="what to publish")
    make.add_argument(
        "--valid-days", type=int, default=90, metavar="N", help="how long the offer holds (90)"
    )
    make.set_defaults(run=_make)
    keys = verbs.add_parser("keys", help="sign a new list of trusted keys (see scripts/release)")
    keys.add_argument("--signers", type=Path, required=True, metavar="FILE", help="the new list")
    keys.add_argument("--key", type=Path, required=True, metavar="KEY", help="an OpenSSH key")
    keys.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="what to publish")
    keys.set_defaults(run=_keys)
    describe = verbs.add_parser("describe", help="write the manifest of what install.sh copied")
    describe.add_argument("folder", type=Path, metavar="FOLDER")
    describe.set_defaults(run=_describe)


def _verb(verbs: Commands[Any], name: str, run: Any, about: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about)
    verb.add_argument("--config", type=Path, metavar="FILE", help="a settings file")
    verb.set_defaults(run=run)
    return verb


def _check(chosen: argparse.Namespace) -> int:
    from device import __version__
    from device.updates.errors import NotWanted
    from device.updates.refusals import Refusals
    from device.updates.updater import must_be_wanted

    offer, places = _offer(chosen), _places(chosen)
    reason = ""
    try:
        must_be_wanted(offer, places.which(places.current) or "", allow_older=False)
    except NotWanted as why:
        reason = why.what
    refused = Refusals(places.work).read().get(offer.id, "")
    if chosen.json:
        print(json.dumps({
            "running": __version__, "offered": offer.version, "id": offer.id,
            "is_wanted": not reason, "reason": reason, "refused": refused,
        }))  # fmt: skip
    elif reason:
        print(reason)
    else:
        print(f"there is release {offer.version} ({offer.id}); this is {__version__}")
        if refused:
            print(f"  it was given up before: {refused}")
        print("  to install it: sudo bittern update apply")
    return 0


def _apply(chosen: argparse.Namespace) -> int:
    from device.updates.errors import NotNow, NotSetUp, NotWanted, UpdateFailed
    from device.updates.freshness import Memory
    from device.updates.refusals import Refusals

    try:
        offer = _offer(chosen)
        refused = Refusals(_places(chosen).work).read().get(offer.id)
        if chosen.automatic and refused is not None:
            raise NotWanted(f"release {offer.version} was given up before: {refused}")
        updater = _updater(chosen)
        name = updater.apply(_source(chosen), offer, allow_older=chosen.allow_older)
    except (NotWanted, NotSetUp, NotNow) as reason:
        if not chosen.automatic:
            raise
        print(f"nothing was done: {reason.what}")
        if isinstance(reason, NotNow):
            Memory(_places(chosen).work).note_trouble(reason.what)
        return 0
    except UpdateFailed as failure:
        if chosen.automatic:
            Memory(_places(chosen).work).note_trouble(failure.what)
        raise
    print(f"release {offer.version} ({name}) is in use; `bittern update rollback` goes back")
    return 0


def _rollback(chosen: argparse.Namespace) -> int:
    name = _updater(chosen).roll_back(older_data=chosen.older_data)
    print(f"release {name} is in use again; `bittern update rollback` undoes that")
    return 0


def _resume(chosen: argparse.Namespace) -> int:
    _updater(chosen).resume()
    return 0


def _status(chosen: argparse.Namespace) -> int:
    import dataclasses

    from device.updates.freshness import Memory
    from device.updates.journal import Journal
    from device.updates.refusals import Refusals
    from device.updates.trust import Trust
    from device.updates.updater import installed

    places = _places(chosen)
    roles = {"current": places.which(places.current), "previous": places.which(places.previous)}
    found = {role: installed(places, name) for role, name in roles.items()}
    entry = Journal(places.work).read()
    document = {
        **{role: _described(name, found[role]) for role, name in roles.items()},
        "under_way": None if entry is None else {"phase": entry.phase, "release": entry.new},
        "refused": Refusals(places.work).read(),
        "seen": dataclasses.asdict(seen := Memory(places.work).read()),
        "keys": Trust(places.signers, places.work).serial,
    }
    if chosen.json:
        print(json.dumps(document))
        return 0
    for role, name in roles.items():
        release = found[role]
        print(f"{role:9} {release.version if release else '-':10} {name or 'none'}")
    if entry is not None:
        print(f"under way: {entry.phase} release {entry.new}")
    for name, why in Refusals(places.work).read().items():
        print(f"given up: {name}: {why}")
    if seen.looked_at:
        print(f"looked: {seen.looked_at}: {seen.highest} is offered, until {seen.valid_until}")
    if seen.trouble:
        print(f"the last look of the timer: {seen.trouble}")
    return 0


def _described(name: str | None, release: ReleaseManifest | None) -> dict[str, object] | None:
    if name is None:
        return None
    return {"id": name, "version": release.version if release else None}


def _test(chosen: argparse.Namespace) -> int:
    import asyncio

    from device.logs import log_to_terminal
    from device.settings.store import load_to_try
    from device.updates.trial import trial

    log_to_terminal("error")
    asyncio.run(trial(load_to_try(chosen.config), print))
    return 0


def _make(chosen: argparse.Namespace) -> int:
    from device import __version__
    from device.firmware import FIRMWARE
    from device.papers.release import write_papers
    from device.updates.errors import UpdateFailed
    from device.updates.making import make

    if not 0 < chosen.valid_days <= 400:
        raise UpdateFailed("--valid-days is 1 to 400")
    out, days = chosen.out.absolute(), chosen.valid_days
    files = make(FIRMWARE.parent, out, chosen.key, valid_days=days)
    for file in [*files, *write_papers(out, __version__, files[0].name)]:
        print(file)
    return 0


def _keys(chosen: argparse.Namespace) -> int:
    from device.updates.making import publish_signers

    for file in publish_signers(chosen.signers, chosen.out.absolute(), chosen.key):
        print(file)
    return 0


def _describe(chosen: argparse.Namespace) -> int:
    from device.updates.making import describe

    release = describe(chosen.folder)
    print(f"release {release.version} ({release.id}): {len(release.files)} files")
    return 0


def _offer(chosen: argparse.Namespace) -> ReleaseManifest:
    """What the place offers, if it is signed, and fresh; remembered where that may be written."""
    import os
    from datetime import datetime

    from device.updates.freshness import Memory, must_be_fresh
    from device.updates.source import offered
    from device.updates.trust import Trust

    places, source = _places(chosen), _source(chosen)
    trust, memory = Trust(places.signers, places.work), Memory(places.work)
    may_write, now = os.access(places.work, os.W_OK), datetime.now().astimezone()
    if may_write and places.signers.is_file() and (serial := trust.renew(source)):
        print(f"the makers have changed their keys: list {serial} counts now", file=sys.stderr)
    offer = offered(source, trust.file)
    allow_older = bool(getattr(chosen, "allow_older", False))
    must_be_fresh(offer, memory.read(), now.date(), allow_older=allow_older)
    if may_write:
        memory.note(offer, now)
    return offer


def _source(chosen: argparse.Namespace) -> ReleaseSource:
    from device.updates.source import source_of

    return source_of(chosen.place or _settings(chosen).settings.update.url, _through(chosen))


def _through(chosen: argparse.Namespace) -> Path | None:
    through: Path | None = getattr(chosen, "through", None)
    return through


def _settings(chosen: argparse.Namespace) -> LoadedSettings:
    from device.settings import load_settings

    return load_settings(chosen.config)


def _places(chosen: argparse.Namespace) -> AppliancePlaces:
    """Where everything is, as the settings in force say."""
    import dataclasses

    from device.settings.load import SYSTEM
    from device.updates.places import AppliancePlaces

    usual = AppliancePlaces()
    paths = _settings(chosen).settings.paths
    runtime = Path(paths.runtime).expanduser() / "control.sock" if paths.runtime else None
    return dataclasses.replace(
        usual,
        settings=chosen.config or SYSTEM,
        state=Path(paths.state).expanduser() if paths.state else usual.state,
        control=runtime or usual.control,
        models=Path(paths.models).expanduser() if paths.models else usual.models,
    )


def _updater(chosen: argparse.Namespace) -> Updater:
    """An updater that the end of a terminal does not interrupt, and that SIGTERM undoes."""
    import signal

    from device.models.progress import FetchProgress
    from device.updates.candidate import Candidate
    from device.updates.quiet import wait_for_quiet, why_not_now
    from device.updates.services import Systemd
    from device.updates.updater import Updater, UpdaterParts

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminated)
    places, progress, systemd = _places(chosen), FetchProgress(sys.stderr), Systemd()

    def wait() -> None:
        wait_for_quiet(systemd.is_running, lambda: why_not_now(places.control), progress.say)

    candidate = Candidate(places, progress.say, through=_through(chosen))
    return Updater(UpdaterParts(places, systemd, candidate, wait, progress))


def _terminated(*_: object) -> None:
    raise KeyboardInterrupt

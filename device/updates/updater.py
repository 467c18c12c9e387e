"""The steps of an update, in order, and the way back from each of them.

``PREPARING``: the new release is brought, checked, unpacked, given its environment and its
models, and tried out, all beside the old one, which serves. Cut off there, nothing has
happened.

``SWITCHING``: nobody is using the appliance. It is stopped, data and settings are saved,
the models take their names, the link is switched. Cut off there, the link tells: it still
names the old release, and everything goes back; or it names the new one, and

``PROVING``: the new one owes a proof. It is started, must be ready, stay so, and hear and
answer its own test phrase. Otherwise, or when the proof was cut off twice,

``RETURNING``: everything goes back, as often as it takes.

Every step may be repeated: :meth:`Updater.resume` does so after a power cut.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from device import __version__
from device.errors import BitternError
from device.locks import locked
from device.models.progress import FetchProgress, megabytes
from device.ownership import must_be_ours_alone
from device.updates import house, manifest, services, store_view
from device.updates.candidate import Candidate
from device.updates.durable import forget, remove_tree, write_whole
from device.updates.errors import (
    BadRelease,
    DidNotProve,
    NotNow,
    NotProven,
    NotWanted,
    UpdateFailed,
)
from device.updates.journal import Journal, JournalEntry, UpdatePhase
from device.updates.manifest import ReleaseManifest
from device.updates.places import COMPLETE, AppliancePlaces, prune
from device.updates.refusals import Refusals
from device.updates.services import Systemd
from device.updates.source import ReleaseSource, must_have_room
from device.updates.unpack import check_archive, unpack, verify_files
from device.updates.version import Version

log = logging.getLogger(__name__)

READY_WITHIN_S = 120.0
"""Start, the sound card, the models: longer than the unit's own TimeoutStartSec, once again."""
STEADY_S = 12.0
"""Longer than the watchdog's 10 s: a process that is deaf is killed by then."""
MOST_ATTEMPTS = 2
_BALLAST_BYTES = 1 << 20
"""Given back before the switch, so that the journal can be written on a disk that fills up."""
_ENVIRONMENT_SPARE_BYTES = 100 << 20
_INTERRUPTED = "it was interrupted"
_AS_BEFORE = "The release that ran before runs on; nothing has changed."


@dataclass(frozen=True, slots=True)
class UpdaterParts:
    """What the steps are carried out with."""

    places: AppliancePlaces
    systemd: Systemd
    candidate: Candidate
    wait_for_quiet: Callable[[], None]
    """Returns when nobody uses the appliance; raises NotNow."""
    progress: FetchProgress
    ready_within_s: float = READY_WITHIN_S
    steady_s: float = STEADY_S


class Updater:
    """Carries out one update, way back or resumption at a time."""

    def __init__(self, parts: UpdaterParts) -> None:
        self._parts = parts
        self._places = parts.places
        self._systemd = parts.systemd
        self._journal = Journal(parts.places.work)
        self._refusals = Refusals(parts.places.work)
        self._say = parts.progress.say

    # -- what can be asked for ----------------------------------------------------------

    def apply(
        self, source: ReleaseSource, offer: ReleaseManifest, *, allow_older: bool = False
    ) -> str:
        """Install the release that a source offers; return its id.

        Raises NotWanted, NotNow, BadRelease, NoRoom, UpdateFailed when the old one simply
        runs on, and DidNotProve when it had to be brought back.
        """
        with self._alone():
            self._resume()
            old = self._old()
            new = must_be_wanted(offer, old, allow_older=allow_older)
            if new == self._places.which(self._places.previous):
                raise NotWanted(
                    f"release {offer.version} ({new}) is the previous one, and still here",
                    "Go back to it with `bittern update rollback`.",
                )
            self._must_read_the_data(new, offer.schema)
            self._begin(JournalEntry(UpdatePhase.PREPARING, old, new))
            with self._undone_on_failure():
                self._bring(source, offer)
                self._say("making its Python environment")
                self._parts.candidate.make_environment(new, like=old)
                self._rehearse(new)
            self._exchange()
            return new

    def roll_back(self, *, older_data: bool = False) -> str:
        """Go back to the release before this one; return its id.

        ``older_data``: take the data of the house back too, to when it last ran, where it
        could not read the present ones. Raises as ``apply`` does.
        """
        with self._alone():
            self._resume()
            old = self._old()
            new = self._places.which(self._places.previous)
            if new is None or new == old:
                raise NotWanted("there is no previous release to go back to")
            self._begin(
                JournalEntry(
                    UpdatePhase.PREPARING, old, new, is_rollback=True, older_data=older_data
                )
            )
            with self._undone_on_failure():
                self._say(f"checking every file of release {new}")
                target = self._must_have_manifest(new)
                verify_files(self._places.release(new), target)
                self._must_read_the_data(new, target.schema, older_data=older_data)
                self._rehearse(new)
            self._exchange()
            return new

    def resume(self) -> None:
        """End what was begun and cut off, one way or the other; nothing to do otherwise.

        Raises DidNotProve when the previous release had to be brought back.
        """
        if self._journal.path.exists():
            with self._alone():
                self._resume()

    # -- before the switch -----------------------------------------------------------------

    def _begin(self, entry: JournalEntry) -> None:
        # From the last time that this release was left; what is saved now must be of now.
        remove_tree(self._places.saved / entry.old)
        # Who ends this if we cannot: a program that is known to run.
        self._places.switch(self._places.keeper, entry.old)
        self._journal.write(entry)

    def _bring(self, source: ReleaseSource, offer: ReleaseManifest) -> None:
        places, archive = self._places, offer.archive
        assert archive is not None, "a source offers releases with archives"
        self._must_have_room(offer)
        write_whole(places.work / "ballast", bytes(_BALLAST_BYTES))
        self._say(f"bringing {archive.file} ({megabytes(archive.size_bytes)}) from {source.name}")
        file = source.bring(archive, places.work, self._parts.progress)
        self._say("checking its hash")
        check_archive(file, archive)
        self._say(f"unpacking {len(offer.files)} files, each checked")
        folder = places.release(offer.id)
        remove_tree(folder)
        unpack(file, offer, folder)
        write_whole(folder / manifest.FILE_NAME, offer.as_json())
        write_whole(folder / COMPLETE, b"")
        if file.parent == places.work:
            file.unlink()

    def _must_have_room(self, offer: ReleaseManifest) -> None:
        assert offer.archive is not None
        needed = offer.size_bytes + _BALLAST_BYTES
        locks = [file.sha256 for file in offer.files if file.path == "requirements/run.txt"]
        old = self._places.release(self._old())
        if locks != [_sha256_of(old / "requirements" / "run.txt")]:
            needed += _size_of_tree(old / ".venv") + _ENVIRONMENT_SPARE_BYTES
        must_have_room(self._places.work, needed, f"release {offer.version}")

    def _rehearse(self, new: str) -> None:
        """Have it ready and tried out beside the old one, with the models as it wants them."""
        places, candidate = self._places, self._parts.candidate
        store_view.stage(places.models, places.staged, places.kept(new))
        self._say("completing its models")
        candidate.complete_models(new, places.staged)
        self._say("testing it: settings, models, ears, brain")
        candidate.prove(new, places.staged)
        # All of it is to be on the disk before anything points to it.
        os.sync()
        self._parts.wait_for_quiet()

    def _must_read_the_data(self, new: str, reads: int, *, older_data: bool = False) -> None:
        found = house.schema_of(self._places.state)
        if found <= reads:
            return
        has_saved = house.is_saved(self._places.saved / new)
        if not (older_data and has_saved):
            raise NotWanted(
                f"release {new} cannot read timers and lists as they are kept now "
                f"(schema {found}, it reads {reads})",
                "With --older-data they go back to when it last ran; the present ones are kept."
                if has_saved
                else "",
            )

    @contextmanager
    def _undone_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Nothing has happened: take away what was prepared."""
        entry = self._journal.read()
        if entry is not None and not entry.is_rollback:
            remove_tree(self._places.release(entry.new))
        remove_tree(self._places.staged)
        self._clear()

    # -- the switch --------------------------------------------------------------------------

    def _exchange(self) -> None:
        """Stop, save, switch, start, prove; or go back."""
        entry = self._journal.read()
        assert entry is not None, "an exchange has begun before"
        forget(self._places.work / "ballast")
        entry = dataclasses.replace(
            entry,
            phase=UpdatePhase.SWITCHING,
            was_running=self._systemd.is_running(),
            was_up=self._systemd.is_up(),
        )
        try:
            self._journal.write(entry)
            self._say("switching")
            self._switch(entry)
        except (BitternError, OSError) as failure:
            self._return(entry, f"it could not be switched to: {_said(failure)}")
        except BaseException:
            self._return(entry, _INTERRUPTED)
        self._prove_or_return(entry)

    def _switch(self, entry: JournalEntry) -> None:
        places = self._places
        self._systemd.stop()
        house.save(places.state, places.settings, places.saved / entry.old)
        if entry.older_data:
            house.set_aside(places.state, places.saved)
            house.put_back(places.saved / entry.new, places.state)
        store_view.keep(places.models, places.kept(entry.old))
        store_view.place(places.staged, places.models)
        places.switch(places.current, entry.new)

    def _prove_or_return(self, entry: JournalEntry) -> None:
        """The link names the new release. Keep it if it works, and go back if not."""
        if entry.attempts >= MOST_ATTEMPTS:
            refused = dataclasses.replace(entry, is_refused=True)
            self._return(refused, "its proof was cut off each time it was tried")
        entry = dataclasses.replace(entry, phase=UpdatePhase.PROVING, attempts=entry.attempts + 1)
        try:
            self._journal.write(entry)
            self._prove(entry)
        except (BitternError, OSError) as failure:
            # A systemd that is shutting down, or a full disk, say nothing of the release.
            is_refused = isinstance(failure, NotProven)
            self._return(dataclasses.replace(entry, is_refused=is_refused), _said(failure))
        except BaseException:
            self._return(entry, _INTERRUPTED)
        self._keep(entry)

    def _prove(self, entry: JournalEntry) -> None:
        parts, places = self._parts, self._places
        anew = services.install_units(places.release(entry.new), places.units)
        store_view.serve_older(places.release(entry.new), places.state, places.models)
        self._systemd.reload()
        if entry.was_running:
            self._say("starting it")
            self._systemd.start(anew=anew)
        if entry.was_up:
            wrong = self._systemd.wait_until_up(parts.ready_within_s, parts.steady_s)
            if wrong:
                raise NotProven(wrong)
        self._say("testing it where it is")
        try:
            parts.candidate.prove(entry.new, places.models)
        except UpdateFailed as failure:
            raise NotProven(failure.what, failure.advice) from None

    def _keep(self, entry: JournalEntry) -> None:
        """It works: the one before it is the way back, and older ones go."""
        places = self._places
        places.switch(places.previous, entry.old)
        self._refusals.remove(entry.new)
        if entry.is_rollback:
            self._refusals.add(entry.old, "somebody went back from it")
        before, now = (installed(places, name) for name in (entry.old, entry.new))
        if before is not None and now is not None and now.schema <= before.schema:
            house.forget_data(places.saved / entry.old)
        services.remove_units(places.release(entry.old), places.release(entry.new), places.units)
        remove_tree(places.staged)
        self._clear()
        prune(places)

    # -- the way back ------------------------------------------------------------------------

    def _return(self, entry: JournalEntry, reason: str) -> NoReturn:
        """Bring the old release back; always raises DidNotProve."""
        places = self._places
        reason = entry.reason or reason
        self._say(f"going back: {reason}")
        entry = dataclasses.replace(entry, phase=UpdatePhase.RETURNING, reason=reason)
        try:
            self._journal.write(entry)
        except OSError as error:
            # Without it the next start finds the phase before, and comes here again.
            log.error("the journal cannot be written: %s", error)
        # The link must go back all the same; then it is started anew.
        _as_far_as_it_goes(self._systemd.stop)
        self._data_go_back(entry)
        store_view.place(places.kept(entry.old), places.models)
        places.switch(places.current, entry.old)
        store_view.serve_older(places.release(entry.old), places.state, places.models)
        anew = services.install_units(places.release(entry.old), places.units)
        services.remove_units(places.release(entry.new), places.release(entry.old), places.units)
        _as_far_as_it_goes(self._systemd.reload)
        if entry.was_running:
            self._systemd.start(anew=anew or self._systemd.is_up())
        if entry.is_refused:
            self._refusals.add(entry.new, reason)
        # Not before the link is back: a start of the new release would change the data again.
        house.forget_what_is_back(places.saved / entry.old, places.state)
        self._abandon()
        wrong = self._systemd.wait_until_up(self._parts.ready_within_s, 0.0) if entry.was_up else ""
        raise DidNotProve(
            f"release {entry.new} is not in use: {reason}",
            f"The previous one is back, and not well: {wrong}" if wrong else _AS_BEFORE,
        )

    def _data_go_back(self, entry: JournalEntry) -> None:
        """Only where the old release could not read them: they are the newer ones."""
        saved = self._places.saved / entry.old
        if not house.is_saved(saved):
            return
        if house.schema_of(self._places.state) != house.schema_of(saved) or entry.older_data:
            try:
                house.set_aside(self._places.state, self._places.saved)
                house.put_back(saved, self._places.state)
            except OSError as error:
                # The old release sets aside what it cannot read, and takes over what it can.
                log.error("the data saved before could not be put back: %s", error)

    # -- after a power cut -------------------------------------------------------------------

    def _resume(self) -> None:
        entry = self._journal.read()
        if entry is None:
            self._journal.clear()
            return
        current = self._places.which(self._places.current)
        self._say(f"an update to {entry.new} was cut off while {entry.phase}")
        if current not in (entry.old, entry.new):
            # Somebody has installed yet another release since: that is what shall run.
            self._abandon()
        elif entry.phase is UpdatePhase.PREPARING:
            self._abandon()
            self._say("nothing of it had been used")
        elif entry.phase is UpdatePhase.RETURNING or current == entry.old:
            self._return(entry, _INTERRUPTED)
        else:
            self._prove_or_return(entry)
            self._say(f"release {entry.new} works, and is kept")

    # -- small things --------------------------------------------------------------------------

    def _clear(self) -> None:
        forget(self._places.work / "ballast")
        for half in self._places.work.glob(".*.new"):
            remove_tree(half)
        self._journal.clear()
        current = self._places.which(self._places.current)
        if current is not None:
            self._places.switch(self._places.keeper, current)

    def _old(self) -> str:
        name = self._places.which(self._places.current)
        if name is None or not self._places.release(name).is_dir():
            raise UpdateFailed(
                f"{self._places.current} names no installed release",
                "Updates are for what scripts/install.sh has installed; it also repairs.",
            )
        return name

    def _must_have_manifest(self, name: str) -> ReleaseManifest:
        found = installed(self._places, name)
        if found is None:
            raise BadRelease(f"release {name} has no manifest")
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only update; the kernel gives the lock back when its holder dies."""
        must_be_ours_alone(self._places.work, "Give the folder back to root.")
        with ExitStack() as stack:
            try:
                self._places.work.mkdir(parents=True, exist_ok=True, mode=0o755)
                stack.enter_context(locked(self._places.work / "lock", _refuse))
            except PermissionError:
                raise UpdateFailed(
                    "only root may change releases", "Say `sudo bittern …`."
                ) from None
            yield


def _refuse(holder: str) -> NoReturn:
    raise NotNow(
        f"another update is at work: {holder}",
        "`bittern update status` shows it. One that hangs can be ended by its number.",
    )


def must_be_wanted(
    offer: ReleaseManifest, old: str, *, allow_older: bool, running: str = ""
) -> str:
    """Return the id of an offered release that shall be installed; raises NotWanted."""
    running = running or __version__
    if offer.id == old:
        raise NotWanted(f"release {offer.version} ({offer.id}) is what runs already")
    if not allow_older and Version.parse(offer.version) <= Version.parse(running):
        raise NotWanted(
            f"release {offer.version} is not newer than {running}, which runs",
            "To install it all the same: --allow-older.",
        )
    wanted = tuple(int(part) for part in offer.python.split("."))
    if wanted > tuple(int(part) for part in platform.python_version_tuple()[:2]):
        raise NotWanted(
            f"release {offer.version} needs Python {offer.python}, "
            f"and this system has {platform.python_version()}",
            "Update the operating system first.",
        )
    return offer.id


def installed(places: AppliancePlaces, name: str | None) -> ReleaseManifest | None:
    """The manifest of an installed release; None where there is none to be read."""
    if name is None:
        return None
    try:
        return manifest.parse(places.manifest(name).read_bytes())
    except (OSError, BadRelease) as error:
        log.info("release %s: %s", name, error)
        return None


def _sha256_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _size_of_tree(folder: Path) -> int:
    return sum(
        (Path(root) / name).lstat().st_size for root, _, names in os.walk(folder) for name in names
    )


def _as_far_as_it_goes(order: Callable[[], None]) -> None:
    """Give systemd an order on the way back, which must go on if it cannot be carried out."""
    try:
        order()
    except UpdateFailed as failure:
        log.error("%s", failure)


def _said(failure: BaseException) -> str:
    return failure.what if isinstance(failure, BitternError) else str(failure)

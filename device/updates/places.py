"""Where everything about releases lies on an appliance."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from device.models.files import sync_folder
from device.updates.durable import point, remove_tree
from device.updates.manifest import FILE_NAME, is_id

COMPLETE = ".complete"
"""In the folder of a release whose files are all there."""


@dataclass(frozen=True, slots=True)
class AppliancePlaces:
    """The folders of an appliance, as ``scripts/lib/appliance.sh`` has them."""

    root: Path = Path("/opt/bittern")
    units: Path = Path("/etc/systemd/system")
    models: Path = Path("/var/lib/bittern-models")
    state: Path = Path("/var/lib/bittern")
    settings: Path = Path("/etc/bittern/bittern.toml")
    signers: Path = Path("/etc/bittern/release_signers")
    control: Path = Path("/run/bittern/control.sock")

    @property
    def releases(self) -> Path:
        """One folder for each release."""
        return self.root / "releases"

    @property
    def current(self) -> Path:
        """The link to the release that runs."""
        return self.root / "current"

    @property
    def previous(self) -> Path:
        """The link to the release that ran before, for the way back."""
        return self.root / "previous"

    @property
    def work(self) -> Path:
        """What updates write for themselves."""
        return self.root / "updates"

    @property
    def keeper(self) -> Path:
        """The link to the release whose program ends what was begun and cut off."""
        return self.work / "keeper"

    @property
    def saved(self) -> Path:
        """Settings and data of the house, as they were before a switch."""
        return self.work / "saved"

    @property
    def staged(self) -> Path:
        """The model store as the new release wants it, until it is switched to."""
        return self.models / ".staged"

    def kept(self, release: str) -> Path:
        """The model store as a release wants it, while another one runs."""
        return self.models / ".kept" / release

    def release(self, name: str) -> Path:
        """The folder of a release."""
        return self.releases / name

    def manifest(self, name: str) -> Path:
        """The manifest of an installed release."""
        return self.release(name) / FILE_NAME

    def program(self, name: str) -> Path:
        """The ``bittern`` command of a release."""
        return self.release(name) / ".venv" / "bin" / "bittern"

    def which(self, link: Path) -> str | None:
        """Return the id of the release that a link points to; None where it does not."""
        try:
            target = Path(os.readlink(link))
        except OSError:
            return None
        return target.name if target.parent == self.releases and is_id(target.name) else None

    def switch(self, link: Path, name: str) -> None:
        """Point a link to a release, in one step."""
        point(link, self.release(name))


def prune(places: AppliancePlaces) -> None:
    """Remove every release but the current and the previous one, and what was kept for it."""
    stay = {places.which(places.current), places.which(places.previous)}
    for folder in (places.releases, places.saved, places.kept("x").parent):
        for each in folder.iterdir() if folder.is_dir() else ():
            if is_id(each.name) and each.name not in stay:
                remove_tree(each)
    sync_folder(places.releases)

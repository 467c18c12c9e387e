"""What comes from outside is believed only as far as it was signed."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import device.updates.places as places_module
from device.cli import main
from device.updates.errors import BadRelease, NoRoom, NotSetUp, NotTrusted, UpdateFailed
from device.updates.freshness import Memory, Seen, complaint, must_be_fresh
from device.updates.making import make, publish_signers
from device.updates.manifest import File, ReleaseManifest, parse
from device.updates.signature import sign, verify
from device.updates.source import Folder, source_of
from device.updates.trust import Trust, serial_of
from device.updates.unpack import unpack

Appliance = Any
"""The class of this name in conftest.py."""
MIB = 1 << 20


@pytest.fixture
def old(appliance: Appliance) -> str:
    """The release that runs before each test."""
    name: str = appliance.install("0.1.0")
    appliance.boot()
    return name


def another_key(folder: Path) -> Path:
    key = folder / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


def refused(appliance: Appliance, source: Folder, error: type[Exception], match: str) -> None:
    """The source is refused, and the release that runs is not touched."""
    before = appliance.running
    with pytest.raises(error, match=match):
        appliance.updater().apply(source, appliance.offer(source))
    assert appliance.running == before
    appliance.assert_wholly(before[0])
    assert [path.name for path in appliance.places.releases.iterdir()] == [before[0]]


def test_no_signature(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    (source.path / "release.json.sig").unlink()
    refused(appliance, source, UpdateFailed, "release.json.sig cannot be had")


@pytest.mark.parametrize("noise", [b"", b"nonsense", b"-----BEGIN SSH SIGNATURE-----\nAAAA\n"])
def test_a_bad_signature(appliance: Appliance, old: str, noise: bytes) -> None:
    source = appliance.publish("0.2.0")
    (source.path / "release.json.sig").write_bytes(noise)
    refused(appliance, source, NotTrusted, "not signed by anybody")


def test_a_signature_by_somebody_else(appliance: Appliance, old: str, tmp_path: Path) -> None:
    source = appliance.publish("0.2.0")
    sign(source.path / "release.json", another_key(tmp_path))
    refused(appliance, source, NotTrusted, "not signed by anybody")


def test_a_signature_for_another_purpose(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    (source.path / "release.json.sig").unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-f", appliance.key, "-n", "git",
         source.path / "release.json"],
        check=True, capture_output=True,
    )  # fmt: skip
    refused(appliance, source, NotTrusted, "not signed by anybody")


def test_a_manifest_that_was_changed_after_signing(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    path = source.path / "release.json"
    path.write_text(path.read_text().replace('"0.2.0"', '"0.3.0"'))
    refused(appliance, source, NotTrusted, "not signed by anybody")


def test_nobody_is_trusted_unless_somebody_said_so(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    appliance.places.signers.unlink()
    refused(appliance, source, NotSetUp, "nobody's releases are trusted")


def test_a_key_that_ran_out(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    line = appliance.places.signers.read_text().replace(
        "bittern-release ", 'bittern-release valid-before="20200101",', 1
    )
    appliance.places.signers.write_text(line)
    refused(appliance, source, NotTrusted, "not signed by anybody")


def test_without_ssh_keygen_it_says_what_to_install(appliance: Appliance) -> None:
    with pytest.raises(NotSetUp) as failure:
        verify(b"", b"", appliance.places.signers, program="/nowhere/ssh-keygen")
    assert "openssh-client" in failure.value.advice


@pytest.mark.parametrize("place", ["http://host/x", "ftp://host/x", ""])
def test_places_that_are_none(place: str) -> None:
    with pytest.raises(NotSetUp):
        source_of(place)


# -- the archive -------------------------------------------------------------------------------


def archive_of(source: Folder) -> Path:
    [archive] = source.path.glob("*.tar.gz")
    return archive


def test_an_archive_that_was_changed(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    content = bytearray(archive_of(source).read_bytes())
    content[len(content) // 2] ^= 1
    archive_of(source).write_bytes(content)
    refused(appliance, source, BadRelease, "sha256")


@pytest.mark.parametrize("keep", [0, 1, -1])
def test_an_archive_that_is_cut_short(appliance: Appliance, old: str, keep: int) -> None:
    source = appliance.publish("0.2.0")
    archive_of(source).write_bytes(archive_of(source).read_bytes()[:keep])
    refused(appliance, source, BadRelease, "bytes, the signed manifest says")


def test_an_archive_that_is_not_there(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    archive_of(source).unlink()
    refused(appliance, source, UpdateFailed, "cannot be had")


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> Any:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), kind, link
    return info, content


def resigned(appliance: Appliance, source: Folder, members: list[Any], cut: int = 0) -> None:
    """The makers themselves signed for an archive with these members: hash and size are right."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    packed = gzip.compress(raw.getvalue())
    packed = packed[: len(packed) - cut]
    archive_of(source).write_bytes(packed)
    path = source.path / "release.json"
    document = json.loads(path.read_text())
    document["archive"]["sha256"] = hashlib.sha256(packed).hexdigest()
    document["archive"]["size_bytes"] = len(packed)
    path.write_text(json.dumps(document))
    sign(path, appliance.key)


def members_of(source: Folder) -> list[Any]:
    with tarfile.open(archive_of(source)) as tar:
        found = []
        for info in tar:
            content = tar.extractfile(info)
            found.append((info, content.read() if content else b""))
        return found


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (entry("../../../etc/cron.d/x", b"x"), "nobody signed for it"),
        (entry("/etc/cron.d/x", b"x"), "nobody signed for it"),
        (entry("flaws/extra", b"x"), "nobody signed for it"),
        (entry("program", b"again"), "nobody signed for it"),
        (entry("sly", kind=tarfile.SYMTYPE, link="/etc"), "not a plain file"),
        (entry("sly", kind=tarfile.LNKTYPE, link="/etc/passwd"), "not a plain file"),
        (entry("sly", kind=tarfile.FIFOTYPE), "not a plain file"),
        (entry("sly", kind=tarfile.CHRTYPE), "not a plain file"),
    ],
)
def test_members_that_do_not_belong(appliance: Appliance, old: str, member: Any, says: str) -> None:
    source = appliance.publish("0.2.0")
    members = members_of(source)
    resigned(appliance, source, [*members, member])
    refused(appliance, source, BadRelease, says)
    if member[0].name != "program":
        resigned(appliance, source, [member, *members[:-1]])
        refused(appliance, source, BadRelease, says)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"x",
        lambda content: content[:-1],
        lambda content: bytes(len(content)),
    ],
)
def test_a_file_that_is_another(
    appliance: Appliance, old: str, change: Callable[[bytes], bytes]
) -> None:
    source = appliance.publish("0.2.0")
    members = [
        entry(info.name, change(content)) if info.name == "program" else (info, content)
        for info, content in members_of(source)
    ]
    resigned(appliance, source, members)
    refused(appliance, source, BadRelease, "not the file that was signed for")


def test_an_archive_that_ends_in_the_middle_of_itself(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    resigned(appliance, source, members_of(source), cut=30)
    refused(appliance, source, BadRelease, "cannot be read")


def test_an_archive_without_one_of_the_files(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    resigned(appliance, source, members_of(source)[1:])
    refused(appliance, source, BadRelease, "lacks")


def test_modes_and_owners_are_the_manifests(tmp_path: Path) -> None:
    info = tarfile.TarInfo("tool")
    info.size, info.mode, info.uid = 1, 0o6777, 1234
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.addfile(info, io.BytesIO(b"x"))
    file = File("tool", hashlib.sha256(b"x").hexdigest(), 1, executable=True)
    unpack(tmp_path / "a.tar.gz", ReleaseManifest("1.0.0", "3.11", 1, (file,)), tmp_path / "out")
    found = (tmp_path / "out" / "tool").stat()
    assert (found.st_mode & 0o7777, found.st_uid) == (0o755, os.geteuid())


# -- the disk ----------------------------------------------------------------------------------


@pytest.fixture
def small_disk(appliance: Appliance, old: str) -> Iterator[Path]:
    """The appliance's releases on a file system of 48 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    root = appliance.places.root
    aside = root.with_name("aside")
    root.rename(aside)
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", root], check=True)
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", root], check=True)
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def fill(disk: Path) -> None:
    """Write until there is no room left."""
    with (disk / "others").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)) > 0:
            continue


def test_a_disk_that_is_too_full_is_seen_before(appliance: Appliance, small_disk: Path) -> None:
    (small_disk / "others").write_bytes(bytes(20 * MIB))
    refused(appliance, appliance.publish("0.2.0"), NoRoom, "are free")


def test_a_disk_that_fills_up_meanwhile(
    appliance: Appliance, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else writes after we have looked: the file system itself says no."""
    import device.updates.updater as updater

    source = appliance.publish("0.2.0", model="x" * MIB)
    monkeypatch.setattr(updater, "check_archive", lambda *_: fill(small_disk))
    refused(appliance, source, NoRoom, "no room left")


def test_a_disk_that_is_full_when_it_is_switched(
    appliance: Appliance, old: str, small_disk: Path
) -> None:
    """Nothing can be saved: the old release must be back all the same."""

    database = appliance.places.state / "house.sqlite3"
    database.write_bytes(database.read_bytes() + bytes(3 * MIB))
    source = appliance.publish("0.2.0")
    with pytest.raises(UpdateFailed):
        appliance.updater(lambda: fill(small_disk)).apply(source, appliance.offer(source))
    (small_disk / "others").unlink()
    assert appliance.running == (old, "active")
    appliance.assert_wholly(old)


# -- of today ----------------------------------------------------------------------------------


@pytest.fixture
def at_home(appliance: Appliance, old: str, monkeypatch: pytest.MonkeyPatch) -> Appliance:
    monkeypatch.setattr(places_module, "AppliancePlaces", lambda: appliance.places)
    monkeypatch.setenv("BITTERN_CONFIG", str(appliance.folder / "bittern.toml"))
    (appliance.folder / "bittern.toml").write_text("")
    appliance.places.work.mkdir(exist_ok=True)  # as scripts/install.sh does
    return appliance


def say_again(appliance: Appliance, version: str, days: int) -> Folder:
    """The same release once more, until another day."""
    source = appliance.publish(version)
    make(appliance.clone(version), source.path, appliance.key, valid_days=days)
    return source


def test_an_offer_that_has_run_out_is_of_no_use(at_home: Appliance, capsys: Any) -> None:
    source = say_again(at_home, "0.2.0", -1)
    assert main(["update", "apply", "--automatic", "--from", str(source.path)]) == 1
    assert "the place is frozen" in capsys.readouterr().err
    assert main(["update", "status"]) == 0
    assert "the last look of the timer: what is offered held until" in capsys.readouterr().out
    say_again(at_home, "0.2.0", 1)
    assert main(["update", "check", "--from", str(source.path)]) == 0


def test_an_offer_without_an_end_is_none(at_home: Appliance, capsys: Any) -> None:
    source = at_home.publish("0.2.0")
    path = source.path / "release.json"
    path.write_bytes(dataclasses.replace(parse(path.read_bytes()), valid_until="").as_json())
    sign(path, at_home.key)
    assert main(["update", "check", "--from", str(source.path)]) == 1
    assert "does not say until when" in capsys.readouterr().err


def test_nothing_lower_than_what_was_seen_is_taken(at_home: Appliance, capsys: Any) -> None:
    """Also where the higher one was never installed: an old state of the place is shown."""
    higher, lower = at_home.publish("0.3.0"), at_home.publish("0.2.0")
    assert main(["update", "check", "--from", str(higher.path)]) == 0
    for command in (["check"], ["apply"], ["apply", "--automatic"]):
        assert main(["update", *command, "--from", str(lower.path)]) == 1
        assert "0.3.0 was offered before" in capsys.readouterr().err
    offer = at_home.offer(lower)
    must_be_fresh(offer, Memory(at_home.places.work).read(), date.today(), allow_older=True)


def test_an_older_offer_of_the_same_release_is_noticed(at_home: Appliance, capsys: Any) -> None:
    source = say_again(at_home, "0.2.0", 90)
    assert main(["update", "check", "--from", str(source.path)]) == 0
    say_again(at_home, "0.2.0", 30)
    assert main(["update", "check", "--from", str(source.path)]) == 1
    assert "is an older one" in capsys.readouterr().err


def test_a_timer_that_gets_no_answer_is_told_of() -> None:
    now = datetime(2027, 3, 10, tzinfo=UTC)
    fine = Seen("0.2.0", "2027-04-01", "2027-03-09T03:00:00+00:00")
    assert complaint(fine, now) == ""
    silent = dataclasses.replace(fine, looked_at="2027-03-01T03:00:00+00:00", trouble="no route")
    assert complaint(silent, now) == "no answer for 8 days (no route)"
    assert "frozen" in complaint(dataclasses.replace(fine, valid_until="2027-03-09"), now)
    assert complaint(Seen(trouble="no route"), now) == "the timer has found nothing yet (no route)"
    assert complaint(Seen(), now) == ""


# -- other keys --------------------------------------------------------------------------------


class Makers:
    """A key for releases, and one for the list of keys, in the hands of the makers."""

    def __init__(self, appliance: Appliance, folder: Path) -> None:
        self.appliance, self.folder = appliance, folder
        self.root, self.new = (self._key(name) for name in ("root", "new"))
        self.old = appliance.key
        appliance.places.signers.write_text(
            self.line(self.old, "bittern-release") + self.line(self.root, "bittern-signers")
        )

    def _key(self, name: str) -> Path:
        key = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        return key

    def line(self, key: Path, *purposes: str) -> str:
        kind, public, *_ = key.with_name(key.name + ".pub").read_text().split()
        return f'bittern-release namespaces="{",".join(purposes)}" {kind} {public}\n'

    def offer(self, source: Folder, serial: int, by: Path, *lines: str) -> None:
        signers = self.folder / f"signers-{serial}"
        signers.write_text(f"# serial {serial}\n" + "".join(lines))
        publish_signers(signers, source.path, by)


@pytest.fixture
def makers(at_home: Appliance, tmp_path: Path) -> Makers:
    return Makers(at_home, tmp_path)


def test_a_key_is_replaced_and_the_old_one_revoked(makers: Makers, capsys: Any) -> None:
    source = makers.appliance.publish("0.2.0")
    keys = makers.line(makers.new, "bittern-release"), makers.line(makers.root, "bittern-signers")
    makers.offer(source, 2, makers.root, *keys)
    assert main(["update", "check", "--from", str(source.path)]) == 1
    said = capsys.readouterr().err
    assert "the makers have changed their keys: list 2 counts now" in said
    assert "the manifest is not signed by anybody" in said, "by the old key"
    sign(source.path / "release.json", makers.new)
    assert main(["update", "check", "--from", str(source.path)]) == 0
    makers.offer(source, 1, makers.root, makers.line(makers.old, "bittern-release"))
    sign(source.path / "release.json", makers.old)
    assert main(["update", "check", "--from", str(source.path)]) == 1, "an older list is none"


@pytest.mark.parametrize("who", ["old", "new"])
def test_who_may_only_sign_releases_cannot_change_the_keys(
    makers: Makers, who: str, capsys: Any
) -> None:
    source = makers.appliance.publish("0.2.0")
    by = getattr(makers, who)
    makers.offer(source, 2, by, makers.line(by, "bittern-release", "bittern-signers"))
    assert main(["update", "check", "--from", str(source.path)]) == 1
    assert "the new list of keys is not signed by anybody" in capsys.readouterr().err
    assert Trust(makers.appliance.places.signers, makers.appliance.places.work).serial == 0


def test_the_owner_has_the_last_word_on_whom_to_trust(makers: Makers) -> None:
    source = makers.appliance.publish("0.2.0")
    makers.offer(source, 2, makers.root, makers.line(makers.new, "bittern-release"))
    trust = Trust(makers.appliance.places.signers, makers.appliance.places.work)
    assert (trust.renew(source), trust.serial) == (2, 2)
    with makers.appliance.places.signers.open("a") as owners:
        owners.write("# mine\n")
    assert (trust.serial, trust.file) == (0, makers.appliance.places.signers)


@pytest.mark.parametrize("text", [b"", b"# serial 0\nx y z\n", b"x y z\n", b"# serial 3\n\n"])
def test_a_list_that_is_none(text: bytes) -> None:
    with pytest.raises(UpdateFailed):
        serial_of(text)

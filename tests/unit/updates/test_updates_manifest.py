"""What a manifest may say, and what it must not."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.updates.errors import BadRelease
from device.updates.manifest import File, ReleaseArchive, ReleaseManifest, identity, is_safe, parse

SHA = "0" * 64
GOOD = ReleaseManifest(
    "1.2.3",
    "3.11",
    1,
    (File("device/cli.py", SHA, 10), File("scripts/run", SHA, 0, True)),
    ReleaseArchive("bittern-1.2.3.tar.gz", SHA, 99),
)


def changed(change: Any, *where: Any) -> bytes:
    document = json.loads(GOOD.as_json())
    place = document
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = change
    return json.dumps(document).encode()


def test_it_is_read_as_it_was_written() -> None:
    assert parse(GOOD.as_json()) == GOOD


def test_the_id_is_what_the_installer_computes(tmp_path: Any) -> None:
    files = []
    for name, text in {"b/x": "one", "a": "two", "B": "three"}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
        files.append(File(name, said.stdout.split()[0], len(text)))
    script = (
        r"find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- "
        "| sha256sum | cut -c 1-12"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert identity(files) == done.stdout.strip()


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../b", "a//b", "./a", "a/.", "", ".", "a\\b", "a\nb", "a\0b",
     ".venv/bin/python", ".complete", "release.json", "release.json.sig", "a" * 251],
)  # fmt: skip
def test_paths_that_lead_astray(path: str) -> None:
    assert not is_safe(path)
    with pytest.raises(BadRelease, match="not the path of a file"):
        parse(changed(path, "files", 0, "path"))


@given(st.text(max_size=60))
def test_a_safe_path_stays_in_its_folder(path: str) -> None:
    from pathlib import Path

    if is_safe(path):
        assert Path("/r", path).resolve().is_relative_to("/r")
        assert Path("/r", path).as_posix() == f"/r/{path}"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (2, ("format",)),
        ("1.2", ("version",)),
        ("three", ("python",)),
        (-1, ("schema",)),
        (True, ("schema",)),
        ([], ("files",)),
        ("x", ("files", 0, "sha256")),
        (1.5, ("files", 0, "size_bytes")),
        (1 << 40, ("files", 0, "size_bytes")),
        ("device/cli.py", ("files", 1, "path")),
        ("device/cli.py/x", ("files", 1, "path")),
        ("../x.tar.gz", ("archive", "file")),
        ("f" * 12, ("id",)),
        (None, ("files", 0)),
    ],
)
def test_what_is_wrong_is_refused(change: object, where: tuple[object, ...]) -> None:
    with pytest.raises(BadRelease):
        parse(changed(change, *where))


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["format", "id", "version", "files", "archive", "schema", "python"]), inner
    ),
))  # fmt: skip
def test_nonsense_is_refused_and_nothing_worse(document: object) -> None:
    with pytest.raises(BadRelease):
        parse(json.dumps(document).encode())


@given(st.binary(max_size=200))
def test_noise_is_refused_and_nothing_worse(text: bytes) -> None:
    with pytest.raises(BadRelease):
        parse(text)

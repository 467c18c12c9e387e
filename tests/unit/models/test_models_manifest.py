"""The shipped list of models is whole, and a wrong list is refused in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from device.models import manifest
from device.models.errors import BadManifest, UnknownModel

SET = """
[a]
about = "x"
licence = "MIT"
archives = [{ project = "p", version = "1", file = "p.whl", size_bytes = 9, sha256 = "0" }]
files = [{ path = "a/f", size_bytes = 1, sha256 = "1", members = ["m"] }]
"""


def load(tmp_path: Path, text: str) -> manifest.ModelManifest:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return manifest.load(path)


def test_every_shipped_hash_is_one_and_no_address_is_named() -> None:
    shipped = manifest.shipped()
    hashes = [
        entry.sha256
        for chosen in shipped.sets.values()
        for entry in (*chosen.archives, *chosen.files)
    ]
    assert len(hashes) > 20
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes)
    assert "://" not in manifest.MANIFEST.read_text()


def test_the_default_sets_may_all_be_used_freely() -> None:
    default = manifest.shipped().select()
    assert [chosen.name for chosen in default] == [
        "silero",
        "microwakeword",
        "whisper-tiny.en",
        "openwakeword-features",
    ]
    assert {chosen.licence for chosen in default} == {"MIT", "Apache-2.0"}
    assert not any(chosen.ask_first for chosen in default)


def test_what_limits_its_use_is_asked_for() -> None:
    sets = manifest.shipped().sets
    assert {name for name, chosen in sets.items() if chosen.ask_first} == {
        "openwakeword",
        "needle3",
    }
    assert all(chosen.terms for chosen in sets.values() if chosen.ask_first)


def test_a_set_brings_what_it_needs_first() -> None:
    names = [chosen.name for chosen in manifest.shipped().select(["openwakeword", "silero"])]
    assert names == ["openwakeword-features", "openwakeword", "silero"]


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(UnknownModel, match="no model 'silro'") as caught:
        manifest.shipped().select(["silro"])
    assert "did you mean 'silero'?" in caught.value.advice


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_an_engine_is_the_one_of_the_machine(machine: str) -> None:
    needle = manifest.load(machine=machine).named("needle3")
    assert [archive.machine for archive in needle.archives] == [machine]
    assert {file.path: file.machine for file in needle.files} == {
        "needle3/needle3.cact": "",
        "needle3/libneedle3.so": machine,
    }


def test_a_set_without_an_engine_for_the_machine_is_not_there() -> None:
    sets = manifest.load(machine="armv7l").sets
    assert "needle3" not in sets
    assert "whisper-tiny.en" in sets


def test_a_right_manifest_is_read(tmp_path: Path) -> None:
    chosen = load(tmp_path, SET).named("a")
    assert (chosen.size_bytes, chosen.download_bytes, chosen.folder) == (1, 9, "a")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"a/f"', '"../f"', "not of the form folder/file"),
        ('"a/f"', '"/a/f"', "not of the form folder/file"),
        ('"a/f"', '"f"', "not of the form folder/file"),
        ("size_bytes = 9, ", "", "size_bytes"),
        ("about", "abuot", "about"),
        ("[a]", "[a", "cannot read the list"),
        ('licence = "MIT"', 'licence = "MIT"\nneeds = ["b"]', "a needs b, which is not there"),
        (
            'licence = "MIT"',
            'licence = "MIT"\nconverted = [{ path = "a/o", from = "a/g" }]',
            "made from a/g",
        ),
        (
            'licence = "MIT"',
            'licence = "MIT"\nconverted = [{ path = "a/f", from = "a/f" }]',
            "a/f is named twice",
        ),
    ],
)
def test_a_wrong_manifest_is_refused_in_words(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(BadManifest) as caught:
        load(tmp_path, SET.replace(old, new, 1))
    assert said in caught.value.what
    assert "models.toml" in caught.value.what


def test_an_absent_manifest_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="cannot read the list of models"):
        manifest.load(tmp_path / "nothing.toml")

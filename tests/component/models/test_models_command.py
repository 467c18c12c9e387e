"""``bittern models`` as a person and a script meet it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device.cli import main
from device.models import converted as conversion
from device.models import manifest, path_of
from device.models.errors import ConversionFailed, MissingModel
from device.models.fetch import convert, fetch
from device.models.manifest import ModelManifest, ModelSet
from device.models.model_store import Condition, ModelStore
from device.models.progress import FetchProgress

Bittern = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bittern(
    shop: ModelStore,
    index: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Bittern:
    """Run the command on a store and a manifest of the test's own."""
    monkeypatch.setenv("BITTERN_MODELS", str(shop.folder))
    monkeypatch.setattr(manifest, "shipped", lambda: shop.manifest)

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["models", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_fetch_says_what_it_did_and_speaks_the_notices(bittern: Bittern, shop: ModelStore) -> None:
    status, out, err = bittern("fetch")
    assert (status, out) == (0, f"models: 1 ready in {shop.folder} (1 fetched now)\n")
    assert re.search(r"notices  \d+ sentences spoken", err)
    assert len(list((shop.folder / "notices").glob("*.wav"))) > 5
    # The brain's service may only read: who fetches leaves nothing for it to write.
    assert len(list(shop.folder.glob("hibari-words-*/*.table"))) == 5
    assert bittern("fetch") == (0, f"models: 1 ready in {shop.folder} (0 fetched now)\n", "")


def test_fetch_as_json(bittern: Bittern, shop: ModelStore) -> None:
    _, out, _ = bittern("fetch", "small", "--json")
    assert json.loads(out) == {"store": str(shop.folder), "fetched": ["small"], "present": []}


def test_an_unknown_name_is_one_clear_line(bittern: Bittern) -> None:
    status, out, err = bittern("fetch", "smal")
    assert (status, out) == (1, "")
    assert err.splitlines()[0] == "bittern: there is no model 'smal'"
    assert "did you mean 'small'?" in err


def test_list_shows_condition_and_licence(bittern: Bittern) -> None:
    assert "absent      small" in bittern("list")[1]
    bittern("fetch", "small")
    described = json.loads(bittern("list", "--json")[1])["models"][0]
    assert (described["condition"], described["licence"]) == ("sound", "CC0-1.0")


def test_verify_finds_damage_and_fetch_mends_it(bittern: Bittern, shop: ModelStore) -> None:
    assert bittern("verify")[1] == "no models are in the store: run `bittern models fetch`\n"
    bittern("fetch", "small")
    assert bittern("verify")[0] == 0
    path = shop.folder / "small" / "note.txt"
    before = path.stat()
    path.write_text("jello")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    status, out, _ = bittern("verify")
    assert status == 1
    assert "damaged     small/note.txt" in out
    assert "run `bittern models fetch small`" in out
    assert bittern("fetch", "small")[0] == 0
    assert path.read_text() == "hello"


def test_path_of_uses_the_store_of_this_machine(bittern: Bittern, shop: ModelStore) -> None:
    with pytest.raises(MissingModel, match=r"small/note\.txt is not in"):
        path_of("small/note.txt")
    bittern("fetch", "small")
    assert path_of("small/note.txt") == shop.folder / "small" / "note.txt"


@pytest.fixture
def wake_set(models: ModelSet) -> ModelSet:
    """The real wake words, from this machine's own store."""
    return manifest.shipped().named("microwakeword")


@pytest.fixture
def wake_store(tmp_path: Path, wake_set: ModelSet) -> ModelStore:
    """A store of its own with the fetched wake words and nothing converted."""
    store = ModelStore(tmp_path / "wake", ModelManifest({wake_set.name: wake_set}))
    for file in wake_set.files:
        target = store.folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path_of(file.path).read_bytes())
    return store


def test_wake_words_are_converted_once(
    wake_store: ModelStore, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = convert(wake_store, ["microwakeword"], progress)
    assert len(written) == len(wake_store.manifest.named("microwakeword").converted)
    monkeypatch.setattr(conversion, "convert", lambda *paths: pytest.fail("converted again"))
    again = ModelStore(wake_store.folder, wake_store.manifest)
    assert convert(again, ["microwakeword"], progress) == []
    assert fetch(again, ["microwakeword"], progress) == []


def test_another_converter_converts_again(
    wake_store: ModelStore, progress: FetchProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    convert(wake_store, ["microwakeword"], progress)
    monkeypatch.setattr(conversion, "_converter_sha256", lambda kind: "newer")
    entry = wake_store.manifest.named("microwakeword").converted[0]
    assert wake_store.quick_condition(entry) is Condition.OUTDATED
    assert entry.path in convert(wake_store, ["microwakeword"], progress)


def test_a_converted_file_that_was_cut_is_noticed_and_written_again(
    wake_store: ModelStore, progress: FetchProgress
) -> None:
    convert(wake_store, ["microwakeword"], progress)
    path = wake_store.path_of("microwakeword/hey_jarvis.onnx")
    os.truncate(path, 100)
    with pytest.raises(MissingModel, match="cut short"):
        wake_store.path_of("microwakeword")
    assert convert(wake_store, ["microwakeword"], progress) == ["microwakeword/hey_jarvis.onnx"]


def test_what_is_no_tflite_model_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "bad.tflite").write_bytes(b"this is not a model at all")
    with pytest.raises(ConversionFailed, match=r"cannot convert bad\.tflite"):
        conversion.convert(tmp_path / "bad.tflite", tmp_path / "bad.onnx", "bad.onnx")


def test_import_names_a_folder_that_is_not_there(
    bittern: Bittern, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["models", "import", str(tmp_path / "stick")])
    assert status == 1
    assert "is no folder" in capsys.readouterr().err

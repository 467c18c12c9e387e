"""Settings from real files: which one counts, and each way in which a file can be unusable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.settings.key_store import service_environment
from device.settings.load import SettingsError, load_settings
from device.settings.secrets import KeyFileError, find_key, in_the_clear
from device.settings.settings_file import replace_whole
from device.settings.tree import Endpoint, Settings


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Where /etc/bittern/bittern.toml would be; not written yet."""
    folder = tmp_path / "etc"
    folder.mkdir()
    return folder / "bittern.toml"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/.config/bittern").mkdir(parents=True)
    return tmp_path / "home"


def volume(path: Path, percent: int) -> Path:
    path.write_text(f"[speaker]\nvolume_percent = {percent}\n")
    return path


def loaded_volume(config: Path | None, environ: dict[str, str], system: Path) -> int:
    return load_settings(config, environ, system).settings.speaker.volume_percent


def test_the_first_of_the_places_counts(tmp_path: Path, system: Path, home: Path) -> None:
    environ = {"HOME": str(home)}
    assert load_settings(None, environ, system).settings == Settings()
    volume(home / ".config/bittern/bittern.toml", 1)
    assert loaded_volume(None, environ, system) == 1
    volume(system, 2)
    assert loaded_volume(None, environ, system) == 2
    environ["BITTERN_CONFIG"] = str(volume(tmp_path / "named.toml", 3))
    assert loaded_volume(None, environ, system) == 3
    assert loaded_volume(volume(tmp_path / "config.toml", 4), environ, system) == 4


def test_the_folder_for_settings_may_be_elsewhere(tmp_path: Path, system: Path) -> None:
    (tmp_path / "bittern").mkdir()
    volume(tmp_path / "bittern/bittern.toml", 5)
    assert loaded_volume(None, {"XDG_CONFIG_HOME": str(tmp_path)}, system) == 5


def problem(path: Path, system: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, {}, system)
    (mistake,) = caught.value.mistakes
    return str(mistake).removeprefix(f"{path}: ")


def test_a_named_file_must_be_there(tmp_path: Path, system: Path) -> None:
    assert problem(tmp_path / "none.toml", system) == "there is no such file"
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings(None, {"BITTERN_CONFIG": str(tmp_path / "none.toml")}, system)


def test_a_link_to_nowhere_is_not_passed_over_in_silence(system: Path) -> None:
    system.symlink_to("nowhere.toml")
    with pytest.raises(SettingsError, match="there is no such file"):
        load_settings(None, {}, system)


def test_what_is_no_file(tmp_path: Path, system: Path) -> None:
    assert problem(tmp_path, system) == "expected a file, this is a directory"
    assert problem(tmp_path / "x\0y", system).startswith("cannot be read: ")
    os.mkfifo(tmp_path / "pipe")
    nothing_ordinary = "expected an ordinary file, this is a device or a pipe"
    assert problem(tmp_path / "pipe", system) == nothing_ordinary
    assert problem(Path("/dev/zero"), system) == nothing_ordinary


def test_a_huge_file(tmp_path: Path, system: Path) -> None:
    path = tmp_path / "huge.toml"
    path.write_bytes(b"#" * 300 * 1024)
    expected = "expected at most 256 KiB of TOML, this file has 300 KiB"
    assert problem(path, system) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_a_file_of_somebody_else(tmp_path: Path, system: Path) -> None:
    path = volume(tmp_path / "locked.toml", 1)
    path.chmod(0)
    assert problem(path, system) == "cannot be read: Permission denied"


def test_a_file_that_is_in_the_way_of_a_folder(tmp_path: Path, system: Path) -> None:
    path = volume(tmp_path / "file", 1) / "bittern.toml"
    assert problem(path, system) == "cannot be read: Not a directory"


CLOUD = Endpoint(name="cloud", url="wss://x", key_env="CLOUD_KEY")


def with_file(name: str) -> Endpoint:
    return Endpoint(name="cloud", url="wss://x", key_env="CLOUD_KEY", key_file=name)


def test_a_key_is_found_in_a_file_a_credential_or_the_environment(tmp_path: Path) -> None:
    environ = {"CLOUD_KEY": " from-environment\n", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    found = find_key(CLOUD, environ)
    assert found is not None
    assert (found.value, found.origin) == ("from-environment", "$CLOUD_KEY")

    (tmp_path / "CLOUD_KEY").write_text("from-credential\n")
    found = find_key(CLOUD, environ)
    assert found is not None
    assert (found.value, found.origin) == ("from-credential", "credential CLOUD_KEY")

    (tmp_path / "other").write_text("from-other")
    found = find_key(with_file("other"), environ)
    assert found is not None
    assert (found.value, found.origin) == ("from-other", "credential other")

    path = tmp_path / "key.txt"
    path.write_text("from-file\n")
    path.chmod(0o600)
    found = find_key(with_file(str(path)), environ)
    assert found is not None
    assert (found.value, found.origin, found.is_exposed) == ("from-file", str(path), False)
    assert "from-file" not in repr(found)


def test_a_key_that_everybody_can_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "key.txt"
    path.write_text("k")
    path.chmod(0o644)
    found = find_key(with_file(str(path)), {})
    assert found is not None
    assert found.is_exposed


def test_no_key(tmp_path: Path) -> None:
    assert find_key(CLOUD, {}) is None
    assert find_key(CLOUD, {"CLOUD_KEY": "  "}) is None
    assert find_key(with_file(str(tmp_path / "none")), {}) is None
    assert find_key(Endpoint(name="brain", url="brain"), {"": "x"}) is None


MISTAKES = {
    b"": "it is empty",
    b"\n": "it is empty",
    b"sk- proj": "a space in it",
    b"sk-proj\nabc": "it holds 2 lines",
    b"sk-proj\r\n\r\nabc": "it holds 3 lines",
    b'"sk-proj"': "it is in quotes",
    b"'sk-proj'\n": "it is in quotes",
    "\u201csk-proj\u201d".encode(): "no key has",
    b"\xef\xbb\xbfsk-proj": "byte order mark",
    "sk-proj".encode("utf-16"): "byte order mark",
    b"OPENAI_API_KEY=sk-proj": "it is an assignment",
    b"export OPENAI_API_KEY=sk-proj": "it is an assignment",
    b"\xffsk": "no key has",
    b"\x1b[msk": "no key has",
    b"x" * 10_000: "no file of its size",
}


@pytest.mark.parametrize("content", MISTAKES)
def test_a_file_that_holds_no_key_has_its_mistake_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=MISTAKES[content]) as failed:
        find_key(with_file(str(path)), {})
    assert "does not hold a key" in failed.value.what
    assert "proj" not in str(failed.value)
    assert str(failed.value).isprintable()


@pytest.mark.parametrize("value", ['"sk-proj"', "sk-proj abc", "sk-a\nsk-b", "\ufeffsk"])
def test_a_variable_is_judged_like_a_file(value: str) -> None:
    with pytest.raises(KeyFileError, match=r"\$CLOUD_KEY does not hold a key: "):
        find_key(CLOUD, {"CLOUD_KEY": value})


@pytest.mark.parametrize("value", ["sk-proj_A-9", "eyJhbGciOi.J9==", "a+b/c=", "ABC=", "token:1"])
def test_what_looks_odd_and_is_a_key(value: str) -> None:
    found = find_key(CLOUD, {"CLOUD_KEY": f" {value}\n"})
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("wss://brain.lan/v1", False),
        ("ws://127.0.0.1:8765", False),
        ("ws://[::1]:8765", False),
        ("ws://localhost:8765", False),
        ("unix:/run/x", False),
        ("brain", False),
        ("ws://192.168.1.5:8765", True),
        ("ws://127.0.0.1.evil.example", True),
        ("WS://brain.lan", True),
    ],
)
def test_a_key_that_would_cross_the_network_in_the_clear(url: str, is_warned: bool) -> None:
    warning = in_the_clear(Endpoint(name="house", url=url, key_env="HOUSE_KEY"))
    assert (warning is not None) == is_warned
    assert warning is None or "the key and what you say" in warning


def test_root_looks_where_the_service_is_given_its_keys(tmp_path: Path) -> None:
    assert service_environment([CLOUD], {}, tmp_path / "none") == ({}, False)
    (tmp_path / "CLOUD_KEY").write_bytes(b'"sk-proj"\n')
    environ, is_hidden = service_environment([CLOUD], {"A": "b"}, tmp_path)
    assert not is_hidden
    with pytest.raises(KeyFileError, match="in quotes"):
        find_key(CLOUD, environ)


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="does not hold a key"):
        find_key(with_file(f"{tmp_path}/"), {})


def test_settings_are_for_everybody_to_read_and_a_key_in_them_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bittern.toml"
    replace_whole(file, b"[speaker]\nvolume_percent = 30\n")
    assert file.stat().st_mode & 0o777 == 0o644
    secret = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"
    file.write_text(f"[[endpoint]]\nname = 'openai'\nkey = '{secret}'\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {}, tmp_path / "none")
    assert secret not in str(caught.value)

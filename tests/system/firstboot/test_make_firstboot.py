"""What goes onto a card, and that the key leaves it, wherever the power is cut."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "scripts" / "make-firstboot.sh"
PROVISION = REPOSITORY / "scripts" / "firstboot" / "provision.sh"
FIRSTRUN = REPOSITORY / "scripts" / "firstboot" / "firstrun.sh"
KEY = "sk-of-this-test-0123456789"
NETWORK = 'My "Wi-Fi"; ü'


class Desk:
    """Where somebody prepares a card."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card = folder / "bootfs"
        self.card.mkdir()
        self.settings = self.file("mine.toml", '[panel]\nboard = "led-and-button"\n')

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def make(self, *options: object, status: int = 0) -> str:
        done = subprocess.run(
            [SCRIPT, "--settings", self.settings, *map(str, options), self.card],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stderr

    def options(self) -> list[object]:
        return [
            *("--hostname", "kitchen", "--country", "NO", "--timezone", "Europe/Oslo"),
            *("--key-file", self.file("key", f"{KEY}\n")),
            *("--wifi", NETWORK, "--wifi-password-file", self.file("wifi", "correct horse\n")),
            *("--password-file", self.file("password", "let me in\n")),
            *("--ssh-key", self.file("id.pub", "ssh-ed25519 AAAAC3Nza me@home\n")),
        ]

    def yaml(self, name: str) -> Any:
        return yaml.safe_load((self.card / name).read_text())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_trixie_gets_three_files_of_cloud_init(desk: Desk) -> None:
    for name in ("user-data", "meta-data"):
        (desk.card / name).touch()
    (desk.card / "cmdline.txt").write_text("root=x cfg80211.ieee80211_regdom=GB rootwait\n")
    assert "Raspberry Pi OS trixie" in desk.make(*desk.options())
    user_data = desk.yaml("user-data")
    assert (desk.card / "user-data").read_text().startswith("#cloud-config\n")
    assert (user_data["hostname"], user_data["timezone"]) == ("kitchen", "Europe/Oslo")
    (user,) = user_data["users"]
    assert user["passwd"].startswith("$6$")
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAAC3Nza me@home"]
    wlan = desk.yaml("network-config")["network"]["wifis"]["wlan0"]
    assert wlan["regulatory-domain"] == "NO"
    assert set(wlan["access-points"]) == {NETWORK}
    assert desk.yaml("meta-data")["instance-id"].startswith("bittern-")
    cmdline = (desk.card / "cmdline.txt").read_text()
    assert cmdline == "root=x rootwait cfg80211.ieee80211_regdom=NO\n"
    everything = b"".join(path.read_bytes() for path in desk.card.iterdir() if path.is_file())
    for secret in (KEY, "correct horse", "let me in"):
        assert secret.encode() not in everything
    assert (desk.card / "bittern" / "key").read_text() == KEY


def test_bookworm_gets_a_script_and_words_for_the_kernel(desk: Desk) -> None:
    (desk.card / "cmdline.txt").write_text("root=x rootwait\r\n")
    desk.make(*desk.options())
    desk.make(*desk.options())
    assert (desk.card / "cmdline.txt").read_text() == (
        "root=x rootwait cfg80211.ieee80211_regdom=NO systemd.run=/boot/firmware/firstrun.sh "
        "systemd.run_success_action=reboot systemd.unit=kernel-command-line.target\n"
    )
    assert (desk.card / "firstrun.sh").read_bytes() == FIRSTRUN.read_bytes()
    conf = (desk.card / "bittern" / "firstrun.conf").read_text()
    assert "correct horse" not in conf
    assert "let me in" not in conf
    shown = subprocess.run(
        ["bash", "-c", f'. "{desk.card}/bittern/firstrun.conf"; printf %s "$wifi_ssid"'],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == NETWORK


@pytest.mark.parametrize(
    ("network", "password", "key"),
    [  # IEEE 802.11i, H.4.2: test vectors
        ("IEEE", "password", "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"),
        (
            "ThisIsASSID",
            "ThisIsAPassword",
            "0dc0d6eb90555ed6419756b9a15ec3e3209b63df707dd508d14581f8982721af",
        ),
    ],
)
def test_the_network_gets_its_key_and_not_its_password(
    desk: Desk, network: str, password: str, key: str
) -> None:
    desk.make(
        *("--system", "trixie", "--wifi", network, "--country", "AT"),
        *("--wifi-password-file", desk.file("wifi", password)),
    )
    wlan = desk.yaml("network-config")["network"]["wifis"]["wlan0"]
    assert wlan["access-points"] == {network: {"password": key}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hostname", "Küche"], "--hostname: expected small letters"),
        (["--hostname", "-a"], "--hostname"),
        (["--country", "Austria"], "two capital letters"),
        (["--wifi", "home"], "--wifi needs --country"),
        (["--wifi", "x" * 33, "--country", "AT"], "at most 32 bytes"),
        (["--user", "root"], "root does not log in"),
        (["--timezone", "Europe/Wien"], "no time zone"),
        (["--system", "buster"], "trixie or bookworm"),
        (["--key-file", "/nowhere"], "cannot be read"),
        ([], "is no boot partition"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    desk: Desk, options: list[str], said: str
) -> None:
    assert said in desk.make(*options, status=1)
    assert list(desk.card.iterdir()) == []


def test_wrong_settings_and_a_private_key_are_refused(desk: Desk) -> None:
    private = desk.file("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert "public ssh key" in desk.make("--system", "trixie", "--ssh-key", private, status=1)
    desk.settings.write_text("[panel]\nboard = 7\n")
    assert "has mistakes" in desk.make("--system", "trixie", status=1)


def test_the_release_is_the_clone(desk: Desk) -> None:
    desk.make("--system", "trixie")
    with tarfile.open(desk.card / "bittern" / "release.tar.gz") as release:
        names = release.getnames()
    assert {"scripts/install.sh", "device/__main__.py", "systemd/bittern.service"} <= set(names)
    assert not any(name.startswith((".git/", ".venv")) for name in names)


class Pi:
    """A boot partition and a disk, in which the power may be cut."""

    def __init__(self, folder: Path, card: Path) -> None:
        self.boot = card
        self.work = folder / "disk" / "work"
        self.tools = folder / "tools"
        self.tools.mkdir()
        # There is no systemd here whose units these could be.
        (self.tools / "systemctl").symlink_to(shutil.which("true") or "/bin/true")
        self.environment = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "BITTERN_BOOT": str(self.boot),
            "BITTERN_WORK": str(self.work),
            "BITTERN_SELF": str(folder / "disk" / "bittern-provision"),
            "BITTERN_UNIT": str(folder / "disk" / "bittern-provision.service"),
        }
        (folder / "disk").mkdir()

    def begin(self, cut_after: int = 0) -> int:
        """Run ``provision.sh begin``, with the power cut before its n-th command."""
        script = self.boot / "bittern" / "provision.sh"
        cut = f"trap '[ $((++n)) -ne {cut_after} ] || kill -KILL $$' DEBUG; set -T; . \"{script}\""
        arguments = ["-c", cut] if cut_after else [str(script)]
        return subprocess.run(
            ["bash", *arguments, *(["begin"] if cut_after else []), "begin"],
            env=self.environment, capture_output=True, timeout=30,
        ).returncode  # fmt: skip

    def keys(self) -> tuple[bool, bool]:
        """Whether the whole key is on the boot partition, and on the disk."""
        places = (self.boot / "bittern" / "key", self.work / "key")
        on_card, on_disk = (path.exists() and path.read_text() == KEY for path in places)
        return on_card, on_disk


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory, where there is some: a busy disk takes its time for every fsync."""
    memory = Path("/dev/shm")
    folder = memory if os.access(memory, os.W_OK) else tmp_path
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        yield Path(scratch)


def test_the_key_leaves_the_card_wherever_the_power_is_cut(desk: Desk, quick_folder: Path) -> None:
    desk.make("--system", "trixie", *desk.options())
    (desk.card / "bittern" / "release.tar.gz").write_bytes(b"a small one, for speed")
    original = quick_folder / "original"
    shutil.copytree(desk.card, original)
    for cut_after in range(1, 400):
        folder = quick_folder / f"cut-{cut_after}"
        folder.mkdir()
        card = folder / "card"
        shutil.copytree(original, card)
        pi = Pi(folder, card)
        status = pi.begin(cut_after)
        assert any(pi.keys()), f"the key is lost when the power is cut at command {cut_after}"
        if status == 0:
            break
        if (card / "bittern" / "provision.sh").exists():
            assert pi.begin() == 0
        assert pi.keys() == (False, True), f"cut at command {cut_after}"
        assert not (card / "bittern").exists() or not list((card / "bittern").iterdir())
        assert (pi.work / "provision.conf").exists()
        shutil.rmtree(folder)
    else:
        pytest.fail("it never came to its end")
    assert cut_after > 30


def test_firstrun_never_stays_in_the_kernels_words(desk: Desk, tmp_path: Path) -> None:
    """Without its values it can do nothing, and must still not come again at every boot."""
    (desk.card / "cmdline.txt").write_text("root=x rootwait\n")
    desk.make(*desk.options())
    shutil.rmtree(desk.card / "bittern")
    done = subprocess.run(
        ["bash", desk.card / "firstrun.sh"],
        env={**os.environ, "BITTERN_BOOT": str(desk.card), "BITTERN_ROOT": str(tmp_path)},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0
    assert (desk.card / "cmdline.txt").read_text() == (
        "root=x rootwait cfg80211.ieee80211_regdom=NO\n"
    )
    assert not (desk.card / "firstrun.sh").exists()
    assert "nothing was set up" in (desk.card / "bittern-report.txt").read_text()


def test_firstrun_writes_what_networkmanager_reads(desk: Desk, tmp_path: Path) -> None:
    """Of its functions, those that only write files, on a root of their own."""
    (desk.card / "cmdline.txt").write_text("root=x\n")
    desk.make(*desk.options())
    root = tmp_path / "root"
    for name, text in (("hostname", "raspberrypi\n"), ("hosts", "127.0.1.1\traspberrypi\n")):
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc" / name).write_text(text)
    functions = FIRSTRUN.read_text().partition("trap finish EXIT")
    wanted = f"{functions[0]}{functions[2].partition('if [ ! -r ')[0]}"
    conf = desk.card / "bittern" / "firstrun.conf"
    subprocess.run(
        ["bash", "-c", f'{wanted}\n. "{conf}"; set_hostname; join_network; set_zone'],
        env={**os.environ, "BITTERN_BOOT": str(desk.card), "BITTERN_ROOT": str(root)},
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    assert (root / "etc/hosts").read_text() == "127.0.1.1\tkitchen\n"
    assert os.readlink(root / "etc/localtime").endswith("Europe/Oslo")
    file = root / "etc/NetworkManager/system-connections/bittern-wifi.nmconnection"
    connection = configparser.ConfigParser(interpolation=None)
    connection.read(file)
    ssid = bytes(int(each) for each in connection["wifi"]["ssid"].strip(";").split(";"))
    assert (ssid.decode(), file.stat().st_mode & 0o777) == (NETWORK, 0o600)
    assert len(connection["wifi-security"]["psk"]) == 64


def test_a_card_that_has_done_its_work_gives_no_more_orders_and_no_password(
    desk: Desk, tmp_path: Path
) -> None:
    """cloud-init reads it at every start, and everybody who has the card in hand."""
    desk.make("--system", "trixie", "--wifi-wpa3", *desk.options())
    assert "correct horse" in (desk.card / "network-config").read_text()
    cloud, bin_folder = tmp_path / "cloud", tmp_path / "bin"
    cloud.mkdir()
    bin_folder.mkdir()
    (bin_folder / "systemctl").write_text("#!/bin/sh\ncat state 2>/dev/null || echo activating\n")
    (bin_folder / "systemctl").chmod(0o755)
    environment = {
        "PATH": f"{bin_folder}:/usr/bin:/bin", "BITTERN_BOOT": str(desk.card),
        "BITTERN_CLOUD": str(cloud), "BITTERN_CLOUD_WITHIN_S": "0",
    }  # fmt: skip

    def card() -> None:
        subprocess.run(["bash", PROVISION, "card"], cwd=tmp_path, env=environment, check=True)

    card()
    assert "bootcmd" in desk.yaml("user-data"), "before cloud-init has made the users"
    (tmp_path / "state").write_text("active\n")
    card()
    assert desk.yaml("user-data") is None
    assert desk.yaml("network-config") == {"network": {"config": "disabled"}}
    assert (cloud / "cloud-init.disabled").exists()
    left = b"".join(path.read_bytes() for path in desk.card.iterdir() if path.is_file())
    assert b"correct horse" not in left
    card()


def test_the_card_runs_nothing_but_the_script_that_it_was_made_with(
    desk: Desk, tmp_path: Path
) -> None:
    desk.make("--system", "trixie", *desk.options())
    ((shell, option, order),) = desk.yaml("user-data")["bootcmd"]
    script = desk.card / "bittern" / "provision.sh"
    here = order.replace("/boot/firmware", str(desk.card)).replace(
        "bash provision.sh begin", "true"
    )

    def runs() -> bool:
        done = subprocess.run([shell, option, here], input="", capture_output=True, text=True)
        return done.returncode == 0

    assert runs()
    script.write_text(script.read_text() + "# and more\n")
    assert not runs()

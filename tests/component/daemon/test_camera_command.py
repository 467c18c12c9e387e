"""``bittern camera`` and ``bittern ask --image``, and what the doctor says of a camera."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device.camera.pictures import LONGEST_SIDE_PIXELS, for_sending
from device.cli.camera import NO_CAMERA, picture_of_file
from device.doctor.camera import check_camera
from device.doctor.findings import Verdict
from device.settings.tree import Camera, Settings

ROOT = Path(__file__).resolve().parents[3]
PATTERN = ROOT / "tests/data/pictures/pattern.jpg"
UNIT = ROOT / "systemd" / "bittern-camera@.service"
with_ffmpeg = pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="ffmpeg is not installed: sudo apt-get install ffmpeg"
)


def bittern(folder: Path, *words: str, camera: str) -> subprocess.CompletedProcess[str]:
    (folder / "bittern.toml").write_text(camera)
    command = [sys.executable, "-P", "-m", "device", "camera", *words]
    config = ["--config", str(folder / "bittern.toml")]
    return subprocess.run(
        [*command, *config], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_picture_is_written_as_a_model_would_be_shown_it(tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    camera = f'[camera]\ncommand = ["cat", "{PATTERN}"]'
    done = bittern(tmp_path, "picture", "--out", str(out), camera=camera)
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == for_sending(PATTERN.read_bytes())


def test_without_a_camera_it_says_so(tmp_path: Path) -> None:
    assert bittern(tmp_path, "check", camera="").returncode == NO_CAMERA
    done = bittern(tmp_path, "picture", camera="")
    assert done.returncode == 1
    assert "name no camera" in done.stderr


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = bittern(tmp_path, "check", camera='[camera]\ncommand = ["no-such-camera"]')
    assert done.returncode == 1
    assert "no-such-camera is not installed" in done.stdout


@with_ffmpeg
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_any_picture_becomes_a_small_one(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"a picture: 1.{suffix}"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=3000x2000:d=1",
         "-frames:v", "1", "-metadata", "comment=at home", f"file:{source}"], check=True,
    )  # fmt: skip
    jpeg = picture_of_file(source)
    at = jpeg.index(b"\xff\xc0") + 5
    height, width = (int.from_bytes(jpeg[at + n : at + n + 2], "big") for n in (0, 2))
    assert (width, height) == (LONGEST_SIDE_PIXELS, 683)
    assert b"at home" not in jpeg


def test_the_doctor_says_what_is_missing(tmp_path: Path) -> None:
    unit, path = tmp_path / "bittern.service", tmp_path / "camera.sock"
    chosen = Settings(camera=Camera(command=("cat",)))
    assert check_camera(Settings(), unit, path).verdict is Verdict.SKIPPED
    assert check_camera(chosen, unit, path).verdict is Verdict.GOOD
    unit.touch()
    found = check_camera(chosen, unit, path)
    assert (found.verdict, "enable --now" in found.advice) == (Verdict.BAD, True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        assert check_camera(chosen, unit, path).verdict is Verdict.GOOD
    usb = Settings(camera=Camera(source=str(tmp_path / "video0")))
    if shutil.which("ffmpeg"):
        assert "there is no" in check_camera(usb, tmp_path / "none", path).found


def test_the_unit_may_open_cameras_and_nothing_else() -> None:
    lines = UNIT.read_text().splitlines()
    devices = [line for line in lines if line.startswith("DeviceAllow=")]
    assert devices == [f"DeviceAllow=char-{it} rw" for it in ("video4linux", "media", "dma_heap")]
    for line in ("DynamicUser=yes", "DevicePolicy=closed", "PrivateNetwork=yes", "ProtectHome=yes"):
        assert line in lines
    (hidden,) = (line for line in lines if line.startswith("InaccessiblePaths="))
    for path in ("/var/lib/bittern", "/run/bittern", "/etc/bittern/credentials"):
        assert f"-{path} " in hidden

"""What takes a picture: the owner's command first, and a word about what is missing."""

from __future__ import annotations

import pytest

from device.camera.commands import command_for, command_for_file
from device.camera.pictures import PictureError


def there(name: str) -> str | None:
    return f"/usr/bin/{name}"


def missing(_: str) -> str | None:
    return None


def test_a_pis_own_camera_writes_no_particulars() -> None:
    command = command_for("rpicam", which=there)
    assert command[0] == "rpicam-still"
    assert command[command.index("--exif") + 1] == "0"
    assert command[-2:] == ["--output", "-"]


def test_a_usb_camera_is_read_by_ffmpeg_which_keeps_no_particulars() -> None:
    command = command_for("/dev/video2", which=there)
    assert command[0] == "ffmpeg"
    assert command[command.index("-i") + 1] == "/dev/video2"
    assert command[command.index("-map_metadata") + 1] == "-1"


def test_the_owners_command_comes_first() -> None:
    assert command_for("rpicam", ("shoot", "now"), which=there) == ["shoot", "now"]


def test_a_file_is_no_address() -> None:
    """ffmpeg would fetch ``http:…`` and read other files by ``concat:…``."""
    command = command_for_file("http://example.org/a.jpg", which=there)
    assert command[command.index("-i") + 1] == "file:http://example.org/a.jpg"


@pytest.mark.parametrize(
    ("source", "advice"), [("rpicam", "rpicam-apps"), ("/dev/video0", "install ffmpeg")]
)
def test_what_is_not_installed_is_named(source: str, advice: str) -> None:
    with pytest.raises(PictureError) as raised:
        command_for(source, which=missing)
    assert advice in raised.value.advice

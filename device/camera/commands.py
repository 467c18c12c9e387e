"""The commands that take a picture: each writes one JPEG to its standard output, and ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from device.camera.pictures import LONGEST_SIDE_PIXELS, PictureError

RPICAM = "rpicam"
"""The source that is a Raspberry Pi's own camera."""
SETTLES_MS = 700
"""An automatic exposure needs some frames before it is right."""
SETTLING_FRAMES = 10

Which = Callable[[str], str | None]


def command_for(
    source: str, own_command: Sequence[str] = (), which: Which = shutil.which
) -> list[str]:
    """Return what takes one picture; raises :class:`PictureError` where it is not installed.

    ``source``: ``rpicam``, or the device of a USB camera such as ``/dev/video0``.
    ``own_command``: the owner's, in place of ours.
    """
    if own_command:
        return _found(list(own_command), "See [camera] command in the settings.", which)
    side = LONGEST_SIDE_PIXELS
    if source == RPICAM:
        size = ["--width", str(side), "--height", str(side * 3 // 4)]
        shown = ["--nopreview", "--encoding", "jpg", "--quality", "80", "--exif", "0"]
        command = ["rpicam-still", "--timeout", str(SETTLES_MS), *size, *shown, "--output", "-"]
        return _found(command, "sudo apt-get install rpicam-apps-lite", which)
    settled = f"select=gte(n\\,{SETTLING_FRAMES})"
    return _ffmpeg(["-f", "v4l2", "-i", source], [settled], which)


def command_for_file(path: str, which: Which = shutil.which) -> list[str]:
    """Return what makes such a picture of a file; raises as :func:`command_for`."""
    return _ffmpeg(["-i", f"file:{path}"], [], which)


def _ffmpeg(source: Sequence[str], filters: Sequence[str], which: Which) -> list[str]:
    side = LONGEST_SIDE_PIXELS
    fitting = f"scale=w='min({side},iw)':h='min({side},ih)':force_original_aspect_ratio=decrease"
    return _found(
        [
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *source),
            *("-vf", ",".join([*filters, fitting, "format=yuvj420p"]), "-frames:v", "1"),
            *("-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1"),
        ],
        "sudo apt-get install ffmpeg",
        which,
    )


def _found(command: list[str], advice: str, which: Which) -> list[str]:
    if which(command[0]) is None:
        raise PictureError(f"the program {command[0]} is not installed", advice)
    return command

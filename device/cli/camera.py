"""``bittern camera check|picture``: the eyes, as the appliance has them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.cli.config import add_config_option

if TYPE_CHECKING:
    from device.cli import Commands


NO_CAMERA = 3
"""How ``camera check`` ends where the settings name none."""


def add_commands(commands: Commands[Any]) -> None:
    """Declare ``camera`` and its verbs."""
    about = "the camera: whether there is one, and what it sees"
    family = commands.add_parser("camera", help=about, description=about.capitalize() + ".")
    verbs = family.add_subparsers(required=True, metavar="COMMAND")
    check = verbs.add_parser("check", help="say whether a camera can be asked; 3: none is named")
    add_config_option(check)
    check.set_defaults(run=_check)
    picture = verbs.add_parser("picture", help="take one picture, as a model would be shown it")
    picture.add_argument("--out", type=Path, default=Path("picture.jpg"), metavar="FILE.jpg")
    add_config_option(picture)
    picture.set_defaults(run=_picture)


def _check(chosen: argparse.Namespace) -> int:
    from device.doctor.camera import check_camera
    from device.doctor.findings import Verdict
    from device.settings import load_settings

    finding = check_camera(load_settings(chosen.config).settings)
    print(finding.found + (f"\n{finding.advice}" if finding.advice else ""))
    if finding.verdict is Verdict.SKIPPED:
        return NO_CAMERA
    return 0 if finding.verdict is Verdict.GOOD else 1


def _picture(chosen: argparse.Namespace) -> int:
    import asyncio

    from device.camera.pictures import PictureError
    from device.house.looking import camera_of
    from device.settings import load_settings

    settings = load_settings(chosen.config).settings
    if not settings.camera.is_wanted:
        raise PictureError("the settings name no camera", "See [camera], and docs/camera.md.")
    jpeg = asyncio.run(camera_of(settings, is_appliance=False).picture())
    try:
        chosen.out.write_bytes(jpeg)
    except OSError as failure:
        raise PictureError(
            f"{chosen.out} cannot be written: {failure.strerror}", "Choose another place: --out."
        ) from failure
    print(f"wrote {chosen.out}, {len(jpeg) / 1000:.0f} kB")
    return 0


def picture_of_file(path: Path) -> bytes:
    """Return what a model is shown of a picture file; raises ``PictureError``."""
    import asyncio

    from device.appliance.secrecy import for_children
    from device.camera.commands import command_for_file
    from device.camera.pictures import PictureError
    from device.camera.taking import CommandCamera

    if not path.is_file():
        raise PictureError(f"there is no file {path}", "Give the path of a picture.")
    command = command_for_file(str(path))
    return asyncio.run(CommandCamera(command, for_children()).picture())

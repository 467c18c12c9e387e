"""The camera: whether it can be asked. Nobody looks through it for that."""

from __future__ import annotations

import os
from pathlib import Path

from device.camera.commands import RPICAM, command_for
from device.camera.pictures import PictureError
from device.doctor.findings import Finding, Verdict
from device.settings import tree
from device.settings.places import SERVICE_UNIT, SYSTEMD_CAMERA

ENABLE = "sudo systemctl enable --now bittern-camera.socket"


def check_camera(
    settings: tree.Settings, unit: Path = SERVICE_UNIT, socket: Path = SYSTEMD_CAMERA
) -> Finding:
    """Say what is missing between the settings and a picture."""
    chosen = settings.camera
    if not chosen.is_wanted:
        return Finding("camera", Verdict.SKIPPED, "the settings name none")
    try:
        command = command_for(chosen.source, chosen.command)
    except PictureError as failure:
        return Finding("camera", Verdict.BAD, failure.what, failure.advice)
    if unit.exists():
        if not socket.is_socket():
            return Finding("camera", Verdict.BAD, "the appliance cannot ask for a picture", ENABLE)
        return Finding("camera", Verdict.GOOD, f"{command[0]}, by a unit of its own")
    return _device(chosen, command[0])


def _device(chosen: tree.Camera, program: str) -> Finding:
    """Whether this user may open it; of a service its unit may."""
    device = Path(chosen.source)
    if not chosen.command and chosen.source != RPICAM:
        if not device.exists():
            return Finding(
                "camera", Verdict.BAD, f"there is no {device}", "Is it plugged in? `ls /dev/video*`"
            )
        if not os.access(device, os.R_OK | os.W_OK):
            advice = "sudo usermod -aG video $USER, then log in anew."
            return Finding("camera", Verdict.BAD, f"{device} may not be opened", advice)
    return Finding("camera", Verdict.GOOD, f"{chosen.source or 'the command'}, by {program}")

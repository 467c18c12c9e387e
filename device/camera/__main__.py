"""The unit's program: ``python -m device.camera`` becomes the command that takes one picture.

Its standard output is the connection of whoever asked (``bittern-camera.socket``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from device.camera.commands import command_for
from device.camera.pictures import PictureError
from device.errors import BitternError
from device.settings.load import load_settings


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Become the command; return only where that fails."""
    try:
        chosen = load_settings(None, environ).settings.camera
        if not chosen.is_wanted:
            raise PictureError("the settings name no camera", "See [camera].")
        command = command_for(chosen.source, chosen.command)
        os.execvp(command[0], command)
    except OSError as failure:
        print(f"bittern: the camera cannot be used: {failure.strerror}", file=sys.stderr)
    except BitternError as failure:
        print(f"bittern: {failure}", file=sys.stderr)
        return failure.exit_code
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The board's sound levels are set once; then they are the owner's, who may like others.

ALSA keeps them over a restart (``alsa-restore.service`` of alsa-utils). A note in the
state folder says for which board, and which description of it, it has been done.
"""

from __future__ import annotations

import hashlib
import logging

from device.errors import BitternError
from device.panel import mixer
from device.panel.boards import load_board
from device.settings.places import state_folder
from device.settings.tree import Settings

log = logging.getLogger(__name__)

NOTE = "sound-levels"


def set_levels_once(settings: Settings) -> None:
    """Do it if it was not done; a card that is not there yet is tried again next time."""
    try:
        sound = load_board(settings.panel.board).sound
    except BitternError:
        # Whoever loads it for the lights says so.
        return
    if not sound.mixer:
        return
    note = state_folder(settings.paths) / NOTE
    wanted = hashlib.sha256(f"{settings.panel.board} {sound.mixer}".encode()).hexdigest()
    try:
        if note.exists() and note.read_text() == wanted:
            return
        wrong = mixer.apply(sound)
        for level in wrong:
            told = level.trouble or f"is {level.found}, should be {level.wanted}"
            log.warning("sound level %s: %s", level.control, told)
        if not wrong:
            note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            note.write_text(wanted)
            log.info("the sound card's levels were set as the board wants them")
    except OSError as failure:
        log.warning("the sound card's levels: %s", failure)

"""What a button can ask for. The daemon carries it out; the panel only names it."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """The actions that a board description or the settings can give to a gesture."""

    NONE = "none"
    TALK = "talk"
    """Wake without a word; while an answer plays, interrupt it and listen."""
    STOP = "stop"
    """Be quiet: end the answer, the alarm, the conversation."""
    MUTE = "mute"
    """Close the microphone, or open it again."""
    VOLUME_UP = "volume_up"
    VOLUME_DOWN = "volume_down"
    PAIR = "pair"
    """Say the name and the address, for ssh; and, where the owner's page is on, a code for it."""
    FACTORY_RESET = "factory_reset"
    """Forget everything. Warned of before, with two ways out: see ``reset_guard``."""

"""How easily the wake word is heard: as an order chose last, or a setting changed since."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

from device.settings import LoadedSettings
from device.settings.settings_file import replace_whole

log = logging.getLogger(__name__)

FILE = "sensitivity.json"
Sensitivity = Literal["low", "normal", "high"]
SENSITIVITIES: tuple[str, ...] = get_args(Sensitivity)


class ChosenSensitivity(msgspec.Struct, frozen=True):
    """What was chosen, and what the settings said then."""

    chosen: Sensitivity
    setting: str


def with_chosen(loaded: LoadedSettings, state: Path) -> LoadedSettings:
    """The settings with the choice over them, unless the setting was changed since."""
    try:
        kept = msgspec.json.decode((state / FILE).read_bytes(), type=ChosenSensitivity)
    except FileNotFoundError:
        return loaded
    except (OSError, msgspec.DecodeError) as failure:
        log.warning("the sensitivity in %s cannot be read: %s", state / FILE, failure)
        return loaded
    settings = loaded.settings
    if kept.setting != settings.wake.sensitivity:
        return loaded
    wake = dataclasses.replace(settings.wake, sensitivity=kept.chosen)
    return dataclasses.replace(loaded, settings=dataclasses.replace(settings, wake=wake))


def keep_chosen(wanted: str, loaded: LoadedSettings, state: Path) -> None:
    """Write it down, beside what the settings say by themselves; raises ``OSError``."""
    chosen = ChosenSensitivity(cast("Sensitivity", wanted), loaded.settings.wake.sensitivity)
    replace_whole(state / FILE, msgspec.json.encode(chosen))

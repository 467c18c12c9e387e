"""What the steps of the set-up share."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

from device.audio.devices import Direction, SoundDevice
from device.audio.microphone import Microphone
from device.audio.samples import Samples
from device.audio.speaker import Speaker
from device.settings import LoadedSettings, tree
from device.settings.edit import ENDPOINT, KeyChange, Value
from device.settings.key_store import KeyStore
from device.setup.dialogue import Dialogue


class Bench(Protocol):
    """The sound that the set-up is done with."""

    def devices(self, direction: Direction) -> list[SoundDevice]:
        """What there is to choose from; nothing where there is no choice."""

    def microphone(self, wanted: tree.Microphone) -> Microphone:
        """The microphone of the settings; not opened yet."""

    def channels_of(self, microphone: Microphone) -> list[Samples]:
        """What each channel has heard while it was open; empty where there is only one."""

    def test_microphone(self, wanted: tree.Microphone) -> Microphone:
        """One that keeps its channels apart, where there are several."""

    def speaker(self, wanted: tree.Speaker) -> Speaker:
        """The speaker of the settings; not opened yet."""


@dataclasses.dataclass
class SetupVisit:
    """One run of the set-up."""

    dialogue: Dialogue
    bench: Bench
    loaded: LoadedSettings
    file: Path
    keys: KeyStore
    changes: dict[tuple[str, ...], Value] = dataclasses.field(default_factory=dict)
    has_new_key: bool = False
    """One was stored: the appliance gets it when it starts anew."""
    heard: tuple[Samples, int] | None = None
    """What the microphone heard in its step, and the rate in Hz."""

    @property
    def settings(self) -> tree.Settings:
        """The settings as they will be."""
        settings = self.loaded.settings
        for path, value in self.changes.items():
            settings = _with(settings, path, value)
        return settings

    def change(self, value: Value, *path: str) -> None:
        """Note that a key shall have this value; what is in force already is no change."""
        if _with(self.loaded.settings, path, value) == self.loaded.settings:
            self.changes.pop(path, None)
        else:
            self.changes[path] = value

    def as_changes(self) -> list[KeyChange]:
        """In the order in which they were made."""
        return [KeyChange(path, value) for path, value in self.changes.items()]


def _with(settings: tree.Settings, path: tuple[str, ...], value: Value) -> tree.Settings:
    table, *_, key = path
    if table == ENDPOINT:
        endpoints = tuple(
            dataclasses.replace(each, **{key: value}) if each.name == path[1] else each  # type: ignore[arg-type]
            for each in settings.endpoint
        )
        return dataclasses.replace(settings, endpoint=endpoints)
    changed = dataclasses.replace(getattr(settings, table), **{key: value})
    return dataclasses.replace(settings, **{table: changed})

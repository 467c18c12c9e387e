"""Step: the microphone, with a level meter."""

from __future__ import annotations

import numpy as np

from device.audio.devices import DEFAULT, Direction
from device.audio.levels import BLOCK_S, Levels, measure
from device.audio.samples import Samples
from device.doctor.findings import Verdict
from device.doctor.hearing import judge
from device.doctor.meter import Meter
from device.doctor.recording import record
from device.settings.setup_errors import SetupError
from device.setup.choice import choose_device
from device.setup.visit import SetupVisit

LISTEN_S = 5.0
DEVICES_HELP = "See `bittern devices`; is it plugged in, and set up in config.txt if it is a HAT?"


class MicrophoneStep:
    """Choose it, speak to it, see how loud that is."""

    name = "microphone"
    title = "The microphone"
    takes_hardware = True

    def now(self, visit: SetupVisit) -> str:
        """What is chosen at present."""
        chosen = visit.settings.microphone
        device = "the system's default" if chosen.device == DEFAULT else chosen.device
        return f"{device}, channel {chosen.channel}"

    def run(self, visit: SetupVisit) -> None:
        """Do it."""
        choose_device(visit, Direction.IN, "microphone")
        wanted = visit.settings.microphone
        microphone = visit.bench.test_microphone(wanted)
        meter = Meter(visit.dialogue.sink, microphone.rate_hz)
        visit.dialogue.say(f"Say something, for {LISTEN_S:g} seconds, from where you will stand.")
        sound = record(microphone, LISTEN_S, meter.show)
        meter.clear()
        if len(sound) < round(BLOCK_S * microphone.rate_hz):
            raise SetupError(f"{microphone.name} delivers nothing", DEVICES_HELP)
        used = wanted.channel if isinstance(wanted.channel, int) else None
        channels = visit.bench.channels_of(microphone)
        if used is not None and used < len(channels):
            sound = channels[used][-len(sound) :]
        visit.heard = (sound, microphone.rate_hz)
        levels = measure(sound, microphone.rate_hz)
        self._tell(visit, levels)
        if levels.is_dead:
            self._try_others(visit, channels, microphone.rate_hz)

    def _tell(self, visit: SetupVisit, levels: Levels) -> None:
        judgement = judge(levels, was_spoken=True)
        mark = {Verdict.GOOD: "Good", Verdict.WARNING: "Not quite right"}
        visit.dialogue.say(f"{mark.get(judgement.verdict, 'Bad')}: {judgement.found}.")
        if judgement.advice:
            visit.dialogue.say(judgement.advice)

    def _try_others(self, visit: SetupVisit, channels: list[Samples], rate_hz: int) -> None:
        alive = [n for n, sound in enumerate(channels) if len(sound) and np.any(sound != sound[0])]
        if not alive:
            return
        best = max(alive, key=lambda n: measure(channels[n], rate_hz).loudest_dbfs)
        if visit.dialogue.agrees(f"Channel {best} hears you. Listen to that one?"):
            visit.change(best, "microphone", "channel")
            visit.heard = (channels[best], rate_hz)

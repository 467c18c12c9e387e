"""Step: the speaker."""

from __future__ import annotations

import numpy as np

from device.audio.devices import DEFAULT, Direction
from device.audio.resample import WIRE_RATE_HZ
from device.audio.sounds import Sounds
from device.doctor.recording import play
from device.models.location import chosen_folder
from device.setup.choice import choose_device
from device.setup.visit import SetupVisit


class SpeakerStep:
    """Choose it, hear it, say how loud."""

    name = "speaker"
    title = "The speaker"
    takes_hardware = True

    def now(self, visit: SetupVisit) -> str:
        """What is chosen at present."""
        chosen = visit.settings.speaker
        device = "the system's default" if chosen.device == DEFAULT else chosen.device
        return f"{device}, volume {chosen.volume_percent} %"

    def run(self, visit: SetupVisit) -> None:
        """Do it."""
        choose_device(visit, Direction.OUT, "speaker")
        sounds = Sounds.of_store(chosen_folder(visit.settings.paths.models))
        greeting = np.concatenate((sounds.chime("wake"), sounds.notice("ready")[1]))
        while True:
            self._play(visit, greeting, WIRE_RATE_HZ)
            volume = visit.settings.speaker.volume_percent
            answer = visit.dialogue.ask(
                f"Enter keeps {volume} %, a number from 0 to 100 tries another, "
                "n if you heard nothing"
            )
            if not answer:
                break
            if answer.isdecimal() and int(answer) <= 100:
                visit.change(int(answer), "speaker", "volume_percent")
            elif answer.casefold() in ("n", "no"):
                visit.dialogue.say(
                    "Is it plugged in, and turned up (alsamixer)? If it is another one, do this "
                    "step again and choose that."
                )
                return
        self._echo(visit)

    def _play(
        self, visit: SetupVisit, sound: np.ndarray[tuple[int], np.dtype[np.int16]], rate_hz: int
    ) -> None:
        speaker = visit.settings.speaker
        play(visit.bench.speaker(speaker), sound, rate_hz, speaker.volume_percent)

    def _echo(self, visit: SetupVisit) -> None:
        """Playing back what the microphone heard tells more than any figure."""
        if visit.heard is not None and visit.dialogue.agrees(
            "Hear what your microphone heard?", default=False
        ):
            self._play(visit, *visit.heard)

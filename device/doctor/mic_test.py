"""What ``bittern mic test`` finds out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from device.audio.all_channels import AllChannelsMicrophone
from device.audio.levels import BLOCK_S, Levels, measure
from device.audio.samples import Samples, silence
from device.doctor.findings import Finding, Verdict, exit_code
from device.doctor.hearing import Judgement, judge
from device.doctor.recording import SETTLE_S, record


@dataclass(frozen=True, slots=True)
class MicrophoneChannel:
    """One channel of the microphone."""

    number: int
    levels: Levels
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class MicTest:
    """The outcome."""

    name: str
    rate_hz: int
    channels: tuple[MicrophoneChannel, ...]
    used: int | None
    """The channel that the settings listen to; None for the mix of all."""
    heard: Samples
    """What that channel, or the loudest, has heard: int16 at ``rate_hz``."""

    @property
    def best(self) -> MicrophoneChannel | None:
        """The channel in which a voice stands out most."""
        alive = [each for each in self.channels if not each.levels.is_dead]
        return max(alive, key=lambda each: each.levels.loudest_dbfs, default=None)

    @property
    def exit_code(self) -> int:
        """As the doctor's, by the channel in use."""
        if not self.channels:
            return exit_code([Finding("microphone", Verdict.BAD, "nothing")])
        counted = [each for each in self.channels if self.used in (None, each.number)]
        if self.used is None:
            # A mix lives as long as one of its channels does.
            counted = [min(counted, key=lambda each: each.judgement.verdict)]
        return exit_code([Finding("", each.judgement.verdict, "") for each in counted])

    def lines(self) -> list[str]:
        """For people."""
        if not self.channels:
            return [f"{self.name} delivers nothing", "See `bittern devices`."]
        lines = [f"{self.name}, {self.rate_hz} Hz, {len(self.channels)} channel(s)"]
        for each in self.channels:
            mark = " (in use)" if each.number == self.used else ""
            lines.append(f"channel {each.number}{mark}: {each.judgement.found}")
            if each.judgement.advice:
                lines.append(f"    → {each.judgement.advice}")
        best = self.best
        if self.used is not None and best is not None and self._is_deaf:
            lines.append(f"    → channel {best.number} hears better: [microphone] channel")
        return lines

    @property
    def _is_deaf(self) -> bool:
        used = next((each for each in self.channels if each.number == self.used), None)
        return used is None or used.levels.is_dead

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "microphone": self.name,
            "rate_hz": self.rate_hz,
            "used_channel": "mix" if self.used is None else self.used,
            "channels": [
                {
                    "channel": each.number,
                    "verdict": each.judgement.verdict.name.lower(),
                    "found": each.judgement.found,
                    "advice": each.judgement.advice,
                    **{
                        name: round(value, 4) if isinstance(value, float) else value
                        for name, value in dataclasses.asdict(each.levels).items()
                    },
                }
                for each in self.channels
            ],
            "exit_code": self.exit_code,
        }


def run_mic_test(
    microphone: AllChannelsMicrophone,
    seconds: float,
    used: int | None,
    on_block: Callable[[Samples], None] = lambda _: None,
    *,
    was_spoken: bool = True,
) -> MicTest:
    """Record all channels at once and measure each. Raises what opening raises.

    ``was_spoken``: somebody was asked to speak, so that silence is a fault.
    """
    record(microphone, seconds, on_block)
    rate_hz = microphone.rate_hz
    settled = round(SETTLE_S * rate_hz)
    sounds = [sound[settled:] for sound in microphone.channels()]
    if not sounds or len(sounds[0]) < round(BLOCK_S * rate_hz):
        return MicTest(microphone.name, rate_hz, (), used, silence(0))
    channels = tuple(
        MicrophoneChannel(number, levels, judge(levels, was_spoken=was_spoken))
        for number, sound in enumerate(sounds)
        for levels in (measure(sound, rate_hz),)
    )
    done = MicTest(microphone.name, rate_hz, channels, used, silence(0))
    number = used if used is not None and used < len(channels) else None
    if number is None:
        number = done.best.number if done.best is not None else 0
    return dataclasses.replace(done, heard=sounds[number])

"""The order of things: each step can be skipped or done again, and nothing is lost at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from device.errors import BitternError
from device.settings.settings_file import preview, write
from device.settings.setup_errors import SetupEndedError, SetupError
from device.setup.board import BoardStep
from device.setup.key import KeyStep
from device.setup.microphone import MicrophoneStep
from device.setup.running import Running
from device.setup.speaker import SpeakerStep
from device.setup.visit import SetupVisit
from device.setup.wake_word import WakeWordStep
from device.setup.zone import ZoneStep


class SetupStep(Protocol):
    """One thing to set up."""

    name: str
    title: str
    takes_hardware: bool
    """It needs the microphone, the speaker or the lights for itself."""

    def now(self, visit: SetupVisit) -> str:
        """How it is at present."""

    def run(self, visit: SetupVisit) -> None:
        """Ask, try, and note changes. A ``BitternError`` is told, and the owner decides."""


STEPS: tuple[SetupStep, ...] = (
    MicrophoneStep(),
    SpeakerStep(),
    WakeWordStep(),
    KeyStep(),
    BoardStep(),
    ZoneStep(),
)
NAMES = tuple(step.name for step in STEPS)


def chosen_steps(names: Sequence[str]) -> list[SetupStep]:
    """Return these steps, or all, in their order. Raises ``SetupError`` for an unknown one."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise SetupError(f"there is no step {unknown[0]}", f"There are: {', '.join(NAMES)}.")
    return [step for step in STEPS if not names or step.name in names]


def run(visit: SetupVisit, steps: Sequence[SetupStep], running: Running) -> None:
    """Lead through the steps, then write what has changed."""
    visit.dialogue.say(
        "Every step can be skipped and done again, and nothing is written before the end,",
        f"but for keys, which are stored at once. Settings go to {visit.file}.",
    )
    if any(step.takes_hardware for step in steps):
        running.pause()
    try:
        _all(visit, steps)
        while (again := _which_again(visit, steps)) is not None:
            _one(visit, again, is_wanted=True)
        _write(visit, running)
    finally:
        running.resume(has_new_key=visit.has_new_key)


def _all(visit: SetupVisit, steps: Sequence[SetupStep]) -> None:
    for number, step in enumerate(steps, start=1):
        visit.dialogue.heading(f"{number} of {len(steps)}: {step.title}")
        _one(visit, step, is_wanted=len(steps) == 1)


def _one(visit: SetupVisit, step: SetupStep, *, is_wanted: bool) -> None:
    visit.dialogue.say(f"Now: {step.now(visit)}")
    if not is_wanted and visit.dialogue.ask("Enter begins, s skips").casefold() in ("s", "skip"):
        return
    while True:
        try:
            step.run(visit)
        except SetupEndedError:
            raise
        except BitternError as failure:
            visit.dialogue.say(
                f"That did not work: {failure.what}", *filter(None, [failure.advice])
            )
        if visit.dialogue.ask("Enter goes on, r does this step again").casefold() not in (
            "r",
            "again",
        ):
            return


def _which_again(visit: SetupVisit, steps: Sequence[SetupStep]) -> SetupStep | None:
    visit.dialogue.heading("Done")
    for number, step in enumerate(steps, start=1):
        visit.dialogue.say(f" {number}  {step.title}: {step.now(visit)}")
    while True:
        answer = visit.dialogue.ask("A number does that step again, Enter ends the set-up")
        if not answer:
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(steps):
            return steps[int(answer) - 1]


def _write(visit: SetupVisit, running: Running) -> None:
    changes = visit.as_changes()
    if not changes:
        visit.dialogue.say("The settings stay as they are.")
        return
    preview(visit.file, changes)
    visit.dialogue.say("These settings change:", *(f"  {change}" for change in changes))
    if not visit.dialogue.agrees(f"Write them to {visit.file}?"):
        visit.dialogue.say("Nothing was written.")
        return
    backup = write(visit.file, changes)
    visit.dialogue.say(f"Written.{f' As it was: {backup}' if backup else ''}")
    running.tell()

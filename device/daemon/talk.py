"""The whole appliance on a recording in the place of the microphone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from device.assistant import effects as do
from device.assistant import news
from device.audio.files import FileMicrophone, FileSpeaker
from device.errors import EXIT_NO_ANSWER, EXIT_NO_WAKE_WORD, BitternError
from device.house.house import MAIN, House, open_house
from device.house.opening import Terms
from device.reports import Reporter
from device.room.room import Room, RoomPlan
from device.settings import LoadedSettings

GRACE_S = 2.0
"""After the recording, how long the ears may need to find a wake word at its very end."""
PATIENCE_S = 150.0
"""After the recording, how long everything may take: every endpoint's time-outs and an answer."""


class NoWakeWordError(BitternError):
    """The recording holds no wake word; nothing was sent to anybody."""

    exit_code = EXIT_NO_WAKE_WORD


class NoAnswerError(BitternError):
    """A question was heard, and no endpoint answered it."""

    exit_code = EXIT_NO_ANSWER


@dataclass(slots=True)
class TalkOutcome:
    """What happened during the recording."""

    wakes: int = 0
    answers: int = 0
    trouble: list[str] = field(default_factory=list)

    def note(self, what: news.News) -> None:
        """Take a piece of news into account."""
        match what:
            case news.WakeHeard():
                self.wakes += 1
            case news.AnswerSaid(text=text) if text:
                self.answers += 1
            case news.LinkBroke(detail=detail):
                self.trouble.append(f"link_failed: {detail}")
            case news.Unanswered():
                self.trouble.append("unanswered")
            case news.NobodySpoke():
                self.trouble.append("no_speech")
            case news.PlaybackStalled():
                self.trouble.append("playback_stalled")


async def talk(
    loaded: LoadedSettings,
    recording: Path,
    answer: Path | None,
    report: Reporter,
    only_endpoint: str | None = None,
    show: Callable[[do.Show], None] = lambda _: None,
) -> float:
    """Play a recording to the appliance and wait until all its turns are over.

    Returns the moment, on :func:`time.monotonic`, that the reports' times count from.

    ``answer`` gets what the speaker would have played, from the first moment on. Raises
    :class:`NoWakeWordError` or :class:`NoAnswerError` when there was nothing to hear.
    """
    outcome = TalkOutcome()
    changed = asyncio.Event()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def noted(what: news.News) -> None:
        outcome.note(what)
        report(what)
        changed.set()

    def shown(what: do.Show) -> None:
        show(what)
        changed.set()

    def at_the_end() -> None:
        loop.call_soon_threadsafe(ended.set)

    microphone = FileMicrophone(recording, on_end=at_the_end)
    with tempfile.TemporaryDirectory(prefix="bittern-talk-") as scratch:
        speaker = FileSpeaker(answer or Path(scratch) / "answer.wav")
        plan = RoomPlan(microphone, speaker, noted, shown, watches_sound=False)
        async with open_house(loaded, Terms(only_endpoint, is_private=True)) as house:
            room = await house.open_room(MAIN, lambda _: plan)
            await _until_over(house, room, ended, changed)
    _judge(outcome, recording)
    return room.conductor.parts.clock.began_s


async def _until_over(
    house: House, room: Room, ended: asyncio.Event, changed: asyncio.Event
) -> None:
    broken = asyncio.create_task(house.wait())
    over = asyncio.create_task(_over(room, ended, changed))
    done, left = await asyncio.wait({broken, over}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    for task in done:
        task.result()


async def _over(room: Room, ended: asyncio.Event, changed: asyncio.Event) -> None:
    await ended.wait()
    await asyncio.sleep(GRACE_S)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not room.is_at_rest:
                changed.clear()
                await changed.wait()
    except TimeoutError:
        raise NoAnswerError(
            f"no end of the conversation within {PATIENCE_S:g} s of the recording's end",
            "Try again with `--json`, and look at the last lines.",
        ) from None


def _judge(outcome: TalkOutcome, recording: Path) -> None:
    if outcome.answers:
        return
    if not outcome.wakes:
        raise NoWakeWordError(
            f"no wake word was heard in {recording}; nothing was sent anywhere",
            "See which words are listened for with `bittern config show`, "
            f"and how near it was with `bittern wake score {recording}`.",
        )
    trouble = "; ".join(outcome.trouble) or "the answer was empty"
    raise NoAnswerError(f"the question was not answered: {trouble}", "See `bittern config show`.")

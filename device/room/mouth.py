"""The one owner of a room's speaker: whatever sounds, sounds by way of it.

What may sound, and when, is decided in :mod:`device.room.focus`; this carries it out on the
playback, and tells the core what it must know of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from typing import Protocol, assert_never

from device.assistant import inputs
from device.assistant.items import ItemKey
from device.assistant.states import State
from device.audio.playback import Playback
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Samples
from device.audio.volume import gain_of
from device.room.focus import (
    Channel,
    Decision,
    Delay,
    Duck,
    Focus,
    Free,
    Key,
    Queue,
    Refusal,
    Refuse,
    Silence,
    StopConversation,
)

log = logging.getLogger(__name__)

TONE = "tone"


class Chimes(Protocol):
    """Sounds of our own, mono int16 at 24 kHz."""

    def chime(self, name: str) -> Samples:
        """A short sound."""

    def notice(self, name: str) -> tuple[str, Samples]:
        """A sentence and how it sounds; the error chime where it was never rendered."""


RINGS_AT_LEAST_PERCENT = 40.0
"""Where the volume is silence, which is kept over a restart: a clock that wakes nobody is none."""


class Background(Protocol):
    """Music or radio, by whatever plays it: it steps back while something else is heard."""

    def duck(self, gain_db: float) -> None:
        """Move to this level within a tenth of a second; 0 is as loud as the owner chose."""


class Level(Protocol):
    """Brings sounds (int16, 24 kHz) to the loudness they are to have."""

    def sentence(self, pcm24k: Samples) -> Samples:
        """A whole sentence; silence around it may go."""

    def tone(self, pcm24k: Samples) -> Samples:
        """A tone of what rings, as long as it was."""

    def piece(self, item: Key, pcm24k: Samples) -> Samples:
        """The next piece of an item, as long as it was."""


class AsItCame:
    """Leaves every sound as loud as it is."""

    def sentence(self, pcm24k: Samples) -> Samples:
        """The same."""
        return pcm24k

    def tone(self, pcm24k: Samples) -> Samples:
        """The same."""
        return pcm24k

    def piece(self, item: Key, pcm24k: Samples) -> Samples:  # noqa: ARG002
        """The same."""
        return pcm24k


class Mouth:
    """What the appliance says in one room. On the thread of the event loop.

    ``feed`` gets what the core must know: which items of its own began and ended, and what
    delays them. ``now_sample`` tells the place on the capture clock; it is called on the
    speaker's thread. ``level`` is asked once for each piece of sound. ``is_quiet`` tells
    whether it is a quiet hour, in which nothing but what rings is louder than
    ``ceiling_percent``. ``keep_volume`` is told a volume that somebody chose.
    """

    def __init__(
        self,
        playback: Playback,
        sounds: Chimes,
        *,
        feed: Callable[[inputs.Input], None] = lambda _: None,
        now_sample: Callable[[], int] = lambda: 0,
        level: Level | None = None,
        is_quiet: Callable[[], bool] = lambda: False,
        ceiling_percent: float = 100.0,
        keep_volume: Callable[[float], None] = lambda _: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playback = playback
        self.sounds = sounds
        self.backgrounds: list[Background] = []
        self._feed = feed
        self._now_sample = now_sample
        self._level = level or AsItCame()
        self._is_quiet = is_quiet
        self._ceiling_percent = ceiling_percent
        self._keep_volume = keep_volume
        self._volume_percent = playback.volume_percent
        self._monotonic = monotonic
        self._focus = Focus()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._refused: set[Key] = set()
        self._ends: dict[Key, asyncio.Event] = {}
        playback.on_started = self._started_there
        playback.on_finished = self._finished_there

    # -- what wants to sound -------------------------------------------------------------

    def refusal(self, channel: Channel) -> Refusal | None:
        """Why a channel may not sound now; None when it may."""
        return self._focus.refusal(channel, is_quiet=self._is_quiet())

    def say(self, channel: Channel, key: Key, pcm24k: Samples) -> Refusal | None:
        """Have a whole sentence heard in its turn, or say why not.

        One that is refused counts as over for whoever waits for its end. A key that is in
        use already is replaced.
        """
        self.silence([key])
        length_s = len(pcm24k) / WIRE_RATE_HZ
        wanted = self._focus.wants(channel, key, length_s, is_quiet=self._is_quiet())
        why = self._carry_out(wanted)
        if why is None:
            self._adjust(channel)
            self.playback.play(key, self._level.sentence(pcm24k), channel)
        else:
            log.info("%s is not said: %s", key, why)
            self._finished(key, self._now_sample())
        return why

    @property
    def sounding(self) -> tuple[Key, ...]:
        """What was admitted and has not ended, in the order in which it came."""
        return self._focus.sounding

    def keys_of(self, *channels: Channel) -> tuple[Key, ...]:
        """Of these, what is in such channels."""
        return self._focus.keys_of(*channels)

    async def said(self, key: Key, within_s: float) -> bool:
        """Wait until a sentence was heard to its end or silenced; False when it takes longer."""
        if key not in self._focus.sounding:
            return True
        over = self._ends.setdefault(key, asyncio.Event())
        try:
            async with asyncio.timeout(within_s):
                await over.wait()
        except TimeoutError:
            return False
        return True

    def chime(self, name: str) -> None:
        """Mix in a short sound now, over whatever plays."""
        self._adjust(Channel.NOTICE)
        self._mix_in(self.sounds.chime(name), None)

    def tone(self, pcm24k: Samples) -> None:
        """Mix in one tone of what rings, until :meth:`end_tone`."""
        self._adjust(Channel.ALARM)
        self._mix_in(self._level.tone(pcm24k), TONE)

    def end_tone(self) -> None:
        """Silence the tone."""
        self.playback.mix_out(TONE)

    def silence(self, keys: Collection[Key]) -> None:
        """End these sentences now; whatever is no longer to be heard is no matter."""
        self.playback.stop(keys)
        for key in keys:
            self._ended(key)

    def _mix_in(self, pcm24k: Samples, key: Key) -> None:
        length_s = len(pcm24k) / WIRE_RATE_HZ
        self._carry_out(self._focus.mixed_in(length_s, self._monotonic()))
        self.playback.mix_in(pcm24k, key)

    # -- the conversation ----------------------------------------------------------------

    def feed_answer(self, item: ItemKey, pcm24k: Samples) -> None:
        """Go on with an item of an answer."""
        if item not in self._focus.sounding:
            if item in self._refused:
                return
            if self._carry_out(self._focus.wants(Channel.ANSWER, item, 0.0)) is not None:
                self._refused.add(item)
                return
            self._adjust(Channel.ANSWER)
        self.playback.feed(item, self._level.piece(item, pcm24k), Channel.ANSWER)

    def finish_answer(self, item: ItemKey) -> None:
        """An item of an answer is complete."""
        if item in self._refused:
            self._refused.discard(item)
            self._finished(item, self._now_sample())
        else:
            self.playback.finish(item)

    def stop_conversation(self) -> dict[ItemKey, int]:
        """Silence answer, notices and what was said out of the blue; what rings goes on.

        Returns the milliseconds heard of each item of the core's that had not ended.
        """
        keys = self._focus.keys_of(Channel.ANSWER, Channel.NOTICE, Channel.ANNOUNCEMENT)
        heard = self.playback.stop(keys)
        for key in keys:
            self._ended(key)
        return {key: ms for key, ms in heard.items() if isinstance(key, ItemKey)}

    def duck_answer(self) -> None:
        """Go on with the answer softly, until it is held, resumed or stopped."""
        self.playback.duck(Channel.ANSWER)

    def hold_answer(self) -> None:
        """Keep the answer where it is, silent; what rings sounds on."""
        self.playback.hold(Channel.ANSWER)

    def resume_answer(self) -> None:
        """Go on with the answer; after a hold from where it was ducked."""
        self.playback.resume()

    def stop_announcements(self) -> None:
        """Somebody wants quiet: what was said out of the blue ends."""
        self.silence(self._focus.keys_of(Channel.ANNOUNCEMENT))

    def follow(self, state: State) -> None:
        """The conversation is in this state from now on."""
        self._carry_out(self._focus.follow(state, self._monotonic()))

    @property
    def volume_percent(self) -> float:
        """The one that was chosen, 0 to 100; a quiet hour may have what sounds be softer."""
        return self._volume_percent

    @volume_percent.setter
    def volume_percent(self, percent: float) -> None:
        gain_of(percent)  # complain before it is kept
        self._volume_percent = percent
        self._adjust(Channel.NOTICE)
        self._keep_volume(percent)

    def _adjust(self, channel: Channel) -> None:
        """Have the volume that holds now for a sound of a channel, and what sounds beside it."""
        rings = channel is Channel.ALARM or bool(self._focus.keys_of(Channel.ALARM))
        ceiling = 100.0 if rings or not self._is_quiet() else self._ceiling_percent
        chosen = self._volume_percent
        if rings and not chosen:
            chosen = RINGS_AT_LEAST_PERCENT
        wanted = min(chosen, ceiling)
        if self.playback.volume_percent != wanted:
            self.playback.volume_percent = wanted

    def close(self) -> None:
        """Say nothing more; what is queued is dropped."""
        if self._timer is not None:
            self._timer.cancel()
        self.silence(self._focus.sounding)

    # -- carrying out --------------------------------------------------------------------

    def _carry_out(self, decisions: list[Decision]) -> Refusal | None:
        why: Refusal | None = None
        for decision in decisions:
            match decision:
                case Queue():
                    pass  # the caller has the sound, and queues it
                case Refuse(why=reason):
                    why = reason
                case Silence(keys=keys):
                    self.silence(keys)
                case StopConversation():
                    self._feed(inputs.StopRequested())
                case Duck(gain_db=gain_db):
                    for background in self.backgrounds:
                        background.duck(gain_db)
                case Delay(by_s=by_s):
                    self._feed(inputs.SpeakerBusy(by_s))
                case Free():
                    self._feed(inputs.SpeakerFree())
                case _:
                    assert_never(decision)
        self._set_timer()
        return why

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_s = self._focus.deadline_s
        if due_s is not None:
            wait_s = max(due_s - self._monotonic(), 0.0)
            self._timer = self._loop.call_later(wait_s, self._passed)

    def _passed(self) -> None:
        self._carry_out(self._focus.passed(self._monotonic()))

    def _ended(self, key: Key) -> None:
        self._carry_out(self._focus.ended(key, self._monotonic()))
        over = self._ends.pop(key, None)
        if over is not None:
            over.set()

    # -- what the speaker's thread says --------------------------------------------------

    def _started_there(self, key: Key) -> None:
        if isinstance(key, ItemKey):
            started = inputs.PlaybackStarted(key, self._now_sample())
            self._loop.call_soon_threadsafe(self._feed, started)

    def _finished_there(self, key: Key) -> None:
        self._loop.call_soon_threadsafe(self._finished, key, self._now_sample())

    def _finished(self, key: Key, at_sample: int) -> None:
        self._ended(key)
        if isinstance(key, ItemKey):
            self._feed(inputs.PlaybackFinished(key, at_sample))

"""The answer on its way to the user's ears: what is queued, heard, interrupted, still expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from device.assistant import effects as do
from device.assistant.downlink import AudioArrived
from device.assistant.heard import HeardAudio
from device.assistant.items import ItemKey
from device.assistant.outbox import Outbox
from device.assistant.timers import Timer
from device.assistant.turn import Turn

NOTICE_LIMIT_S = 15.0
"""No sentence of our own is longer."""
SPEAK_LIMIT_S = 60.0
"""So long the voice of the house may take until a text begins to sound (its loading included)."""
SLOWEST_LETTERS_PER_S = 8.0
"""No voice is slower; English is spoken at 12 to 16 letters a second."""


class Arrival(Enum):
    """Whether more of an answer may come."""

    OPEN = "open"
    COMPLETE = "complete"
    """What is queued may still be playing."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An answer that was stopped, until it is known how much of it was heard."""

    heard: HeardAudio
    link: int | None
    turn: Turn


class Delivery:
    """Owns what the speaker has been given, and knows until when it should have played it."""

    def __init__(self, slack_s: float, out: Outbox) -> None:
        """``slack_s``: how much later than expected it may be before it counts as stalled."""
        self.heard = HeardAudio()
        self.arrival = Arrival.OPEN
        self.interrupted: Interrupted | None = None
        self._slack_s = slack_s
        self._out = out
        self._notices: set[ItemKey] = set()
        self._spoken: dict[ItemKey, str] = {}
        """Texts that the voice of the house says as answers, until each was heard."""
        self._said: list[str] = []
        self._notices_said = 0
        self._held: list[do.Play | do.FinishItem | do.SayText] | None = None
        """What a check holds back; None while nothing is held."""
        self._play_until_s = float("-inf")
        self._busy_until_s = float("-inf")

    def new_turn(self) -> None:
        """Nothing has arrived of its answer, and nothing of it is held back."""
        self.arrival = Arrival.OPEN
        self._held = None

    # -- what is given to the speaker --------------------------------------------------

    def arrived(self, heard: HeardAudio, piece: AudioArrived) -> None:
        """Play a piece; ``heard`` is the account in which it was counted."""
        self.heard = heard
        self._give(do.Play(piece.item, piece.pcm))
        self._expect(piece.length_s)

    def finish(self, item: ItemKey) -> None:
        """All the sound of an item has arrived."""
        self._give(do.FinishItem(item))

    def hold(self) -> None:
        """Keep what arrives, until it is released."""
        if self._held is None:
            self._held = []

    def release(self) -> None:
        """Give the speaker what was kept, and what will arrive."""
        held, self._held = self._held, None
        for effect in held or ():
            self._out.emit(effect)

    def _give(self, effect: do.Play | do.FinishItem | do.SayText) -> None:
        if self._held is None:
            self._out.emit(effect)
        else:
            self._held.append(effect)

    def cut(self) -> None:
        """No more will come, though items are not complete."""
        for key in self.heard.incomplete:
            if self.heard.completed(key):
                self.finish(key)
        self.arrival = Arrival.COMPLETE

    def expect_more(self) -> None:
        """It broke off, and somebody else goes on with it: what came is still played."""
        self.cut()
        self.arrival = Arrival.OPEN

    def say(self, notice: str, turn: Turn | None) -> None:
        """A sentence of our own, after what is queued; a turn waits for its end."""
        self._notices_said += 1
        key = ItemKey(f"notice-{notice}-{self._notices_said}")
        self._out.emit(do.Notice(notice, key, turn.number if turn is not None else 0))
        if turn is not None:
            self._notices.add(key)
            self._expect(NOTICE_LIMIT_S)

    def speak(self, text: str) -> None:
        """An answer that came without sound, by the voice of the house."""
        self._notices_said += 1
        key = ItemKey(f"spoken-{self._notices_said}")
        self._spoken[key] = text
        self._give(do.SayText(text, key))
        self._expect(SPEAK_LIMIT_S + len(text) / SLOWEST_LETTERS_PER_S)

    def texts(self) -> list[str]:
        """What was said, whoever's voice it was."""
        return [*self.heard.texts(), *self._said]

    def _expect(self, length_s: float) -> None:
        begins_s = max(self._play_until_s, self._busy_until_s, self._out.now_s)
        self._play_until_s = begins_s + length_s
        self._out.timers.arm(Timer.PLAYBACK, self._play_until_s + self._slack_s)

    # -- what the speaker tells --------------------------------------------------------

    def is_notice(self, item: ItemKey) -> bool:
        """Whether it is a sentence of our own."""
        return item in self._notices

    def played(self, item: ItemKey) -> None:
        """The last sample of an item was heard."""
        self._notices.discard(item)
        if item in self._spoken:
            self._said.append(self._spoken.pop(item))
        self.heard.played(item)
        if not self.is_awaited:
            # What a tool or the endpoint takes its time for is no fault of the speaker.
            self._out.disarm(Timer.PLAYBACK)

    def delayed(self, by_s: float) -> None:
        """What is to be played was held for so long: it has not stalled."""
        if self.is_awaited:
            self._expect(by_s)

    def speaker_busy(self, for_s: float) -> None:
        """What is to be played waits for another voice: it has not stalled."""
        if self.is_awaited:
            self._expect(for_s)
        self._busy_until_s = max(self._busy_until_s, self._out.now_s) + for_s

    def speaker_free(self) -> None:
        """What comes from now on is not delayed."""
        self._busy_until_s = min(self._busy_until_s, self._out.now_s)

    @property
    def is_awaited(self) -> bool:
        """Whether the speaker has something that it has not played."""
        return bool(self._notices or self._spoken or self.heard.unplayed)

    @property
    def is_over(self) -> bool:
        """Nothing will come, and everything was played."""
        return self.arrival is Arrival.COMPLETE and not self.is_awaited

    # -- the end -----------------------------------------------------------------------

    def forget(self) -> None:
        """A new account: the last answer was played, or is nobody's any more."""
        self.heard = HeardAudio()
        self._held = None
        self._notices.clear()
        self._spoken.clear()
        self._said.clear()

    def interrupt(self, turn: Turn, link: int | None) -> None:
        """Silence it; how much was heard will be known with ``PlaybackStopped``."""
        heard = self.heard
        self.forget()
        if heard.has_audio:
            self.interrupted = Interrupted(heard, link, turn)
        self._play_until_s = self._out.now_s
        self._out.disarm(Timer.PLAYBACK)
        self._out.emit(do.StopPlayback())

    def drop_unplayed(self) -> None:
        """The endpoint dropped an answer of which nothing was played."""
        if self.heard.has_audio or self._spoken:
            self._out.emit(do.StopPlayback())
        self.heard = HeardAudio()
        self._spoken.clear()
        if self._held is not None:
            self._held = []
        if not self._notices:
            self._out.disarm(Timer.PLAYBACK)

    def stopped(self) -> Interrupted | None:
        """It is known now what was heard of the answer that was interrupted last."""
        interrupted, self.interrupted = self.interrupted, None
        return interrupted


NOTHING_HEARD: Mapping[ItemKey, int] = {}
"""What is taken for heard of an interrupted answer of which nobody ever told."""

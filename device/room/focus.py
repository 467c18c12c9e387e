"""Who may sound: one order of precedence, one rule for mute and for quiet hours.

Pure: no speaker, no clock, no thread. :class:`Focus` is told what wants to sound, what has
ended and whether somebody is talking with the appliance, and answers with what is to be
done about it; :class:`device.room.mouth.Mouth` does that.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType

from device.assistant.states import State

Key = Hashable
"""Names one sound, as in :mod:`device.audio.play_queue`."""

DUCKED_DB = -20.0
"""How far music steps back behind a voice: enough to understand speech over most of it."""
UNDUCK_AFTER_S = 1.0
"""So long after the last sound music comes back: not between two sentences of one answer."""


class Channel(IntEnum):
    """What may sound, the most urgent first: the order in which what waits gets its turn.

    What has begun is never cut by what is merely more urgent; see ``ChannelRule.silences`` for what
    is. A sentence that waits goes before all waiting ones of a lower channel.
    """

    WARNING = 1
    """A person is about to lose something: the announcement and the count of a factory reset."""
    ALARM = 2
    """A timer, an alarm or a reminder rings: the sentence that says which. Its tone is mixed
    in at once, over whatever sounds."""
    ANSWER = 3
    """What an endpoint says."""
    NOTICE = 4
    """A sentence of our own that belongs to the conversation: it follows the answer."""
    TROUBLE = 5
    """Why the appliance cannot do what it is for: safe mode, timers that cannot be saved."""
    ANNOUNCEMENT = 6
    """What somebody has it say out of the blue: ``bittern say``, the introduction."""
    MUSIC = 7
    """What sounds in the background, by whatever plays it; it is never queued, only ducked."""


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """How a channel behaves."""

    when_muted: bool
    """Whether it sounds while the microphone is closed: who mutes wants no conversation, and
    neither to sleep through the alarm nor to lose the settings."""
    when_quiet: bool
    """Whether it sounds in quiet hours."""
    in_conversation: bool
    """Whether it may begin, or wait, while somebody talks with the appliance; what may not
    ends when a conversation begins."""
    silences: frozenset[Channel] = frozenset()
    """What ends when it begins."""


_TALK = frozenset({Channel.ANSWER, Channel.NOTICE, Channel.TROUBLE, Channel.ANNOUNCEMENT})

RULES: Mapping[Channel, ChannelRule] = MappingProxyType(
    {
        Channel.WARNING: ChannelRule(True, True, True, _TALK | {Channel.WARNING}),
        Channel.ALARM: ChannelRule(True, True, True),
        Channel.ANSWER: ChannelRule(False, True, True),
        Channel.NOTICE: ChannelRule(False, True, True),
        Channel.TROUBLE: ChannelRule(True, True, True),
        Channel.ANNOUNCEMENT: ChannelRule(False, False, False),
        Channel.MUSIC: ChannelRule(True, True, True),
    }
)
"""Chimes and the tone of an alarm are no channels: mixed in at once, and never refused."""

_OF_THE_CONVERSATION = (Channel.ANSWER, Channel.NOTICE)


class Refusal(StrEnum):
    """Why something may not sound now."""

    MUTED = "the appliance is muted, and muted is silent"
    QUIET_HOURS = "these are quiet hours"
    IN_CONVERSATION = "somebody is talking with the appliance"


@dataclass(frozen=True, slots=True)
class Queue:
    """Let it sound in its turn."""

    key: Key
    channel: Channel


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not to be heard, now or later."""

    key: Key
    why: Refusal


@dataclass(frozen=True, slots=True)
class Silence:
    """End these sounds now, waiting or heard."""

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class StopConversation:
    """The answer is to end, as if somebody had asked for quiet: its account is the core's."""


@dataclass(frozen=True, slots=True)
class Duck:
    """Bring what plays in the background to this level; 0 dB is as loud as it was."""

    gain_db: float


@dataclass(frozen=True, slots=True)
class Delay:
    """Another voice was given the speaker: an answer comes so much later."""

    by_s: float


@dataclass(frozen=True, slots=True)
class Free:
    """Nothing stands before an answer any more."""


Decision = Queue | Refuse | Silence | StopConversation | Duck | Delay | Free


@dataclass(slots=True)
class _Sounds:
    """What was admitted and has not ended."""

    channels: dict[Key, Channel] = field(default_factory=dict)

    def of(self, channels: frozenset[Channel]) -> tuple[Key, ...]:
        return tuple(key for key, channel in self.channels.items() if channel in channels)

    @property
    def delay_answers(self) -> bool:
        return any(channel not in _OF_THE_CONVERSATION for channel in self.channels.values())


class Focus:
    """Decides over one speaker. Times are seconds on any clock that does not go back."""

    def __init__(self, rules: Mapping[Channel, ChannelRule] = RULES) -> None:
        self._rules = rules
        self._sounds = _Sounds()
        self._state = State.IDLE
        self._is_ducked = False
        self._unduck_at_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When :meth:`passed` is due if nothing else happens."""
        return (
            self._unduck_at_s if not (self._sounds.channels or self._is_in_conversation) else None
        )

    @property
    def sounding(self) -> tuple[Key, ...]:
        """What was admitted and has not ended, in the order in which it came."""
        return tuple(self._sounds.channels)

    def keys_of(self, *channels: Channel) -> tuple[Key, ...]:
        """Of these, what is in such channels."""
        return self._sounds.of(frozenset(channels))

    @property
    def _is_in_conversation(self) -> bool:
        return self._state not in (State.IDLE, State.MUTED, State.FAULTED)

    def refusal(self, channel: Channel, *, is_quiet: bool) -> Refusal | None:
        """Why a channel may not sound now; None when it may. ``is_quiet``: in quiet hours."""
        rule = self._rules[channel]
        if self._state is State.MUTED and not rule.when_muted:
            return Refusal.MUTED
        if is_quiet and not rule.when_quiet:
            return Refusal.QUIET_HOURS
        if self._is_in_conversation and not rule.in_conversation:
            return Refusal.IN_CONVERSATION
        return None

    def wants(
        self, channel: Channel, key: Key, length_s: float, *, is_quiet: bool = False
    ) -> list[Decision]:
        """Something wants to sound; ``length_s`` is 0 for an answer, which comes bit by bit."""
        why = self.refusal(channel, is_quiet=is_quiet)
        if why is not None:
            return [Refuse(key, why)]
        decisions = self._silence(self._rules[channel].silences)
        self._sounds.channels[key] = channel
        decisions += [*self._duck(), Queue(key, channel)]
        if channel not in _OF_THE_CONVERSATION:
            decisions.append(Delay(length_s))
        return decisions

    def mixed_in(self, length_s: float, now_s: float) -> list[Decision]:
        """A chime or a tone sounds over everything: only music makes way for it."""
        decisions = self._duck()
        self._rest(now_s + length_s)
        return decisions

    def ended(self, key: Key, now_s: float) -> list[Decision]:
        """It was heard to its end, or somebody has silenced it."""
        was_delaying = self._sounds.delay_answers
        if self._sounds.channels.pop(key, None) is None:
            return []
        is_free = was_delaying and not self._sounds.delay_answers
        self._rest(now_s)
        return [Free()] if is_free else []

    def follow(self, state: State, now_s: float) -> list[Decision]:
        """The conversation is in this state from now on."""
        was_in_conversation, self._state = self._is_in_conversation, state
        gone = frozenset(
            channel
            for channel in self._rules
            if self.refusal(channel, is_quiet=False) is not None
            # The core has ended the answer itself, or is about to, and accounts for it.
            and channel is not Channel.ANSWER
        )
        decisions = self._silence(gone)
        if self._is_in_conversation:
            decisions += self._duck()
        elif was_in_conversation:
            self._rest(now_s)
        return decisions

    def passed(self, now_s: float) -> list[Decision]:
        """Time has passed."""
        if self.deadline_s is None or now_s < self.deadline_s:
            return []
        self._unduck_at_s, self._is_ducked = None, False
        return [Duck(0.0)]

    def _silence(self, channels: frozenset[Channel]) -> list[Decision]:
        """End what is in these channels; an answer by way of the core."""
        decisions: list[Decision] = []
        if Channel.ANSWER in channels and self._is_in_conversation:
            decisions.append(StopConversation())
        keys = self._sounds.of(channels - {Channel.ANSWER})
        return [*decisions, Silence(keys)] if keys else decisions

    def _duck(self) -> list[Decision]:
        if self._is_ducked:
            return []
        self._is_ducked = True
        return [Duck(DUCKED_DB)]

    def _rest(self, now_s: float) -> None:
        """From ``now_s`` on nothing more sounds that is known of: music may come back soon."""
        if self._is_ducked:
            self._unduck_at_s = max(self._unduck_at_s or now_s, now_s + UNDUCK_AFTER_S)

"""Precedence at one speaker, in virtual time: what queues, is refused, ducks, gives way."""

from __future__ import annotations

import itertools

import pytest

from device.assistant.states import State
from device.room.focus import (
    DUCKED_DB,
    RULES,
    UNDUCK_AFTER_S,
    Channel,
    Decision,
    Delay,
    Duck,
    Focus,
    Free,
    Queue,
    Refusal,
    Refuse,
    Silence,
    StopConversation,
)


def without_ducking(decisions: list[Decision]) -> list[Decision]:
    return [it for it in decisions if not isinstance(it, Duck)]


@pytest.fixture
def focus() -> Focus:
    return Focus()


def test_every_channel_has_its_rule_and_a_text() -> None:
    assert set(RULES) == set(Channel)
    assert list(Channel) == sorted(Channel)


def test_an_alarm_is_queued_and_the_answer_is_told_how_much_later_it_comes(focus) -> None:
    assert without_ducking(focus.wants(Channel.ALARM, "eggs", 7.5)) == [
        Queue("eggs", Channel.ALARM),
        Delay(7.5),
    ]
    assert without_ducking(focus.wants(Channel.ANSWER, "item", 0.0)) == [
        Queue("item", Channel.ANSWER)
    ]
    assert focus.ended("eggs", 8.0) == [Free()]
    assert focus.ended("item", 9.0) == []
    assert focus.ended("item", 9.0) == [], "what is over is over"


def test_it_is_free_only_when_the_last_of_several_has_ended(focus) -> None:
    for key in ("eggs", "rice"):
        focus.wants(Channel.ALARM, key, 2.0)
    assert focus.ended("eggs", 2.0) == []
    assert focus.ended("rice", 4.0) == [Free()]


MUTED = {Channel.ANSWER, Channel.NOTICE, Channel.ANNOUNCEMENT}


@pytest.mark.parametrize("channel", Channel)
def test_muted_is_silent_but_for_what_must_be_heard(focus, channel) -> None:
    focus.follow(State.MUTED, 0.0)
    refused = [it for it in focus.wants(channel, "it", 1.0) if isinstance(it, Refuse)]
    assert refused == ([Refuse("it", Refusal.MUTED)] if channel in MUTED else [])


@pytest.mark.parametrize("channel", Channel)
def test_quiet_hours_keep_back_only_what_nobody_waits_for(focus, channel) -> None:
    expected = Refusal.QUIET_HOURS if channel is Channel.ANNOUNCEMENT else None
    assert focus.refusal(channel, is_quiet=True) is expected
    assert focus.refusal(channel, is_quiet=False) is None


@pytest.mark.parametrize("state", [State.CONNECTING, State.LISTENING, State.FOLLOW_UP])
def test_an_announcement_does_not_talk_into_a_conversation(focus, state) -> None:
    focus.follow(state, 0.0)
    assert focus.refusal(Channel.ANNOUNCEMENT, is_quiet=False) is Refusal.IN_CONVERSATION


def test_a_conversation_ends_an_announcement_and_leaves_what_rings(focus) -> None:
    focus.wants(Channel.ALARM, "eggs", 2.0)
    focus.wants(Channel.ANNOUNCEMENT, "dinner", 5.0)
    assert without_ducking(focus.follow(State.CONNECTING, 1.0)) == [Silence(("dinner",))]


def test_a_mute_ends_notices_and_announcements_and_neither_alarm_nor_warning(focus) -> None:
    for channel in (Channel.NOTICE, Channel.ANNOUNCEMENT, Channel.ALARM, Channel.WARNING):
        focus.wants(channel, channel.name, 2.0)
    # The warning has silenced the sentences, and nobody has told yet that they ended.
    silenced = [it for it in focus.follow(State.MUTED, 1.0) if isinstance(it, Silence)]
    assert silenced == [Silence(("NOTICE", "ANNOUNCEMENT"))]


def test_a_warning_ends_every_sentence_the_answer_by_way_of_the_core(focus) -> None:
    focus.follow(State.SPEAKING, 0.0)
    focus.wants(Channel.ANSWER, "item", 0.0)
    focus.wants(Channel.NOTICE, "notice", 2.0)
    focus.wants(Channel.ALARM, "eggs", 2.0)
    assert focus.wants(Channel.WARNING, "reset", 4.0) == [
        StopConversation(),
        Silence(("notice",)),
        Queue("reset", Channel.WARNING),
        Delay(4.0),
    ]


def test_the_next_warning_takes_the_place_of_the_last(focus) -> None:
    focus.wants(Channel.WARNING, "coming", 4.0)
    assert Silence(("coming",)) in focus.wants(Channel.WARNING, "counting", 4.0)


def test_music_steps_back_once_and_returns_a_moment_after_the_last_sound(focus) -> None:
    assert Duck(DUCKED_DB) in focus.wants(Channel.ALARM, "eggs", 2.0)
    assert Duck(DUCKED_DB) not in focus.wants(Channel.ALARM, "rice", 2.0)
    focus.ended("eggs", 2.0)
    assert focus.deadline_s is None, "the rice still sounds"
    focus.ended("rice", 4.0)
    assert focus.deadline_s == 4.0 + UNDUCK_AFTER_S
    assert focus.passed(4.5) == []
    assert focus.passed(4.0 + UNDUCK_AFTER_S) == [Duck(0.0)]
    assert focus.deadline_s is None


def test_music_stays_back_through_the_pauses_of_a_conversation(focus) -> None:
    assert focus.follow(State.LISTENING, 0.0) == [Duck(DUCKED_DB)]
    for state in (State.THINKING, State.SPEAKING, State.FOLLOW_UP):
        focus.follow(state, 5.0)
        assert (focus.deadline_s, focus.passed(500.0)) == (None, [])
    focus.follow(State.IDLE, 20.0)
    assert focus.passed(20.0 + UNDUCK_AFTER_S) == [Duck(0.0)]


def test_a_tone_holds_music_back_for_its_own_length(focus) -> None:
    assert focus.mixed_in(2.0, 10.0) == [Duck(DUCKED_DB)]
    assert focus.deadline_s == 12.0 + UNDUCK_AFTER_S
    assert focus.mixed_in(2.0, 12.5) == []
    assert focus.passed(13.0) == []
    assert focus.deadline_s == 14.5 + UNDUCK_AFTER_S


def test_whatever_comes_in_whatever_order_in_the_end_nothing_is_left() -> None:
    for order in itertools.permutations((Channel.ALARM, Channel.NOTICE, Channel.WARNING)):
        focus = Focus()
        delayed = False
        for channel in order:
            for it in focus.wants(channel, channel, 1.0):
                delayed |= isinstance(it, Delay)
                for key in it.keys if isinstance(it, Silence) else ():
                    focus.ended(key, 0.0)
        freed = [it for key in focus.sounding for it in focus.ended(key, 1.0)]
        assert delayed
        assert freed.count(Free()) == 1
        assert focus.passed(1.0 + UNDUCK_AFTER_S) == [Duck(0.0)]

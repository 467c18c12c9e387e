"""Spans of time that are counted down, across restarts and jumps of the wall clock."""

from __future__ import annotations

import msgspec

from device.tools.alarms.entries import Countdown
from device.tools.moments import Moment


def countdown(length_s: float, now: Moment) -> Countdown:
    """Count down from now on."""
    return Countdown(length_s, now.elapsed_s + length_s, now.boot, now.wall_s + length_s)


def carried(countdown: Countdown, now: Moment) -> Countdown:
    """Bring a countdown over from another boot, by the wall clock.

    No more can be left than its whole length: a clock that says otherwise shows a time
    from before it was set, as it does on machines whose clock stops without power.
    """
    if countdown.paused_left_s is not None:
        return msgspec.structs.replace(countdown, boot=now.boot)
    left_s = min(countdown.due_wall_s - now.wall_s, countdown.length_s)
    return msgspec.structs.replace(
        countdown, due_elapsed_s=now.elapsed_s + left_s, boot=now.boot, follows_wall=True
    )


def after_jump(countdown: Countdown, jump_s: float, now: Moment) -> Countdown:
    """Keep what is left, or let the time count that a corrected clock shows to have passed."""
    if countdown.paused_left_s is not None:
        return countdown
    left_s = countdown.left_s(now)
    if countdown.follows_wall and jump_s > 0:
        left_s = min(left_s, countdown.due_wall_s - now.wall_s)
    return msgspec.structs.replace(
        countdown, due_elapsed_s=now.elapsed_s + left_s, due_wall_s=now.wall_s + left_s
    )


def paused(countdown: Countdown, now: Moment) -> Countdown:
    """Stop counting; the same when it is stopped already."""
    return msgspec.structs.replace(countdown, paused_left_s=max(0.0, countdown.left_s(now)))


def resumed(old: Countdown, now: Moment) -> Countdown:
    """Go on with what was left of one that was paused."""
    return msgspec.structs.replace(countdown(old.left_s(now), now), length_s=old.length_s)

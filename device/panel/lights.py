"""The patterns: what the panel looks like in each state, as pure functions of view and time.

Each state differs from every other in colour *and* in brightness or motion, so that a
colour-blind person, a single LED, and a plain LED on a wire all tell the same story:

=============  =============  ==================================  ======================
state          colour         motion                              a plain LED
=============  =============  ==================================  ======================
idle           –              off                                 off
connecting     blue           a point that runs round             blinks four times a second
listening      cyan           breathes slowly, grows with voice   on
thinking       violet         two points turn, deep breath        breathes once a second
speaking       green          bright, with short dips             on, with short dips
follow-up      cyan           dark, winks once a second           winks once a second
muted          red            still                               winks twice, long pause
faulted        red-orange     blinks three times, pause           blinks three times, pause
attention      white          a wink every four seconds           winks every four seconds
camera open    white          still, half as bright now and then   dips every two seconds
a warning      red and white  in turn, fewer as time runs out     blinks twice a second
=============  =============  ==================================  ======================

The warning comes before everything is forgotten; it goes over whatever else there is to
show, and the open camera over all but that. The local brain takes amber in place of the
blues and greens. Frames are in perceived brightness; :mod:`device.panel.dimming` turns them
into light.
"""

from __future__ import annotations

import math

from device.assistant.states import State
from device.panel.view import BLACK, Colour, Frame, PanelView

CLOUD: dict[State, Colour] = {
    State.CONNECTING: (0.15, 0.35, 1.0),
    State.LISTENING: (0.0, 0.85, 1.0),
    State.THINKING: (0.65, 0.35, 1.0),
    State.SPEAKING: (0.1, 1.0, 0.35),
    State.FOLLOW_UP: (0.0, 0.85, 1.0),
}
LOCAL: dict[State, Colour] = {
    State.CONNECTING: (1.0, 0.5, 0.1),
    State.LISTENING: (1.0, 0.62, 0.0),
    State.THINKING: (1.0, 0.5, 0.2),
    State.SPEAKING: (1.0, 0.75, 0.1),
    State.FOLLOW_UP: (1.0, 0.62, 0.0),
}
RED: Colour = (1.0, 0.0, 0.0)
RED_ORANGE: Colour = (1.0, 0.3, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0)

FRAME_S = 0.05
"""Time between frames of a moving pattern; 20 a second look smooth for slow motion."""

Rhythm = tuple[float, tuple[tuple[float, float], ...]]
"""A period in seconds, and the intervals of it in which the light is on."""
CONNECTING_BLINK: Rhythm = (0.25, ((0.0, 0.125),))
FOLLOW_UP_WINK: Rhythm = (1.0, ((0.0, 0.15),))
MUTED_WINKS: Rhythm = (3.0, ((0.0, 0.1), (0.3, 0.4)))
ATTENTION_WINK: Rhythm = (4.0, ((0.0, 0.15),))
FAULT_BLINKS: Rhythm = (2.0, ((0.0, 0.15), (0.3, 0.45), (0.6, 0.75)))
WARNING_BLINKS: Rhythm = (0.5, ((0.0, 0.25),))
"""Two flashes a second: below the three that WCAG 2.3.1 allows for the sake of epilepsy."""
LOOKING: Rhythm = (2.0, ((0.0, 1.5),))
SPEAKING_DIP: Rhythm = (0.7, ((0.0, 0.55),))


def colours(view: PanelView, time_s: float, leds: int) -> Frame:
    """Return the colour of each of ``leds`` LEDs at a time (on the clock of ``since_s``)."""
    if view.warning is not None:
        return _warning(view.warning, time_s, leds)
    if view.looks:
        is_bright = _is_on(LOOKING, max(0.0, time_s - view.since_s))
        return (_scaled(WHITE, 1.0 if is_bright else 0.4),) * leds
    if view.volume is not None:
        return _bar(view.volume, leds)
    if is_muted(view):
        return (RED,) * leds
    age_s = max(0.0, time_s - view.since_s)
    if view.state is State.IDLE:
        is_lit = view.attention and _is_on(ATTENTION_WINK, age_s)
        return (_scaled(WHITE, 0.6 if is_lit else 0.0),) * leds
    if view.state is State.FAULTED:
        return (_scaled(RED_ORANGE, 1.0 if _is_on(FAULT_BLINKS, age_s) else 0.0),) * leds
    colour = (LOCAL if view.is_local else CLOUD)[view.state]
    return tuple(_scaled(colour, shade) for shade in _shades(view, age_s, leds))


def glow(view: PanelView, time_s: float) -> float:
    """Return the brightness, 0 to 1, of a single LED without colour."""
    if view.warning is not None:
        return 1.0 if _is_on(WARNING_BLINKS, max(0.0, time_s - view.warning[0])) else 0.0
    if view.looks:
        return 1.0 if _is_on(LOOKING, max(0.0, time_s - view.since_s)) else 0.0
    if view.volume is not None:
        return view.volume
    age_s = max(0.0, time_s - view.since_s)
    if is_muted(view):
        return 1.0 if _is_on(MUTED_WINKS, age_s) else 0.0
    match view.state:
        case State.IDLE:
            return 1.0 if view.attention and _is_on(ATTENTION_WINK, age_s) else 0.0
        case State.FAULTED:
            return 1.0 if _is_on(FAULT_BLINKS, age_s) else 0.0
        case State.CONNECTING:
            return 1.0 if _is_on(CONNECTING_BLINK, age_s) else 0.0
        case State.FOLLOW_UP:
            return 1.0 if _is_on(FOLLOW_UP_WINK, age_s) else 0.0
        case State.LISTENING:
            return 1.0
        case _:
            return _shades(view, age_s, 1)[0]


def next_change_s(view: PanelView, time_s: float, *, has_colour: bool = True) -> float | None:
    """Return when the lights can look different next; None when nothing moves.

    A panel that sleeps until then costs nothing in idle and mute, and in a fault only
    the few moments in which the light goes on or off.
    """
    if view.warning is not None:
        begun_s = max(0.0, time_s - view.warning[0])
        return time_s + min(_until_switch_s(WARNING_BLINKS, begun_s), FRAME_S)
    if view.looks:
        return time_s + _until_switch_s(LOOKING, max(0.0, time_s - view.since_s))
    if view.volume is not None:
        return None
    age_s = max(0.0, time_s - view.since_s)
    rhythm = None
    if is_muted(view):
        rhythm = None if has_colour else MUTED_WINKS
    elif view.state is State.IDLE:
        rhythm = ATTENTION_WINK if view.attention else None
    elif view.state is State.FAULTED:
        rhythm = FAULT_BLINKS
    elif not has_colour and view.state is State.FOLLOW_UP:
        rhythm = FOLLOW_UP_WINK
    elif not has_colour and view.state is State.CONNECTING:
        rhythm = CONNECTING_BLINK
    elif has_colour or view.state is not State.LISTENING:
        return time_s + FRAME_S
    return None if rhythm is None else time_s + _until_switch_s(rhythm, age_s)


def is_muted(view: PanelView) -> bool:
    """Say whether the microphone is closed: by command, by button, or by its switch."""
    return view.muted or view.state is State.MUTED


def _shades(view: PanelView, age_s: float, leds: int) -> tuple[float, ...]:
    """Return the brightness of each LED in the states that move."""
    match view.state:
        case State.CONNECTING:
            return _running(age_s, leds, turns_per_s=1.0, points=1)
        case State.THINKING:
            if leds > 1:
                return _running(age_s, leds, turns_per_s=0.5, points=2)
            return (0.08 + 0.92 * _breath(age_s, 1.0),)
        case State.SPEAKING:
            bright = 0.75 + 0.25 * view.level
            return (bright if _is_on(SPEAKING_DIP, age_s) else 0.3,) * leds
        case State.LISTENING:
            still = 0.55 + 0.15 * (1.0 - _breath(age_s, 2.5))
            return (still + (1.0 - still) * view.level,) * leds
        case _:
            return (0.5 if _is_on(FOLLOW_UP_WINK, age_s) else 0.15,) * leds


def _running(age_s: float, leds: int, *, turns_per_s: float, points: int) -> tuple[float, ...]:
    """Return points with a tail that run round; a single LED pulses as one passes."""
    if leds == 1:
        is_lit = _is_on(CONNECTING_BLINK, age_s)
        return (1.0 if is_lit else 0.1,)
    shades = []
    for led in range(leds):
        behind = (age_s * turns_per_s - led / leds) % (1.0 / points) * points
        shades.append(max(0.06, 1.0 - 1.6 * behind))
    return tuple(shades)


def _warning(warning: tuple[float, float], time_s: float, leds: int) -> Frame:
    """Return red and white in turn on as many LEDs as there is time left, one at least."""
    begin_s, end_s = warning
    left = min(max((end_s - time_s) / max(end_s - begin_s, 0.001), 0.0), 1.0)
    colour = RED if _is_on(WARNING_BLINKS, max(0.0, time_s - begin_s)) else WHITE
    lit = max(1, math.ceil(left * leds))
    return (colour,) * lit + (BLACK,) * (leds - lit)


def _bar(volume: float, leds: int) -> Frame:
    """Return as many LEDs white as the volume is high, the last one partly."""
    lit = max(0.0, min(1.0, volume)) * leds
    return tuple(_scaled(WHITE, max(0.0, min(1.0, lit - led))) for led in range(leds))


def _breath(age_s: float, period_s: float) -> float:
    """Return a smooth wave from 0 to 1 and back."""
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * age_s / period_s)


def _is_on(rhythm: Rhythm, age_s: float) -> bool:
    period_s, intervals = rhythm
    phase_s = age_s % period_s
    return any(start <= phase_s < end for start, end in intervals)


def _until_switch_s(rhythm: Rhythm, age_s: float) -> float:
    """Return how long it is until the light goes on or off; never 0."""
    period_s, intervals = rhythm
    phase_s = age_s % period_s
    edges = sorted({edge for interval in intervals for edge in interval} | {period_s})
    # An edge that is nearer than a thousandth is this one, seen through rounding.
    following = next((edge for edge in edges if edge > phase_s + 0.001), None)
    return (period_s + edges[0] if following is None else following) - phase_s


def _scaled(colour: Colour, shade: float) -> Colour:
    red, green, blue = colour
    return (red * shade, green * shade, blue * shade)

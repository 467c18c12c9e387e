"""The panel: one thread that renders while something moves, and sleeps while nothing does."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import threading
import time
from collections.abc import Callable, Sequence

from device.assistant.states import State
from device.panel.dimming import Dimming, as_light
from device.panel.lights import colours, glow, next_change_s
from device.panel.output import Lights, PanelError
from device.panel.view import Frame, PanelView

log = logging.getLogger(__name__)

VOLUME_SHOWN_S = 1.5
WITH_SOUND = (State.LISTENING, State.SPEAKING)
"""The states whose patterns grow with what is heard or said."""
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0
CLOSING_S = 1.0
"""How long closing waits for a lamp that hangs; the thread is a daemon, so it ends then."""


class Panel:
    """Shows what the appliance does on any number of lamps.

    Every method returns at once and may be called from any thread; lamps are opened,
    written and closed on the panel's own thread. A lamp that fails is logged once,
    left alone and tried again, later and later; the others go on.
    """

    def __init__(
        self,
        outputs: Sequence[Lights],
        dimming: Dimming | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime.datetime] = datetime.datetime.now,
    ) -> None:
        self._lamps = [_Lamp(output) for output in outputs]
        self._dimming = dimming or Dimming()
        self._clock = clock
        self._wall_clock = wall_clock
        self._view = PanelView(since_s=clock())
        self._volume_until_s: float | None = None
        self._loudness: Callable[[State], float] | None = None
        self._changed = threading.Condition()
        self._is_stale = True
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to show; with no lamp at all there is no thread either."""
        if self._lamps:
            self._thread = threading.Thread(target=self._run, name="panel", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Make all lamps dark and give them back."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CLOSING_S)
            self._thread = None

    @property
    def view(self) -> PanelView:
        """What is shown at the moment."""
        return self._view

    @property
    def failures(self) -> list[str]:
        """Why lamps that should shine do not, one text for each of them."""
        return [lamp.failure for lamp in self._lamps if lamp.failure]

    def show(
        self, state: State, *, is_local: bool = False, fault: str = "", looks: bool = False
    ) -> None:
        """Show a state; its pattern begins anew only if the state is another."""
        with self._changed:
            is_same = state is self._view.state and looks is self._view.looks
            since_s = self._view.since_s if is_same else self._clock()
            self._change(state=state, since_s=since_s, is_local=is_local, fault=fault, looks=looks)

    def set_muted(self, muted: bool) -> None:
        """Show that the microphone is closed, whatever the state is."""
        with self._changed:
            self._change(muted=muted)

    def attend(self, is_wanted: bool) -> None:
        """Show, while nothing else is to be shown, that something waits to be told."""
        with self._changed:
            self._change(attention=is_wanted)

    def follow(self, loudness: Callable[[State], float]) -> None:
        """Have the lights grow with what is heard or said.

        ``loudness`` (0 to 1, of the state that is shown) is asked on the panel's thread
        with each frame of a light that moves with sound, and costs none of its own.
        """
        self._loudness = loudness

    def show_warning(self, seconds: float | None) -> None:
        """Show for so long that something is about to happen; None ends it."""
        now_s = self._clock()
        with self._changed:
            self._change(warning=None if seconds is None else (now_s, now_s + seconds))

    def show_volume(self, volume: float) -> None:
        """Show a volume, 0 to 1, for a moment."""
        with self._changed:
            self._volume_until_s = self._clock() + VOLUME_SHOWN_S
            self._change(volume=volume)

    def _change(self, **changes: object) -> None:
        """Take changes over; the caller holds the lock."""
        changed = dataclasses.replace(self._view, **changes)  # type: ignore[arg-type]
        if changed != self._view:
            self._view = changed
            self._is_stale = True
            self._changed.notify()

    def _run(self) -> None:
        """Render and sleep until closed; the boundary of the thread."""
        try:
            while not self._is_closing:
                self._wait(self._render())
        except Exception:
            # The patterns are ours: this is a bug. The voice goes on without lights.
            log.exception("the panel has failed and stays dark")
        finally:
            for lamp in self._lamps:
                lamp.close()

    def _render(self) -> float | None:
        """Show the present on each lamp; return when to look again, None for never."""
        with self._changed:
            self._end_volume()
            view, self._is_stale = self._view, False
        view = self._with_level(view)
        today = self._wall_clock()
        brightness = self._dimming.at(today.time())
        wakes = [lamp.render(view, self._clock(), brightness) for lamp in self._lamps]
        wakes += [self._volume_until_s, self._next_dimming_s(today)]
        return min((wake for wake in wakes if wake is not None), default=None)

    def _with_level(self, view: PanelView) -> PanelView:
        if self._loudness is None or view.state not in WITH_SOUND:
            return view
        level = max(0.0, min(1.0, self._loudness(view.state)))
        return dataclasses.replace(view, level=level)

    def _next_dimming_s(self, today: datetime.datetime) -> float | None:
        """Return when the brightness may change; soon enough for a clock that was set."""
        left_s = self._dimming.next_switch_s(today)
        return None if left_s is None else self._clock() + min(left_s + 0.1, 3600.0)

    def _end_volume(self) -> None:
        if self._volume_until_s is not None and self._clock() >= self._volume_until_s:
            self._volume_until_s = None
            self._view = dataclasses.replace(self._view, volume=None)

    def _wait(self, until_s: float | None) -> None:
        with self._changed:
            while not (self._is_stale or self._is_closing):
                left_s = None if until_s is None else until_s - self._clock()
                if left_s is not None and left_s <= 0:
                    return
                self._changed.wait(left_s)


class _Lamp:
    """One output with its state: open or not, what it shows, when to try again."""

    def __init__(self, output: Lights) -> None:
        self._output = output
        self._is_open = False
        self._shown: Frame | None = None
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s: float | None = None
        self._next_frame_s = 0.0
        self.failure = ""
        """Why it does not shine; empty while it does."""
        self._shown_view: PanelView | None = None

    def render(self, view: PanelView, now_s: float, brightness: float) -> float | None:
        """Show a view; return when there is something to do next."""
        if self._retry_at_s is not None and now_s < self._retry_at_s:
            return self._retry_at_s
        if now_s < self._next_frame_s and _differ_in_level_only(view, self._shown_view):
            return self._next_frame_s
        try:
            self._show(view, now_s, brightness)
        except PanelError as failure:
            return self._failed(failure, now_s)
        except Exception as failure:
            # A library below the lamp raised what it never said it would.
            return self._failed(failure, now_s)
        self._next_frame_s = now_s + self._output.frame_s
        change_s = next_change_s(view, now_s, has_colour=self._output.has_colour)
        return None if change_s is None else max(change_s, self._next_frame_s)

    def _show(self, view: PanelView, now_s: float, brightness: float) -> None:
        output = self._output
        if not self._is_open:
            output.open()
            self._is_open, self._shown = True, None
        if output.has_colour:
            perceived = colours(view, now_s, output.leds)
        else:
            shade = glow(view, now_s)
            perceived = ((shade, shade, shade),) * output.leds
        frame = _rounded(as_light(perceived, brightness), output.steps)
        if frame != self._shown or (output.shows_text and view != self._shown_view):
            output.write(frame, view)
            self._shown = frame
        self._shown_view = view
        if self.failure:
            log.warning("%s is back", output.name)
        self._retry_s, self._retry_at_s, self.failure = FIRST_RETRY_S, None, ""

    def _failed(self, failure: Exception, now_s: float) -> float:
        if not self.failure:
            is_known = isinstance(failure, PanelError)
            log.warning("%s: %s", self._output.name, failure, exc_info=not is_known)
        self.failure = f"{self._output.name}: {failure}"
        self.close()
        self._retry_at_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
        return self._retry_at_s

    def close(self) -> None:
        """Close the output, whatever state it is in."""
        self._is_open = False
        try:
            self._output.close()
        except Exception:
            log.debug("%s could not be closed", self._output.name, exc_info=True)


def _differ_in_level_only(view: PanelView, shown: PanelView | None) -> bool:
    return shown is not None and dataclasses.replace(shown, level=view.level) == view


def _rounded(frame: Frame, steps: int) -> Frame:
    """Round to what the lamp can show; what is lit at all stays lit."""

    def step(light: float) -> float:
        return max(1, round(light * steps)) / steps if light > 0.5 / (4 * steps) else 0.0

    return tuple((step(red), step(green), step(blue)) for red, green, blue in frame)

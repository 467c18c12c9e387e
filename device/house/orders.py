"""What can be ordered over the control socket, and what becomes of it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from itertools import count
from typing import TYPE_CHECKING

from device import __version__
from device.appliance.feed import Feed
from device.assistant import inputs
from device.assistant.news import AnswerSaid, News, TurnBegan, TurnEnded, Unanswered
from device.assistant.states import State
from device.assistant.turn import Trigger
from device.audio.echo.guard import EchoStatus
from device.audio.echo.monitor import Quality
from device.errors import BitternError
from device.house.page_orders import PageOrders
from device.house.past_turns import MOST_SHOWN
from device.house.sensitivity import SENSITIVITIES
from device.house.watching import Watchers
from device.phrases.en import ENGLISH
from device.realtime.speech import LONGEST_TEXT
from device.room.focus import Channel, Refusal
from device.room.loudness import noise_dbfs
from device.spending.ledger import as_json
from device.spending.meter import first_of_month
from device.spending.words import sentence
from device.tools.alarms.entries import Kind

if TYPE_CHECKING:
    from device.house.appliance import Appliance

ANSWERED_WITHIN_S = 90.0
"""Every endpoint's time-outs one after the other, and a long answer spoken to its end."""

Request = Mapping[str, object]


class OrderError(BitternError):
    """An order that cannot be carried out as it stands."""


class Orders:
    """Carries out orders on whatever room there is at the moment."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._began_s = time.monotonic()
        self._sayings = count(1)
        self._watchers = Watchers(appliance)
        self._of_the_page = PageOrders(appliance).by_name()

    async def __call__(self, request: Request) -> dict[str, object] | Feed:
        """Carry out one request; raises ``BitternError``."""
        name = request.get("command")
        if not isinstance(name, str) or name not in _ORDERS.keys() | self._of_the_page.keys():
            known = ", ".join((*_ORDERS, *self._of_the_page))
            raise OrderError(f"there is no order {name!r}", f"There are: {known}.")
        if name in self._of_the_page:
            return await self._of_the_page[name](request)
        return await _ORDERS[name](self, request)

    async def _status(self, _: Request) -> dict[str, object]:
        appliance, settings = self._appliance, self._appliance.loaded
        room, services = appliance.room, appliance.house.services
        core, spending = room.conductor.core.status, services.spending
        return {
            "state": str(core.state),
            "fault": core.fault,
            "is_muted": core.is_muted,
            "is_muted_by_switch": appliance.controls.is_switched_off,
            "volume_percent": round(room.mouth.volume_percent),
            "endpoint": core.endpoint,
            "is_safe_mode": appliance.is_safe,
            "is_ringing": services.rings.is_ringing,
            "trouble": ENGLISH.say(services.ringer.trouble or ""),
            "missed": len(services.ringer.missed),
            "microphone": room.capture.microphone.name,
            "noise_dbfs": noise_dbfs(room),
            "speaker": room.playback.speaker.name,
            "wake_words": list(settings.settings.wake_words()),
            "sensitivity": settings.settings.wake.sensitivity,
            "home_assistant": appliance.presence.standing,
            "settings_file": str(settings.user_file) if settings.user_file else None,
            "version": __version__,
            "echo": _echo_of(room.listening.echo),
            "budget": sentence(spending.month, core.budget),
            "budget_level": str(core.budget_level),
            "spent_usd": round(spending.month_usd, 6),
            "running_s": round(time.monotonic() - self._began_s, 1),
        }

    async def _spending(self, request: Request) -> dict[str, object]:
        since = first_of_month(date.today())
        if (given := request.get("since")) is not None:
            try:
                since = date.fromisoformat(str(given))
            except ValueError:
                raise OrderError(f"{given!r} is no day such as {since}") from None
        entries = await self._appliance.house.services.spending.since(since)
        return {"since": since.isoformat(), "entries": [as_json(each) for each in entries]}

    async def _stop(self, _: Request) -> dict[str, object]:
        room = self._appliance.room
        room.mouth.stop_announcements()
        room.quieten()
        room.conductor.feed(inputs.StopRequested())
        return {}

    async def _mute(self, _: Request) -> dict[str, object]:
        self._appliance.room.conductor.feed(inputs.MuteChanged(True))
        return {"is_muted": True}

    async def _unmute(self, _: Request) -> dict[str, object]:
        if self._appliance.controls.is_switched_off:
            raise OrderError("the mute switch is on", "Only the switch opens the microphone.")
        self._appliance.controls.unmute()
        return {"is_muted": False}

    async def _volume(self, request: Request) -> dict[str, object]:
        mouth, percent = self._appliance.room.mouth, request.get("percent")
        if percent is not None:
            if type(percent) is not int or not 0 <= percent <= 100:
                raise OrderError("the volume is a whole number from 0 to 100")
            mouth.volume_percent = percent
        return {"volume_percent": round(mouth.volume_percent)}

    async def _sensitivity(self, request: Request) -> dict[str, object]:
        wanted = request.get("to")
        if not isinstance(wanted, str) or wanted not in SENSITIVITIES:
            raise OrderError(f"the sensitivity is one of {', '.join(SENSITIVITIES)}")
        if self._appliance.loaded.settings.wake.threshold:
            raise OrderError(
                "the settings give a threshold, which goes before any sensitivity",
                "Take `threshold` out of [wake] in the settings.",
            )
        await self._appliance.choose_sensitivity(wanted)
        return {"sensitivity": wanted}

    async def _say(self, request: Request) -> dict[str, object]:
        text = _text_of(request)
        _raise(self._appliance.room.mouth.refusal(Channel.ANNOUNCEMENT))
        samples = await self._appliance.house.services.voice.speak(text)
        # While the voice was at work, somebody may have begun a conversation.
        key = f"say-{next(self._sayings)}"
        _raise(self._appliance.room.mouth.say(Channel.ANNOUNCEMENT, key, samples))
        return {"length_s": round(len(samples) / 24_000, 2)}

    async def _ask(self, request: Request) -> dict[str, object]:
        text, jpeg = _text_of(request), _jpeg_of(request)
        self._may_ask()
        reply = _Answer()
        self._appliance.house.listeners.add(reply.take)
        try:
            self._appliance.room.conductor.feed(inputs.Asked(text, jpeg))
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                return await reply.over
        except TimeoutError:
            raise OrderError(
                "no answer came in time", "See `bittern status` and the log."
            ) from None
        finally:
            self._appliance.house.listeners.discard(reply.take)

    async def _reload(self, _: Request) -> dict[str, object]:
        changed = await self._appliance.reload()
        return {"changed": list(changed.keys), "needs_restart": list(changed.need_restart)}

    async def _restart_brain(self, _: Request) -> dict[str, object]:
        await self._appliance.house.services.brain.restart()
        return {}

    async def _turns(self, request: Request) -> dict[str, object]:
        last, number = request.get("last", MOST_SHOWN), request.get("number")
        if type(last) is not int or not 1 <= last <= MOST_SHOWN:
            raise OrderError(f"`last` is a whole number from 1 to {MOST_SHOWN}")
        if number is not None and type(number) is not int:
            raise OrderError("the number of a turn is a whole number")
        return {"turns": await self._appliance.past_turns.read(last, number)}

    async def _watch(self, _: Request) -> Feed:
        return self._watchers.open()

    async def _tool(self, request: Request) -> dict[str, object]:
        name, arguments = request.get("name"), request.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise OrderError("a tool needs a name, and its arguments as an object")
        registry = self._appliance.room.conductor.parts.registry
        outcome = await registry.run_by_hand(name, json.dumps(arguments))
        return {
            "output": json.loads(outcome.output_json),
            "is_error": outcome.is_error,
            "spoken": outcome.spoken,
        }

    async def _cancel(self, request: Request) -> dict[str, object]:
        number, ringer = request.get("id"), self._appliance.house.services.ringer
        entries = (entry.id for kind in Kind for entry in ringer.waiting(kind))
        if number not in {*entries, *(each.id for each in (*ringer.ringing, *ringer.snoozed))}:
            raise OrderError("that is not set any more", "`bittern timers`, `bittern alarms`")
        assert isinstance(number, int)
        return {"is_kept": await ringer.cancel([number])}

    def _may_ask(self) -> None:
        state = self._appliance.room.conductor.core.state
        if state is State.MUTED:
            _raise(Refusal.MUTED)
        if state not in (State.IDLE, State.FOLLOW_UP):
            raise OrderError(f"the appliance is {state}", "Try again in a moment.")


class _Answer:
    """Collects the news of one typed question."""

    def __init__(self) -> None:
        self.over: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._turn: int | None = None
        self._texts: list[str] = []
        self._trouble = ""

    def take(self, what: News) -> None:
        """Look at one piece of news."""
        if self._turn is None and isinstance(what, TurnBegan) and what.trigger is Trigger.TYPED:
            self._turn = what.turn
        if what.turn != self._turn or self.over.done():
            return
        match what:
            case AnswerSaid(text=text):
                self._texts.append(text)
            case Unanswered(reason=reason):
                self._trouble = reason
            case TurnEnded(figures=figures):
                self._end(figures.endpoint)

    def _end(self, endpoint: str) -> None:
        text = " ".join(self._texts).strip()
        if text:
            self.over.set_result({"answer": text, "endpoint": endpoint})
        else:
            why = f": {self._trouble}" if self._trouble else ""
            self.over.set_exception(OrderError(f"the question was not answered{why}"))


def _raise(why: Refusal | None) -> None:
    """Tell who ordered it why it may not sound."""
    if why is not None:
        raise OrderError(str(why), _ADVICE[why])


_ADVICE = {
    Refusal.MUTED: "`bittern unmute`",
    Refusal.QUIET_HOURS: "See `quiet_from` and `quiet_to` of [speaker] in the settings.",
    Refusal.IN_CONVERSATION: "Try again in a moment.",
}


GOOD_DB = 20.0
"""Of the echo removed, for it to be called good: below, soft voices are lost in what is left."""


def _echo_of(status: EchoStatus | None) -> str:
    """How it stands with the appliance's own voice in its microphone, in words."""
    if status is None:
        return "not looked after"
    if status.quality is not Quality.GOOD:
        return str(status.quality).replace("_", " ")
    if status.removed_db is None or status.delay_ms is None:
        return "good, none is heard"
    how_good = "good" if status.removed_db >= GOOD_DB else "fair"
    return (
        f"{how_good}, {status.removed_db:.0f} dB removed, {status.delay_ms:.0f} ms late, "
        f"drift {status.drift_ppm:.0f} ppm"
    )


def _text_of(request: Request) -> str:
    text = request.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise OrderError(f"a text of 1 to {LONGEST_TEXT} characters is needed")
    return text.strip()


def _jpeg_of(request: Request) -> bytes | None:
    """The picture that comes with a question, without what it does not show."""
    given = request.get("jpeg_base64")
    if given is None:
        return None
    from device.camera.pictures import for_sending

    try:
        return for_sending(base64.b64decode(str(given), validate=True))
    except ValueError:
        raise OrderError("the picture is not in base64") from None


_ORDERS: dict[str, Callable[[Orders, Request], Awaitable[dict[str, object] | Feed]]] = {
    "status": Orders._status,
    "spending": Orders._spending,
    "stop": Orders._stop,
    "mute": Orders._mute,
    "unmute": Orders._unmute,
    "volume": Orders._volume,
    "sensitivity": Orders._sensitivity,
    "say": Orders._say,
    "ask": Orders._ask,
    "reload": Orders._reload,
    "restart-brain": Orders._restart_brain,
    "tool": Orders._tool,
    "cancel": Orders._cancel,
    "turns": Orders._turns,
    "watch": Orders._watch,
}

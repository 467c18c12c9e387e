"""What the page asks of the appliance: to let a browser in, and what there is to show."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING

from device.errors import BitternError
from device.house.pairing import GOOD_FOR_S, PairingError
from device.phrases.book import phrase
from device.phrases.en import ENGLISH
from device.room.focus import Channel, Refusal
from device.tools.overview import overview

if TYPE_CHECKING:
    from device.house.appliance import Appliance

Request = Mapping[str, object]
PageOrder = Callable[[Request], Awaitable[dict[str, object]]]


class PageOffError(BitternError):
    """The owner has not turned the page on."""


class PageOrders:
    """Orders for browsers: refused, all but the reading ones, while the page is off."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._sayings = count(1)

    def by_name(self) -> dict[str, PageOrder]:
        """Return each order."""
        return {
            "page": self._page,
            "page-ask-code": self._ask_code,
            "page-show-code": self._show_code,
            "page-pair": self._pair,
            "page-session": self._session,
            "page-sessions": self._sessions,
            "page-revoke": self._revoke,
            "household": self._household,
        }

    async def _page(self, _: Request) -> dict[str, object]:
        page = self._appliance.loaded.settings.page
        return {"enabled": page.enabled, "names": list(page.names), "pairing": page.pairing}

    def _must_be_on(self) -> None:
        if not self._appliance.loaded.settings.page.enabled:
            raise PageOffError("the page is off", "Turn it on: `sudo scripts/install.sh --page`.")

    async def _ask_code(self, _: Request) -> dict[str, object]:
        """Say a code, which only the browser that asked may use."""
        self._must_be_on()
        if self._appliance.loaded.settings.page.pairing == "button":
            raise PairingError(
                "this appliance lets a browser in by its button only",
                "Press the button that pairs (see docs/page.md), and type the code it says.",
            )
        room = self._appliance.room
        if (why := room.mouth.refusal(Channel.ANNOUNCEMENT)) is not None:
            raise _unsaid(why)
        invitation = self._appliance.pairing.asked()
        try:
            text = ENGLISH.say(phrase("page_code", code=invitation.code))
            samples = await self._appliance.house.services.voice.speak(text)
            why = room.mouth.say(Channel.ANNOUNCEMENT, f"page-code-{next(self._sayings)}", samples)
            if why is not None:
                raise _unsaid(why)
        except BitternError:
            self._appliance.pairing.withdraw()
            raise
        return {"ticket": invitation.ticket, "good_for_s": GOOD_FOR_S}

    async def _show_code(self, _: Request) -> dict[str, object]:
        """For a terminal: who may give orders here may let a browser in."""
        self._must_be_on()
        return {"code": self._appliance.pairing.invite().code, "good_for_s": GOOD_FOR_S}

    async def _pair(self, request: Request) -> dict[str, object]:
        self._must_be_on()
        code, ticket = _text(request, "code"), _text(request, "ticket")
        self._appliance.pairing.accept(code.replace(" ", ""), ticket)
        return {"token": await self._appliance.page_sessions.open(_text(request, "name"))}

    async def _session(self, request: Request) -> dict[str, object]:
        self._must_be_on()
        session = await self._appliance.page_sessions.visit(_text(request, "token"))
        return {"id": session.id, "name": session.name}

    async def _sessions(self, _: Request) -> dict[str, object]:
        return {
            "sessions": [
                {
                    "id": each.id,
                    "name": each.name,
                    "paired_unix_s": each.paired_unix_s,
                    "seen_unix_s": each.seen_unix_s,
                }
                for each in self._appliance.page_sessions.all()
            ]
        }

    async def _revoke(self, request: Request) -> dict[str, object]:
        number, everyone = request.get("id"), request.get("all") is True
        if not everyone and type(number) is not int:
            raise PairingError("which browser? A number is needed, or all", "`bittern page`")
        which = None if everyone or type(number) is not int else number
        return {"revoked": await self._appliance.page_sessions.revoke(which)}

    async def _household(self, _: Request) -> dict[str, object]:
        services = self._appliance.house.services
        return dataclasses.asdict(await overview(services.ringer, services.lists, services.facts))


def _unsaid(why: Refusal) -> PairingError:
    return PairingError(
        f"the code cannot be said: {why}",
        "Press the button that pairs, or use `bittern page pair` in a terminal.",
    )


def _text(request: Request, name: str) -> str:
    text = request.get(name, "")
    return text if isinstance(text, str) and len(text) <= 200 else ""

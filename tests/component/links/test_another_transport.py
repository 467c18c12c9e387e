"""A transport of another kind in place of the WebSocket: nobody but its opener notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from waiting import until

from device.assistant import inputs
from device.assistant.effects import EndUplink, StartUplink
from device.assistant.stretch import Bound
from device.audio.ring import Ring
from device.audio.samples import Samples
from device.realtime import events as wire
from device.realtime.endpoint import Endpoint
from device.realtime.failures import Failure, LinkFailed, Reason
from device.realtime.link import Link
from device.realtime.session import session_for
from device.realtime.session_object import Session
from device.room.links import EndpointEntry, Links
from device.room.uplinks import Uplinks


class PacedLink:
    """Plays as a call does: the endpoint's sound waits here until its time has come."""

    failure: Failure | None = None
    expires_in_s = 3600.0

    def __init__(self, endpoint: Endpoint, session: Session) -> None:
        self.endpoint = endpoint
        self.session = session
        self.heard: list[Samples] = []
        self.sent: list[wire.ClientEvent | wire.UnknownEvent] = []
        self.unplayed: asyncio.Queue[wire.LinkEvent | LinkFailed] = asyncio.Queue()
        self.is_closed = False

    def send(self, event: wire.ClientEvent | wire.UnknownEvent) -> None:
        self.sent.append(event)

    def send_audio(self, pcm: Samples) -> None:
        self.heard.append(pcm)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def flush(self) -> None:
        await asyncio.sleep(0)

    def drop_unplayed(self) -> None:
        while not self.unplayed.empty():
            self.unplayed.get_nowait()

    async def events(self) -> AsyncIterator[wire.LinkEvent]:
        while True:
            event = await self.unplayed.get()
            if isinstance(event, LinkFailed):
                raise event
            yield event

    async def close(self) -> None:
        self.is_closed = True


class Bench:
    def __init__(self) -> None:
        self.opened: list[PacedLink] = []
        self.fed: list[inputs.Input] = []
        self.changed = asyncio.Event()
        entry = EndpointEntry(
            Endpoint("call", "ws://localhost", key_required=False), self._session, self._open
        )
        self.links = Links({"call": entry}, self.feed)

    def feed(self, happened: inputs.Input) -> None:
        self.fed.append(happened)
        self.changed.set()

    def _session(self, endpoint: Endpoint, profile: str = "") -> Session:
        return session_for(endpoint, instructions=profile or "Be brief.")

    async def _open(self, endpoint: Endpoint, session: Session) -> Link:
        self.opened.append(PacedLink(endpoint, session))
        return self.opened[-1]

    async def until(self, is_so: Callable[[], bool]) -> None:
        await until(is_so, self.changed, within_s=5)


SOUND = wire.AudioDelta("r", "a", 0, bytes(960))


async def test_sound_goes_both_ways_as_pcm() -> None:
    bench = Bench()
    bench.links.open(1, "call", "a pirate")
    await bench.until(lambda: inputs.LinkReady(1) in bench.fed)
    (link,) = bench.opened
    assert link.session.instructions == "a pirate"
    ring = Ring(24_000, 2.0)
    said = np.arange(2_400, dtype=np.int16)
    ring.write(said)
    uplinks = Uplinks(lambda: ring, bench.links.get, bench.feed)
    uplinks.start(StartUplink(1, 0, until_sample=2_400, floor_sample=0))
    await bench.until(lambda: inputs.UplinkDrained(1) in bench.fed)
    assert np.array_equal(np.concatenate(link.heard), said)
    link.unplayed.put_nowait(SOUND)
    await bench.until(lambda: inputs.ServerSaid(1, SOUND) in bench.fed)
    await bench.links.close_all()
    assert link.is_closed


async def test_the_lead_does_not_reach_below_the_floor() -> None:
    bench = Bench()
    bench.links.open(1, "call")
    await bench.until(lambda: inputs.LinkReady(1) in bench.fed)
    ring = Ring(24_000, 2.0)
    heard = np.arange(24_000, dtype=np.int16)
    ring.write(heard)
    uplinks = Uplinks(lambda: ring, bench.links.get, bench.feed)
    uplinks.start(StartUplink(1, 12_960, lead_ms=300, until_sample=14_400, floor_sample=12_000))
    await bench.until(lambda: inputs.UplinkDrained(1) in bench.fed)
    assert np.array_equal(np.concatenate(bench.opened[0].heard), heard[12_000:14_400])
    await bench.links.close_all()


@pytest.mark.parametrize("is_ended", [False, True])
async def test_nothing_behind_the_bound_leaves_whoever_ends_the_uplink(is_ended: bool) -> None:
    bench = Bench()
    bench.links.open(1, "call")
    await bench.until(lambda: inputs.LinkReady(1) in bench.fed)
    ring = Ring(24_000, 4.0)
    uplinks = Uplinks(lambda: ring, bench.links.get, bench.feed)
    bound = Bound(begin_sample=2_400, most_ms=1_000)
    uplinks.start(StartUplink(1, 4_800, lead_ms=50, floor_sample=2_400, bound=bound))
    heard = np.arange(1, 30_001, dtype=np.int16)
    ring.write(heard[:9_600])
    if is_ended:
        uplinks.end(EndUplink(1, until_sample=29_000))
    ring.write(heard[9_600:])
    await bench.until(lambda: inputs.UplinkDrained(1) in bench.fed)
    assert np.array_equal(np.concatenate(bench.opened[0].heard), heard[3_600:26_400])
    await bench.links.close_all()


async def test_an_interruption_reaches_what_the_transport_still_holds() -> None:
    bench = Bench()
    bench.links.open(1, "call")
    await bench.until(lambda: inputs.LinkReady(1) in bench.fed)
    bench.opened[0].unplayed.put_nowait(SOUND)
    bench.links.drop_unplayed()
    bench.opened[0].unplayed.put_nowait(wire.ResponseCreated(response=wire.Response(id="r")))
    await bench.until(lambda: len(bench.fed) == 2)
    assert isinstance(bench.fed[1], inputs.ServerSaid)
    assert isinstance(bench.fed[1].event, wire.ResponseCreated), "the sound was to be let go of"
    await bench.links.close_all()


@pytest.mark.parametrize("reason", [Reason.CLOSED, Reason.BLACK_HOLE])
async def test_how_it_breaks_is_told_the_same_way(reason: Reason) -> None:
    bench = Bench()
    bench.links.open(1, "call")
    await bench.until(lambda: inputs.LinkReady(1) in bench.fed)
    bench.opened[0].unplayed.put_nowait(LinkFailed(Failure(reason, "gone"), "call"))
    await bench.until(lambda: len(bench.fed) == 2)
    assert bench.fed[1] == inputs.LinkLost(1, Failure(reason, "gone"))
    await bench.links.close_all()
    assert bench.opened[0].is_closed

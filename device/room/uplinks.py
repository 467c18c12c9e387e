"""The uplink: microphone audio from the ring to a link, from where the core said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator

from device.assistant import inputs
from device.assistant.effects import EndUplink, StartUplink
from device.audio.resample import WIRE_RATE_HZ
from device.audio.ring import OverwrittenError, Ring
from device.audio.samples import Samples, silence
from device.audio.uplink import UplinkReader
from device.realtime.failures import LinkFailed
from device.realtime.link import Link

log = logging.getLogger(__name__)

SILENCE_CHUNK_S = 0.04


class _Uplink:
    """One stretch of the ring on its way to one link."""

    def __init__(self, reader: UplinkReader, tail_silence_ms: int) -> None:
        self.reader = reader
        self.tail_silence_ms = tail_silence_ms
        self.sent_samples = 0
        """At the wire's rate."""
        self.task: asyncio.Task[None] | None = None

    def reached_sample(self, rate_hz: int) -> int:
        """The place in the ring up to which everything is with the link."""
        return self.reader.from_sample + self.sent_samples * rate_hz // WIRE_RATE_HZ


class Uplinks:
    """At most one uplink a link; all of them end when the link does."""

    def __init__(
        self,
        ring: Callable[[], Ring],
        link: Callable[[int], Link | None],
        feed: Callable[[inputs.Input], None],
    ) -> None:
        self._ring = ring
        self._link = link
        self._feed = feed
        self._uplinks: dict[int, _Uplink] = {}
        self._last: tuple[int, _Uplink] | None = None

    def start(self, effect: StartUplink) -> None:
        """Begin to stream, in place of what was streamed to that link."""
        self.stop(effect.link)
        link = self._link(effect.link)
        if link is None:
            return
        uplink = _Uplink(self._reader(effect), effect.tail_silence_ms)
        self._uplinks[effect.link] = uplink
        self._last = effect.link, uplink
        uplink.task = asyncio.create_task(
            self._pump(effect.link, link, uplink), name=f"uplink of link {effect.link}"
        )

    def end(self, effect: EndUplink) -> None:
        """Let the uplink run to a position, then some silence, then ``UplinkDrained``."""
        uplink = self._uplinks.get(effect.link)
        if uplink is None:
            self._feed(inputs.UplinkDrained(effect.link))
            return
        uplink.tail_silence_ms = effect.tail_silence_ms
        until, bound = effect.until_sample, uplink.reader.until_sample
        until = uplink.reader.next_sample if until is None else until
        uplink.reader.end_at(until if bound is None else min(until, bound))

    def stop(self, number: int) -> None:
        """Stream no further: what is not with the link yet never leaves the device."""
        uplink = self._uplinks.pop(number, None)
        if uplink is not None:
            uplink.reader.close()
            if uplink.task is not None:
                uplink.task.cancel()

    def stop_all(self) -> None:
        """Stop every uplink."""
        for number in list(self._uplinks):
            self.stop(number)

    def _reader(self, effect: StartUplink) -> UplinkReader:
        ring = self._ring()
        from_sample = ring.end_sample if effect.from_sample is None else effect.from_sample
        from_sample -= ring.rate_hz * effect.lead_ms // 1000
        from_sample = max(from_sample, effect.floor_sample)
        if effect.is_more and self._last is not None and self._last[0] == effect.link:
            from_sample = max(from_sample, self._last[1].reached_sample(ring.rate_hz))
        until_sample = _until(effect, ring.rate_hz)
        if until_sample is not None:
            until_sample = max(until_sample, from_sample)
        try:
            return UplinkReader(ring, max(from_sample, 0), until_sample)
        except OverwrittenError as lost:
            log.warning("the beginning of the question is no longer in memory: %s", lost)
            return UplinkReader(ring, ring.start_sample, until_sample)

    async def _pump(self, number: int, link: Link, uplink: _Uplink) -> None:
        try:
            is_first = True
            async for chunk in uplink.reader.chunks():
                link.send_audio(chunk)
                uplink.sent_samples += len(chunk)
                if is_first:
                    is_first = False
                    self._feed(inputs.UplinkBegan(number))
                await link.drain()
            for chunk in _silence(uplink.tail_silence_ms):
                link.send_audio(chunk)
                await link.drain()
            await link.flush()
        except LinkFailed:
            return  # whoever reads the link is told, and tells the core
        except OverwrittenError as lost:
            log.error("uplink of link %d: the network is slower than speech: %s", number, lost)
            return
        if self._uplinks.get(number) is uplink:
            del self._uplinks[number]
            self._feed(inputs.UplinkDrained(number))


def _until(effect: StartUplink, rate_hz: int) -> int | None:
    """Where an uplink ends at the latest, None where nobody knows yet."""
    if effect.bound is None:
        return effect.until_sample
    furthest = effect.bound.begin_sample + rate_hz * effect.bound.most_ms // 1000
    return furthest if effect.until_sample is None else min(furthest, effect.until_sample)


def _silence(length_ms: int) -> Iterator[Samples]:
    chunk = silence(round(WIRE_RATE_HZ * SILENCE_CHUNK_S))
    for _ in range(round(length_ms / 1000 / SILENCE_CHUNK_S)):
        yield chunk

"""Safe mode: when the appliance cannot run as its owner wants, it says so and does the least.

The settings are the shipped ones with the local brain as the only endpoint; of the owner's
only what says where sound and lights are, as far as that can be read. Timers and alarms
go on. It ends by itself, with :data:`EXIT_TRY_AGAIN`, when there is reason to hope.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import time
from collections.abc import Mapping

from device.audio.sounds import Sounds
from device.daemon.service import Load, Service, stop_on_signals, until
from device.errors import EXIT_BAD_SETTINGS, BitternError
from device.schema.document import read_document
from device.settings.load import SHIPPED, LoadedSettings, assemble
from device.settings.places import OWN_BRAIN
from device.settings.tree import Settings

log = logging.getLogger("bittern")

EXIT_TRY_AGAIN = 75
"""``EX_TEMPFAIL`` of sysexits.h: the unit then starts the appliance itself again."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 30.0
"""Between attempts to open a microphone and a speaker."""
LOOK_S = 5.0
TRY_AGAIN_S = 1800.0
"""How long after a failure that explains itself by nothing the appliance is tried again."""


async def serve_safely(load: Load, environ: Mapping[str, str] = os.environ) -> int:
    """Run until told to stop (returns 0), or until the appliance may be tried again (75)."""
    stopping = stop_on_signals()
    mended = asyncio.create_task(_mended(load, _failed_by_settings(load, environ)))
    service: Service | None = None
    try:
        service = await _first_done(_started(load), stopping)
        if service is None:
            return 0
        _explain(service, "settings_bad" if _failed_by_settings(load, environ) else "safe_mode")
        await until(stopping, service, mended)
        if stopping.is_set():
            return 0
        log.info("the appliance is tried again")
        return EXIT_TRY_AGAIN
    finally:
        mended.cancel()
        if service is not None:
            await service.stop()


async def _first_done(work: object, stopping: asyncio.Event) -> Service | None:
    """The service, or None when it is stopped before there is one."""
    assert asyncio.iscoroutine(work)
    starting = asyncio.create_task(work)
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return None
    service: Service = starting.result()
    return service


async def _started(load: Load) -> Service:
    """Try the owner's sound devices and the shipped ones in turn, until a pair opens."""
    wait_s, attempt = FIRST_WAIT_S, 0
    while True:
        service = _safe_service(_owners(load) if attempt % 2 == 0 else None)
        try:
            await service.start()
        except BitternError as failure:
            log.error("safe mode waits: %s", failure)
            service.manager.status(f"safe mode waits: {failure.what}")
            await service.stop()
        else:
            return service
        attempt += 1
        await asyncio.sleep(wait_s)
        wait_s = min(wait_s * 1.5, LONGEST_WAIT_S)


def _safe_service(owners: Settings | None) -> Service:
    loaded = safe_settings(owners)
    return Service(loaded, lambda: loaded, is_safe=True)


def safe_settings(owners: Settings | None) -> LoadedSettings:
    """The shipped settings with the brain alone, and the owner's sound and lights if given."""
    shipped = assemble(read_document(SHIPPED), None)
    brain = tuple(each for each in shipped.settings.endpoint if each.url == OWN_BRAIN)
    settings = dataclasses.replace(shipped.settings, endpoint=brain)
    if owners is not None:
        settings = dataclasses.replace(
            settings, microphone=owners.microphone, speaker=owners.speaker, panel=owners.panel
        )
    return dataclasses.replace(shipped, settings=settings)


def _owners(load: Load) -> Settings | None:
    try:
        return load().settings
    except BitternError:
        return None


def _failed_by_settings(load: Load, environ: Mapping[str, str]) -> bool:
    """systemd tells the status of the unit that failed; by hand there are only the settings."""
    status = environ.get("MONITOR_EXIT_STATUS", "")
    return status == str(EXIT_BAD_SETTINGS) or _owners(load) is None


def _explain(service: Service, notice: str) -> None:
    text, samples = Sounds().notice(notice)
    log.error("safe mode: %s", text)
    service.daemon.playback.play(f"safe-{notice}", samples)


async def _mended(load: Load, by_settings: bool) -> None:
    """Return when the reason for safe mode may be gone."""
    began_s, first = time.monotonic(), await asyncio.to_thread(_owners, load)
    while True:
        await asyncio.sleep(LOOK_S)
        now = await asyncio.to_thread(_owners, load)
        if now is not None and (now != first or (by_settings and first is None)):
            return
        if now is not None and not by_settings and time.monotonic() - began_s > TRY_AGAIN_S:
            return

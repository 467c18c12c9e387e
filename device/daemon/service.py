"""The appliance as a service: signals, the watchdog, and a factory reset that begins anew."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.appliance.control_socket import passed as control_socket_passed
from device.appliance.service_manager import ServiceManager
from device.errors import BitternError
from device.house.appliance import Appliance, ApplianceManner, Hardware, Load, begin_appliance
from device.memory import settle
from device.settings import LoadedSettings
from device.settings.forget import forget, request
from device.settings.key_store import UserKeys
from device.settings.places import state_folder
from device.settings.settings_file import usual_place

log = logging.getLogger("bittern")


THIS_MACHINE = Hardware()


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """An appliance that runs under a service manager, which is told that it is alive."""

    appliance: Appliance
    manager: ServiceManager
    heart: asyncio.Task[None]
    reset_asked: asyncio.Event
    """The owner wants everything forgotten, and this process is to see to it."""

    async def wait(self) -> None:
        """Return never; raise what broke it."""
        broken = asyncio.create_task(self.appliance.wait(), name="what breaks it")
        try:
            done, _ = await asyncio.wait({broken, self.heart}, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                each.result()
        finally:
            broken.cancel()

    async def stop(self) -> None:
        """Stop everything, in bounded time."""
        self.heart.cancel()
        await self.appliance.close()


async def begin_service(
    loaded: LoadedSettings,
    load: Load,
    hardware: Hardware = THIS_MACHINE,
    *,
    is_safe: bool = False,
    may_be_deaf: bool = False,
) -> Service:
    """Start; raises a ``BitternError``. ``may_be_deaf``: see ``ApplianceManner``."""
    for old in loaded.retired:
        log.warning("settings: %s", old)
    manager, reset_asked = ServiceManager(), asyncio.Event()
    manner = ApplianceManner(
        is_safe,
        may_be_deaf,
        manager.status,
        lambda: _ask_to_forget(reset_asked),
        control_socket_passed(),
    )
    appliance = await begin_appliance(loaded, load, hardware, manner)
    watch = manager.watch(lambda: appliance.house.progress)
    return Service(appliance, manager, asyncio.create_task(watch, name="watchdog"), reset_asked)


async def serve(
    loaded: LoadedSettings,
    load: Load,
    hardware: Hardware = THIS_MACHINE,
    begun: Callable[[Service], None] = lambda _: None,
) -> None:
    """Run until SIGTERM or SIGINT; raises what broke the appliance.

    ``begun`` is told of each service that runs.

    Ends within two seconds of the signal: every part that is stopped has a time-out.
    After a factory reset it begins anew, with what there is then.
    """
    stopping = stop_on_signals()
    while await _is_reset(loaded, load, hardware, begun, stopping):
        await asyncio.to_thread(_forget_all, loaded)
        loaded = load()


async def _is_reset(
    loaded: LoadedSettings,
    load: Load,
    hardware: Hardware,
    begun: Callable[[Service], None],
    stopping: asyncio.Event,
) -> bool:
    """Run until told to stop, or until the owner wants everything forgotten."""
    service = await unless_stopped(begin_service(loaded, load, hardware), stopping)
    if service is None:
        return False
    begun(service)
    await asyncio.to_thread(settle)
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = asyncio.create_task(_reload_and_log(service.appliance), name="reload")
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        asked = asyncio.create_task(_asked(service))
        await until(stopping, service, asked)
        return service.reset_asked.is_set() and not stopping.is_set()
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        log.info("stopping")
        service.manager.stopping()
        for task in tuple(reloads):
            task.cancel()
        await service.stop()


async def _reload_and_log(appliance: Appliance) -> None:
    try:
        await appliance.reload()
    except BitternError as failure:
        log.error("the old settings stay: %s", failure)


async def _asked(service: Service) -> None:
    await service.reset_asked.wait()


def _ask_to_forget(reset_asked: asyncio.Event) -> None:
    """As a service we may change neither settings nor keys: systemd has somebody who may."""
    state = os.environ.get("STATE_DIRECTORY")
    if not state:
        reset_asked.set()
        return
    try:
        request(Path(state.split(":")[0]))
    except BitternError as failure:
        log.error("%s", failure)


def _forget_all(loaded: LoadedSettings) -> None:
    state = state_folder(loaded.settings.paths)
    try:
        forget(loaded.user_file or usual_place(), state, UserKeys().folder)
    except BitternError as failure:
        log.error("%s", failure)
    log.warning("everything was forgotten")


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


async def unless_stopped(
    beginning: Coroutine[Any, Any, Service], stopping: asyncio.Event
) -> Service | None:
    """A service that has begun; None when it is told to stop before that."""
    starting = asyncio.create_task(beginning)
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return None
    return starting.result()


async def until(stopping: asyncio.Event, service: Service, *others: asyncio.Task[None]) -> None:
    """Wait for the signal, for others, or for what breaks the appliance, and raise that."""
    told = asyncio.create_task(stopping.wait())
    broken = asyncio.create_task(service.wait())
    done, left = await asyncio.wait({told, broken, *others}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    await asyncio.wait(left)
    for task in done - {told}:
        task.result()

"""The appliance with its real sound card and panel, until it is told to stop."""

from __future__ import annotations

import logging

from device.daemon.daemon import Daemon
from device.reports import log_lines
from device.settings import LoadedSettings

log = logging.getLogger("bittern")

VOLUME_STEP_PERCENT = 10


async def serve(loaded: LoadedSettings) -> None:
    """Run until SIGTERM or SIGINT; raises what broke the appliance.

    Ends within two seconds of the signal: every part that is stopped has a time-out.
    """
    settings = loaded.settings
    stopping = _stop_on_signals()
    async with _panel(settings) as panel:
        daemon = Daemon(
            loaded,
            microphone_from(settings),
            speaker_from(settings),
            log_lines(settings.log.transcripts),
            show=panel.show_effect,
        )
        panel.act = lambda action: _act(daemon, action)
        await daemon.start()
        log.info('listening for "%s"', '", "'.join(settings.wake.words))
        try:
            await _until(stopping, daemon)
        finally:
            log.info("stopping")
            await daemon.stop()

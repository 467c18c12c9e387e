"""The MQTT broker, by which the appliance is a device in Home Assistant."""

from __future__ import annotations

from collections.abc import Mapping

from device.doctor.findings import Finding, Verdict
from device.errors import BitternError
from device.house.presence import broker_plan, device_card
from device.settings import LoadedSettings
from device.settings.key_store import service_environment
from device.settings.secrets import is_this_machine
from device.settings.tree import Mqtt

CHECK = "MQTT broker"


async def check_broker(loaded: LoadedSettings) -> list[Finding]:
    """Connect to the broker that the settings name; nothing where they name none."""
    mqtt = loaded.settings.mqtt
    if not mqtt.host:
        return []
    environ, is_hidden = service_environment([mqtt])
    if is_hidden and mqtt.key_env:
        kept = "its password is kept for the service"
        return [Finding(CHECK, Verdict.SKIPPED, kept, "`sudo bittern doctor` tries it.")]
    return [await _tried(mqtt, environ), *_in_the_clear(mqtt)]


async def _tried(mqtt: Mqtt, environ: Mapping[str, str]) -> Finding:
    try:
        from device.homeassistant.broker import try_broker

        why = await try_broker(broker_plan(mqtt, environ), device_card(mqtt).identifier)
    except ModuleNotFoundError as missing:
        advice = "It is part of requirements/run.txt: run scripts/install.sh or scripts/run again."
        return Finding(CHECK, Verdict.BAD, f"{missing.name} is not installed", advice)
    except BitternError as failure:
        return Finding(CHECK, Verdict.BAD, failure.what, failure.advice)
    if why:
        return Finding(CHECK, Verdict.BAD, f"{mqtt.host}: {why}", "See docs/home-assistant.md.")
    return Finding(CHECK, Verdict.GOOD, f"{mqtt.host} lets us in")


def _in_the_clear(mqtt: Mqtt) -> list[Finding]:
    has_password = bool(mqtt.key_env or mqtt.key_file)
    if mqtt.tls or not has_password or is_this_machine(mqtt.host):
        return []
    what = "the password crosses the network in the clear"
    return [Finding(CHECK, Verdict.WARNING, what, "Set tls = true in [mqtt], if it can do that.")]

"""Step: the key of each cloud, tested for real."""

from __future__ import annotations

import asyncio
import dataclasses

from device.errors import BitternError
from device.house.endpoints import roster
from device.realtime.failures import LinkFailed
from device.realtime.secret import Secret
from device.settings import LoadedSettings, tree
from device.settings.edit import ENDPOINT
from device.settings.places import OWN_BRAIN
from device.setup.visit import SetupVisit


class KeyStep:
    """Ask for a key without showing it, open a session with it, and keep it."""

    name = "key"
    title = "The key for the cloud"
    takes_hardware = False

    def now(self, visit: SetupVisit) -> str:
        """Which endpoints have one."""
        states = [
            f"{each.name}: {'has one' if visit.keys.find(each) else 'none'}"
            for each in _with_keys(visit.settings)
        ]
        return ", ".join(states) or "no endpoint needs one"

    def run(self, visit: SetupVisit) -> None:
        """Do it for each endpoint that names a key."""
        endpoints = _with_keys(visit.settings)
        if not endpoints:
            visit.dialogue.say("None of your endpoints needs a key.")
        for endpoint in endpoints:
            self._one(visit, endpoint)

    def _one(self, visit: SetupVisit, endpoint: tree.Endpoint) -> None:
        visit.dialogue.say(f"{endpoint.name} ({endpoint.url}, model {endpoint.model or 'its own'})")
        present = visit.keys.find(endpoint)
        while True:
            hint = "Enter tests the one there is, - goes on" if present else "Enter goes on without"
            typed = visit.dialogue.secret(f"Its key, which is not shown ({hint})")
            key = typed or present
            if typed == "-" or not key:
                return
            visit.dialogue.say("Asking for a session with it …")
            trouble = _trouble(visit.loaded, endpoint, key)
            if not trouble:
                visit.dialogue.say("It works: a session was opened.")
                self._keep(visit, endpoint, typed)
                return
            visit.dialogue.say(trouble)
            if typed and visit.dialogue.agrees("Keep it all the same?", default=False):
                self._keep(visit, endpoint, typed)
                return
            if not visit.dialogue.agrees("Try another?"):
                return

    def _keep(self, visit: SetupVisit, endpoint: tree.Endpoint, typed: str) -> None:
        if not typed:
            return
        key_file = visit.keys.store(endpoint, typed)
        visit.has_new_key = True
        if key_file:
            visit.change(key_file, ENDPOINT, endpoint.name, "key_file")
        visit.dialogue.say("The key is stored, where only the appliance can read it.")


def _with_keys(settings: tree.Settings) -> list[tree.Endpoint]:
    return [
        each
        for each in settings.endpoints()
        if each.url != OWN_BRAIN and (each.key_env or each.key_file)
    ]


def _trouble(loaded: LoadedSettings, endpoint: tree.Endpoint, key: str) -> str:
    """Why no session could be had; empty when one could."""
    try:
        asyncio.run(_open(loaded, endpoint, key))
    except LinkFailed as failed:
        return f"It does not: {failed.failure.reason.replace('_', ' ')}. {failed.failure.detail}"
    except (BitternError, ValueError) as failure:
        return f"It does not: {failure}"
    return ""


async def _open(loaded: LoadedSettings, endpoint: tree.Endpoint, key: str) -> None:
    entry = roster(loaded, "", None, lambda: [], endpoint.name).entries[endpoint.name]
    with_key = dataclasses.replace(entry.endpoint, key=Secret(key))
    link = await entry.opener(with_key, entry.session(with_key))
    await link.close()

"""From the endpoints of the settings to what the core plans with and the links are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from device.appliance.brain_process import BrainProcess
from device.assistant.policy import EndpointPlan, Profile
from device.errors import BitternError
from device.house.remembered import EndpointMemory
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Auth, Endpoint, Endpointing
from device.realtime.secret import Secret
from device.realtime.session import EndpointingSettings, session_for, truncation_for
from device.realtime.session_object import FunctionTool, Session
from device.realtime.websocket import WebSocketLink
from device.room.links import EndpointEntry, Meter, SessionMaker
from device.schema.checker import GivenTable
from device.settings import LoadedSettings, tree
from device.settings.endpoints import name_of
from device.settings.places import OWN_BRAIN
from device.settings.secrets import FoundKey, KeyFileError, find_key
from device.spending.meter import NO_MODEL, Spending
from device.spending.prices import Prices, prices
from device.tools.camera_tools import FOR_WHO_SEES

log = logging.getLogger(__name__)

RETENTION = 0.8
"""What a cloud keeps of a conversation that has outgrown its context. It drops a fifth at once,
rather than a sentence each turn: what is left is the same for many turns, and read at the
price of what was read before (OpenAI's guide on Realtime costs)."""
NO_PING_S = 86_400.0
"""What "never" becomes: the WebSocket library wants a number."""
OWN_TRANSCRIPTION = "whisper-tiny.en"
SLOWER_SERVER_S = 3.5
"""An endpoint may notice the end of speech this much later than the device, network included."""
SEMANTIC_WAIT_S = {"low": 8.0, "medium": 4.0, "auto": 4.0, "high": 2.0}
"""How long semantic detection may wait for more (OpenAI's documentation)."""


class NoEndpointError(BitternError):
    """Nobody is left who could answer."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The endpoints in use, in order."""

    plans: Sequence[EndpointPlan]
    entries: Mapping[str, EndpointEntry]
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    """Wake word to who answers it, where that is not everybody."""

    @property
    def first_choices(self) -> list[EndpointPlan]:
        """The endpoints that are asked first, for any wake word."""
        by_name = {plan.name: plan for plan in self.plans}
        own = [by_name[each.endpoints[0]] for each in self.profiles.values() if each.endpoints]
        return [self.plans[0], *own]


def roster(
    loaded: LoadedSettings,
    brain_url: str,
    brain: BrainProcess | None,
    tools: Callable[[], list[dict[str, object]]],
    only: str | None = None,
    spending: Spending | None = None,
    find: Callable[[tree.Endpoint], FoundKey | None] = find_key,
    *,
    facts: Callable[[], str] = str,
    memory: EndpointMemory | None = None,
) -> Roster:
    """Build plans and entries; ``only`` names the one endpoint to use, ``spending`` counts.

    ``facts`` tells what stands behind the instructions of each new session, ``memory`` how
    endpoints were found last, ``find`` where keys are: for a doctor not where the appliance's are.
    An endpoint whose key is missing is left out when it is one of those we ship: who has
    set up no cloud is not to be told that it failed. One whose key is no key is there, and
    fails for want of it: a mistake in a key costs nobody else. Raises :class:`NoEndpointError`.
    """
    settings, written = loaded.settings, _named(loaded)
    priced = prices(settings.price)
    plans: list[EndpointPlan] = []
    entries: dict[str, EndpointEntry] = {}
    for chosen in settings.endpoints():
        if only is not None and chosen.name != only:
            continue
        key, is_bad = _key_of(chosen, find)
        needs_key = chosen.key_required and bool(chosen.key_env or chosen.key_file)
        lacks_key = is_bad or (key is None and needs_key)
        if lacks_key and not is_bad and chosen.name not in written and only is None:
            log.info("endpoint %s is not set up: no key in $%s", chosen.name, chosen.key_env)
            continue
        url = brain_url if chosen.url == OWN_BRAIN else chosen.url
        endpoint = _endpoint(chosen, url, Secret(key.value) if key is not None else None)
        prepare = brain.ensure if brain is not None and chosen.url == OWN_BRAIN else None
        session = _session_maker(settings, chosen, tools, facts)
        is_charged = _is_charged(chosen, priced)
        meter = _meter(chosen, spending) if is_charged else None
        known = memory.of(settings, chosen) if memory is not None else None
        entries[chosen.name] = EndpointEntry(
            endpoint, session, WebSocketLink.open, prepare, lacks_key, meter, known
        )
        plans.append(_plan(chosen, settings.vad, is_charged))
    if not plans:
        raise NoEndpointError(
            f"there is no endpoint {only}" if only else "no endpoint is left to answer",
            "See [[endpoint]] in the settings: `bittern config show`.",
        )
    return Roster(plans, entries, _profiles(settings.profile, set(entries)))


def _meter(chosen: tree.Endpoint, spending: Spending | None) -> Meter | None:
    if spending is None:
        return None
    return spending.meter(chosen.name, chosen.model, chosen.transcription_model)


def _key_of(
    chosen: tree.Endpoint, find: Callable[[tree.Endpoint], FoundKey | None]
) -> tuple[FoundKey | None, bool]:
    """The key of an endpoint, and whether something that is none is in its place."""
    try:
        return find(chosen), False
    except KeyFileError as failure:
        log.error("endpoint %s cannot be asked: %s", chosen.name, failure)
        return None, True


def _profiles(chosen: Sequence[tree.Profile], in_use: set[str]) -> dict[str, Profile]:
    """Who answers to which word; a profile none of whose endpoints is in use asks all."""
    return {
        tree.plain_word(word): Profile(
            each.name, tuple(name for name in each.endpoints if name in in_use)
        )
        for each in chosen
        for word in each.words
    }


def _named(loaded: LoadedSettings) -> set[str | None]:
    """The endpoints that the owner has named anywhere."""
    named = {name_of(table) for table in _written(loaded)}
    return named.union(*(profile.endpoints for profile in loaded.settings.profile))


def _written(loaded: LoadedSettings) -> list[GivenTable]:
    """The endpoints that the user's own file names."""
    tables = loaded.given.get("endpoint", ())
    own = str(loaded.user_file) if loaded.user_file is not None else None
    return [
        table
        for table in (tables if isinstance(tables, list) else ())
        if any(getattr(given, "file", None) == own for given in table.values())
    ]


def _endpoint(chosen: tree.Endpoint, url: str, key: Secret | None) -> Endpoint:
    try:
        return Endpoint(
            name=chosen.name,
            url=url,
            model=chosen.model,
            dialect=Dialect(chosen.dialect),
            turn_detection=Endpointing(chosen.turn_detection),
            key=key,
            auth=Auth(chosen.auth),
            key_required=chosen.key_required and bool(chosen.key_env or chosen.key_file),
            ca_file=Path(chosen.ca_file).expanduser() if chosen.ca_file else None,
            connect_timeout_s=chosen.connect_timeout_s,
            handshake_timeout_s=chosen.handshake_timeout_s,
            answer_timeout_s=chosen.answer_timeout_s,
            ping_interval_s=chosen.ping_interval_s or NO_PING_S,
            ping_timeout_s=chosen.ping_timeout_s,
            is_local=chosen.url == OWN_BRAIN or None,
        )
    except ValueError as wrong:
        raise NoEndpointError(f"endpoint {chosen.name}: {wrong}", "Correct its url.") from None


def _is_charged(chosen: tree.Endpoint, known: Prices) -> bool:
    """Whether its answers cost something: its price says so, or that it wants a key."""
    if chosen.url == OWN_BRAIN:
        return False
    price = known.of(chosen.model or NO_MODEL)
    return not price.is_free if price is not None else bool(chosen.key_env or chosen.key_file)


def unpriced_models(settings: tree.Settings) -> list[str]:
    """The models in use that cost something, nobody knows how much: no budget stops them."""
    known = prices(settings.price)
    used = [
        name
        for each in settings.endpoints()
        if _is_charged(each, known)
        for name in (each.model or NO_MODEL, each.transcription_model)
        if name and known.of(name) is None
    ]
    return list(dict.fromkeys(used))


def _plan(chosen: tree.Endpoint, vad: tree.Vad, is_charged: bool) -> EndpointPlan:
    is_own = chosen.url == OWN_BRAIN
    silence_s = chosen.silence_ms / 1000
    if chosen.turn_detection == "semantic_vad":
        silence_s = SEMANTIC_WAIT_S[chosen.eagerness]
    return EndpointPlan(
        name=chosen.name,
        is_local=is_own,
        is_charged=is_charged,
        sees=chosen.sees and not is_own,
        detects_turns=chosen.turn_detection != "local",
        # A brain that must be started first is given the time that takes.
        link_timeout_s=chosen.connect_timeout_s
        + chosen.handshake_timeout_s
        + (20.0 if is_own else 1.0),
        answer_timeout_s=chosen.answer_timeout_s,
        endpointing_timeout_s=max(silence_s - vad.end_silence_ms / 1000, 0.0) + SLOWER_SERVER_S,
        tail_silence_ms=round(1000 * silence_s) + 700,
        retry_after_s=chosen.retry_after_s,
    )


def _session_maker(
    settings: tree.Settings,
    chosen: tree.Endpoint,
    tools: Callable[[], list[dict[str, object]]],
    facts: Callable[[], str],
) -> SessionMaker:
    assistant = settings.assistant
    profiles = {each.name: each for each in settings.profile}
    is_own = chosen.url == OWN_BRAIN
    sees = chosen.sees and not is_own
    reduction = None if chosen.noise_reduction == "off" else chosen.noise_reduction
    transcription = chosen.transcription_model or (OWN_TRANSCRIPTION if is_own else None)

    def make(endpoint: Endpoint, profile: str = "") -> Session:
        wanted = profiles.get(profile)
        instructions = (wanted and wanted.instructions) or assistant.instructions
        usual_voice = chosen.voice or (None if is_own else assistant.voice or None)
        return session_for(
            endpoint,
            instructions=f"Your name is {assistant.name}. {instructions}{facts()}",
            voice=(wanted and wanted.voice) or usual_voice,
            endpointing=EndpointingSettings(
                threshold=chosen.vad_threshold,
                prefix_padding_ms=chosen.prefix_ms,
                silence_duration_ms=chosen.silence_ms,
                eagerness=chosen.eagerness,
            ),
            tools=[
                msgspec.convert(tool, FunctionTool)
                for tool in tools()
                if sees or tool["name"] not in FOR_WHO_SEES
            ],
            transcription_model=transcription,
            transcription_language=assistant.language if transcription else None,
            noise_reduction=reduction,
            truncation=truncation_for(None if is_own else RETENTION),
            max_output_tokens=chosen.max_output_tokens or "inf",
            reasoning_effort=chosen.reasoning_effort or None,
        )

    return make

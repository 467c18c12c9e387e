"""What settings must say together: each rule is about more than one key."""

from __future__ import annotations

from collections.abc import Iterator

from device.schema.checker import Given, GivenTable
from device.schema.mistakes import Mistake, value_text
from device.settings.endpoints import name_of
from device.settings.tree import Settings, plain_word

OWN_SOURCE = "own"
"""What the owner's own tools are called as a source."""
TAKEN = ("bittern", OWN_SOURCE)
"""Names that no server may have: that of the built-in tools is the other one."""

BrokenRule = tuple[tuple[str, ...], str]
"""The keys that contradict each other, as ``table.key``, and what was expected of them."""

BEFORE_A_QUESTION_S = 2.0
"""A wake word is decided on, and a voice is noticed, no later than this after they began."""


def broken_rules(settings: Settings, given: GivenTable, shipped: str) -> list[Mistake]:
    """Return a mistake for each rule that the settings break.

    It is reported at the first of its keys that a file other than ``shipped`` gives.
    """
    return [_mistake(given, shipped, broken) for broken in _broken(settings)]


def _broken(settings: Settings) -> Iterator[BrokenRule]:
    yield from _ears(settings)
    panel, speaker = settings.panel, settings.speaker
    yield from _hours("panel", "night", panel.night_from, panel.night_to)
    yield from _hours("speaker", "quiet", speaker.quiet_from, speaker.quiet_to)
    yield from _profiles(settings)
    for endpoint in settings.endpoint:
        if endpoint.ca_file and not endpoint.url.startswith("wss://"):
            paths = (f"endpoint.{endpoint.name}.ca_file", f"endpoint.{endpoint.name}.url")
            yield paths, "expected none: only a wss:// url has certificates"
    for server in settings.mcp:
        place = f"mcp.{server.name}"
        if bool(server.command) == bool(server.url):
            yield (f"{place}.command", f"{place}.url"), "expected a command or a url, one of them"
        if server.name in TAKEN:
            yield (f"{place}.name",), "expected another name: our own tools have this one"
    mqtt = settings.mqtt
    if (mqtt.key_env or mqtt.key_file) and not mqtt.user:
        yield ("mqtt.user", "mqtt.key_env", "mqtt.key_file"), "expected a user with the password"
    if mqtt.ca_file and not mqtt.tls:
        yield ("mqtt.ca_file", "mqtt.tls"), "expected none: only with tls there are certificates"
    if not settings.endpoints():
        names = (f"endpoint.{endpoint.name}.enabled" for endpoint in settings.endpoint)
        yield tuple(names), "expected at least one endpoint that is enabled"


def _hours(table: str, name: str, begin: str, end: str) -> Iterator[BrokenRule]:
    keys = (f"{table}.{name}_from", f"{table}.{name}_to")
    if bool(begin) != bool(end):
        yield keys, f"expected {name}_from and {name}_to, both or neither"
    elif begin and begin == end:
        yield keys, f"expected {name}_to to be another time than {name}_from"


def _profiles(settings: Settings) -> Iterator[BrokenRule]:
    in_use = {endpoint.name for endpoint in settings.endpoints()}
    taken: dict[str, str] = {}
    for profile in settings.profile:
        place = f"profile.{profile.name}"
        for unknown in sorted(set(profile.endpoints) - in_use):
            yield (f"{place}.endpoints",), f'there is no endpoint "{unknown}" that is enabled'
        for word in map(plain_word, profile.words):
            if (other := taken.setdefault(word, profile.name)) != profile.name:
                problem = f'expected one profile for "{word}", and {other} has it'
                yield (f"{place}.words",), problem


def _ears(settings: Settings) -> Iterator[BrokenRule]:
    vad, microphone = settings.vad, settings.microphone
    if vad.end_threshold > vad.start_threshold:
        yield (
            ("vad.end_threshold", "vad.start_threshold"),
            f"expected end_threshold ({vad.end_threshold:g}) not above "
            f"start_threshold ({vad.start_threshold:g})",
        )
    longest_s = settings.assistant.turn_limit_s + BEFORE_A_QUESTION_S
    if microphone.ring_s < longest_s:
        yield (
            ("microphone.ring_s", "assistant.turn_limit_s"),
            f"expected ring_s ({microphone.ring_s:g} s) to hold a whole question, which "
            f"turn_limit_s lets be {longest_s:g} s long with what was said before it was noticed",
        )


def _mistake(given: GivenTable, shipped: str, broken: BrokenRule) -> Mistake:
    paths, problem = broken
    origins = [(path, _origin(given, path)) for path in paths]
    path, origin = next(
        ((path, origin) for path, origin in origins if origin and origin.file != shipped),
        origins[0],
    )
    file, line = (origin.file, origin.line) if origin else (shipped, None)
    value = value_text(origin.value) if origin else ""
    return Mistake(file, line, path, value, problem)


def _origin(given: GivenTable, path: str) -> Given | None:
    *tables, name = path.split(".")
    inside = given.get(tables[0], {})
    if isinstance(inside, list):
        inside = next((entry for entry in inside if name_of(entry) == tables[1]), {})
    entry = inside.get(name)
    return entry if isinstance(entry, Given) else None

"""The session of a simulated connection, on the brain's own protocol code.

What an update may say and what it changes is decided by `device.brain.protocol.configuration`; here
stand the cloud's defaults and what a script adds: fields to refuse, fields to ignore.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from device.brain.protocol.codec import WireFormat
from device.brain.protocol.configuration import Configuration, ResponseSettings
from device.brain.protocol.requests import checked
from device.brain.protocol.shapes import RequestError
from device.realtime.dialect import client_to_ga
from device.realtime.events import Session, new_id
from device.workshop.simulation.script import Server

Json = dict[str, Any]

DEFAULT_MODEL = "gpt-realtime-2.1-mini"
_OWN: Json = {
    "type": "realtime",
    "instructions": "You are the simulated cloud.",
    "audio": {"output": {"voice": "marin"}},
}


class SessionHolder:
    """The effective session of one connection."""

    def __init__(self, server: Server, model: str, *, is_transcription: bool = False) -> None:
        self._server = server
        expires_at = round(time.time() + server.clock_skew_s + server.session_s)
        self._configuration = Configuration(
            new_id("sess"), expires_at, model or DEFAULT_MODEL, is_transcription
        )
        if not is_transcription:
            self._configuration.update(_OWN, False, has_spoken=False, is_responding=False)

    @property
    def session(self) -> Session:
        """The whole session, as session.created and session.updated show it."""
        return msgspec.convert(self._configuration.wire(), Session)

    @property
    def turn_detection(self) -> Json | None:
        """Who ends the turns."""
        found: Json | None = self._configuration.wire()["audio"]["input"]["turn_detection"]
        return found

    @property
    def input_format(self) -> WireFormat:
        """How the client writes sound."""
        return self._configuration.input_format

    @property
    def is_transcription(self) -> bool:
        """Whether this session only writes down what it hears."""
        return self._configuration.is_transcription

    @property
    def transcribes(self) -> bool:
        """Whether the user's words are to be written down."""
        return self._configuration.transcription is not None

    @property
    def is_strict(self) -> bool:
        """Whether what OpenAI refuses is refused; a beta server's clients say what they like."""
        return self._server.strict and self._server.dialect == "ga"

    def clean(self, raw: Json) -> Json:
        """Return a client's event in GA, with everything in it as documented.

        Raises :class:`RequestError`.
        """
        if raw.get("type") in ("session.update", "transcription_session.update"):
            raw = self._without_ignored(raw)
        has_type = isinstance(raw.get("type"), str)
        raw = client_to_ga(raw) if has_type and not self.is_strict else raw
        return checked(raw, self.is_strict)

    def advice(self, raw: Json) -> list[RequestError]:
        """What is said of fields that make no difference, as speaches does before it updates."""
        if raw.get("type") != "session.update":
            return []
        if any(_is_null(raw, path) for path in self._server.refuse_nulls):
            return []
        return [
            RequestError(
                None, f"Specifying `{path}` is not supported.", kind="invalid_request_error"
            )
            for path in self._server.advises_against
            if _has(raw, path)
        ]

    def update(self, changes: Json, *, has_spoken: bool, is_responding: bool) -> None:
        """Apply a clean ``session``, all of it or nothing; raise :class:`RequestError`."""
        self._configuration.update(changes, self.is_strict, has_spoken, is_responding)

    def response_settings(self, wanted: Json, *, has_spoken: bool) -> ResponseSettings:
        """Return what a response is made with; raise :class:`RequestError`."""
        voice = wanted.get("audio", {}).get("output", {}).get("voice")
        self._configuration.check_voice(voice, has_spoken, "response.audio.output.voice")
        return self._configuration.response_settings(wanted)

    def _without_ignored(self, raw: Json) -> Json:
        """Refuse and drop what the script says, before anybody looks at the rest."""
        asked = raw.get("session")
        if not isinstance(asked, dict):
            return raw
        refused = [path for path in self._server.refuse_fields if _has({"session": asked}, path)]
        ignored = [path.removeprefix("session.") for path in self._server.ignore_fields]
        if self._server.dialect == "beta" and "audio" in asked:
            if self._server.strict:
                refused.append("session.audio")
            ignored += ["audio", "output_modalities"]  # a beta server does not know them
        nulls = [path for path in self._server.refuse_nulls if _is_null({"session": asked}, path)]
        if nulls:
            message = f"Invalid client event: {len(nulls)} validation error(s)"
            raise RequestError(None, message, kind="invalid_request_error")
        if refused:
            message = f"Unknown parameter: '{refused[0]}'."
            raise RequestError("unknown_parameter", message, refused[0])
        for path in ignored:
            asked = _without(asked, path.split("."))
        return {**raw, "session": asked}


def _has(holder: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(holder, dict) or name not in holder:
            return False
        holder = holder[name]
    return True


def _is_null(holder: Any, path: str) -> bool:
    *above, last = path.split(".")
    for name in above:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return isinstance(holder, dict) and last in holder and holder[last] is None


def _without(holder: Json, path: list[str]) -> Json:
    """Return a copy that lacks what lies at the end of the path."""
    first, *rest = path
    if not rest:
        return {name: value for name, value in holder.items() if name != first}
    inner = holder.get(first)
    return {**holder, first: _without(inner, rest)} if isinstance(inner, dict) else holder

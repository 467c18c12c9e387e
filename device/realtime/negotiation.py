"""The greeting, without a socket: session.created, one session.update, session.updated.

Finds out which dialect the endpoint speaks, leaves out what it refuses (once for each
field), and knows when the greeting has failed. Objects in, objects out; the link moves
them.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec

from device.realtime.codec import encode, new_id, server_event
from device.realtime.dialect import Dialect, client_to_beta, dialect_of_session
from device.realtime.endpoint import Endpoint
from device.realtime.events import (
    ClientEvent,
    ErrorDetails,
    ErrorEvent,
    InputAudioBufferAppend,
    ServerEvent,
    Session,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    UnknownEvent,
)
from device.realtime.failures import (
    Failure,
    LinkFailed,
    ends_connection,
    failure_of_error,
)

log = logging.getLogger(__name__)

Json = dict[str, Any]

MOST_STRIPPED = 8
"""So many refused fields are left out before we give an endpoint up."""
_NEVER_STRIPPED = frozenset({"type", "instructions", "tools"})
_NAMED_IN_MESSAGE = re.compile(r"['`](session\.[\w.]+|\w+(?:\.\w+)+|\w+)['`]")
_FIELD_CODES = frozenset(
    {"unknown_parameter", "invalid_value", "invalid_type", "unsupported_parameter"}
)
_GA_ONLY = frozenset({"type", "audio", "output_modalities"})


class WrongDialectError(Exception):
    """The connection must be made anew in ``dialect``."""

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(f"the endpoint wants {dialect}")
        self.dialect = dialect


class Negotiation:
    """One greeting.

    Feed every incoming object to :meth:`receive` and send what it returns, until
    :attr:`is_done`. Then ``endpoint`` is what was learned, ``session`` the session as the
    server has it, and ``early`` what came in between and still is to be handled.
    """

    def __init__(self, endpoint: Endpoint, session: Session) -> None:
        self.endpoint = endpoint
        self.wanted = session
        self.session = Session()
        self.early: list[ServerEvent | UnknownEvent] = []
        self.is_done = False
        self.told: Failure | None = None
        """The last error that did not end the greeting: what a time-out is explained by."""
        self._update_id = ""
        self._has_created = False
        self._is_asked_again = False
        self._must_repeat = False
        self._stripped = 0

    @property
    def waits_for(self) -> str:
        """The event without which the greeting does not go on."""
        is_greeted = self._has_created or not self._update_id
        return "session.updated" if self._update_id and is_greeted else "session.created"

    @property
    def awaits_quiet(self) -> bool:
        """Whether :meth:`quiet` has something to send when the server says no more."""
        return not self._update_id or self._must_repeat

    def opening(self) -> list[str]:
        """Return the texts to send before anything has come: to who is known to wait for them."""
        return [self._update()] if self.endpoint.greets_late else []

    def quiet(self) -> list[str]:
        """Go on after a silence; return the texts to send now.

        Some gateways greet only after the first event of the client. And speaches names
        what it does not support and still answers `session.updated`: the update is
        repeated only when that did not come.
        """
        if not self.awaits_quiet:
            return []
        self._must_repeat = False
        return [self._update()]

    def receive(self, raw: Json) -> list[str]:
        """Take one object from the server; return the texts to send now.

        Raises :class:`LinkFailed`, or :class:`WrongDialectError` when only a new
        connection can help, or :class:`ProtocolError` for an event that makes no sense.
        """
        event = server_event(raw)
        match event:
            case SessionCreated() if not self._has_created:
                self._has_created = True
                self.session = event.session
                return self._greeted(raw)
            case SessionUpdated() if self._update_id:
                return self._updated(raw, event.session)
            case ErrorEvent():
                return self._refused(event.error)
        self.early.append(event)
        return []

    def _greeted(self, raw: Json) -> list[str]:
        is_unasked = not self._update_id
        if not is_unasked and not self.endpoint.greets_late:
            self.endpoint = self.endpoint.learned(greets_late=True)
        spoken = dialect_of_session(raw["session"]) if isinstance(raw.get("session"), dict) else ""
        if self.endpoint.dialect is Dialect.AUTO:
            found = Dialect.BETA if spoken is Dialect.BETA else Dialect.GA
            self.endpoint = self.endpoint.learned(dialect=found)
            return [self._update()] if is_unasked or found is Dialect.BETA else []
        return [self._update()] if is_unasked else []

    def _update(self) -> str:
        self._update_id = new_id("update")
        update = SessionUpdate(event_id=self._update_id, session=self.wanted)
        return outgoing(self.endpoint, update)

    def _updated(self, raw: Json, session: Session) -> list[str]:
        flat = isinstance(raw.get("session"), dict) and (
            dialect_of_session(raw["session"]) is Dialect.BETA
        )
        if flat and self.endpoint.dialect is not Dialect.BETA:
            # It ignored the nested fields without a word.
            self.endpoint = self.endpoint.learned(dialect=Dialect.BETA)
            return [self._update()]
        if not session.expires_at:
            session = msgspec.structs.replace(session, expires_at=self.session.expires_at)
        self.session = session
        self.is_done = True
        self._compare()
        return []

    def _compare(self) -> None:
        """Warn of what was asked for and is not so; the assistant goes on regardless."""
        wanted = _heard_and_voice(self.wanted)
        got = _heard_and_voice(self.session)
        for name, value in wanted.items():
            if value and got[name] and value != got[name]:
                log.warning(
                    "%s: asked for %s %s, got %s", self.endpoint.name, name, value, got[name]
                )

    def _refused(self, error: ErrorDetails) -> list[str]:
        failure = failure_of_error(error)
        if failure is None:
            return []
        failure = failure.masked(self.endpoint.scrub)
        if "beta_api_shape_disabled" in (error.code, error.type):
            raise WrongDialectError(Dialect.GA)
        field = _field_named_by(error)
        if ends_connection(failure):
            raise LinkFailed(failure, self.endpoint.name)
        if not self._update_id or not field:
            self.told = failure
            self._leave_out_nulls()
            return []
        if _FIELD_CODES.isdisjoint({error.code, error.type}):
            self.told = failure
            self._learn(field, failure)
            return []
        return self._without(field, failure)

    def _learn(self, field: str, failure: Failure) -> None:
        """Remember what may be no more than advice: `session.updated` can still follow it."""
        if field in self.endpoint.refused or field in _NEVER_STRIPPED:
            return
        log.warning("%s refuses %s (%s); doing without", self.endpoint.name, field, failure.detail)
        self._stripped += 1
        if self._stripped <= MOST_STRIPPED:
            self.endpoint = self.endpoint.learned(refused=field)
            self._must_repeat = True

    def _leave_out_nulls(self) -> None:
        """Once, leave out what is null: an error that names nothing is often about that."""
        if not self._update_id or self._is_asked_again:
            return
        self._is_asked_again = True
        heard = (self.wanted.audio and self.wanted.audio.input) or None
        for name in ("noise_reduction", "transcription"):
            if heard is not None and getattr(heard, name) is None:
                self.endpoint = self.endpoint.learned(refused=f"audio.input.{name}")
                self._must_repeat = True

    def _without(self, field: str, failure: Failure) -> list[str]:
        if field in _GA_ONLY and self.endpoint.dialect is Dialect.GA:
            # Not one setting of the sound, but `session.audio` itself: Azure's preview.
            self.endpoint = self.endpoint.learned(dialect=Dialect.BETA)
            return [self._update()]
        self._stripped += 1
        known = field in self.endpoint.refused or field in _NEVER_STRIPPED
        if known or self._stripped > MOST_STRIPPED:
            raise LinkFailed(failure, self.endpoint.name)
        log.warning("%s refuses %s (%s); doing without", self.endpoint.name, field, failure.detail)
        self.endpoint = self.endpoint.learned(refused=field)
        return [self._update()]


def _heard_and_voice(session: Session) -> dict[str, str]:
    """Reduce a session to what matters if it is ignored: who ends turns, and the voice."""
    heard = (session.audio and session.audio.input) or None
    spoken = (session.audio and session.audio.output) or None
    detection = heard.turn_detection if heard else None
    voice = spoken.voice if spoken else None
    return {
        "turn_detection": detection.__struct_config__.tag if detection else "",  # type: ignore[dict-item]
        "voice": voice if isinstance(voice, str) else "",
    }


def _field_named_by(error: ErrorDetails) -> str | None:
    """Return the path in the session that an error is about, in GA's words where it can be."""
    named = error.param or ""
    is_about_a_field = not _FIELD_CODES.isdisjoint({error.code, error.type})
    if not named and not is_about_a_field and "session." not in error.message:
        return None
    if not named:
        found = _NAMED_IN_MESSAGE.search(error.message)
        named = found[1] if found else ""
    path = named.removeprefix("session.")
    first, dot, rest = path.partition(".")
    return f"{_BETA_PATHS.get(first, first)}{dot}{rest}" or None


_BETA_PATHS = {
    "voice": "audio.output.voice",
    "speed": "audio.output.speed",
    "input_audio_noise_reduction": "audio.input.noise_reduction",
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "turn_detection": "audio.input.turn_detection",
    "input_audio_transcription": "audio.input.transcription",
    "max_response_output_tokens": "max_output_tokens",
    "modalities": "output_modalities",
}


def outgoing(endpoint: Endpoint, event: ClientEvent | UnknownEvent) -> str:
    """Write a client event as this endpoint wants to see it.

    Raises :class:`ProtocolError` for an event that must not be sent.
    """
    text = encode(event)
    if isinstance(event, InputAudioBufferAppend):
        return text  # the same in both dialects, and many
    if not endpoint.refused and endpoint.dialect is not Dialect.BETA:
        return text
    raw: Json = msgspec.json.decode(text)
    for holder in ("session", "response"):
        if isinstance(raw.get(holder), dict):
            for path in endpoint.refused:
                raw[holder] = _without_path(raw[holder], path.split("."))
    raw = client_to_beta(raw) if endpoint.dialect is Dialect.BETA else raw
    return msgspec.json.encode(raw).decode()


def _without_path(holder: Json, path: list[str]) -> Json:
    first, *rest = path
    if first not in holder:
        return holder
    if not rest:
        return {key: value for key, value in holder.items() if key != first}
    inner = holder[first]
    return {**holder, first: _without_path(inner, rest)} if isinstance(inner, dict) else holder


__all__ = ["Negotiation", "WrongDialectError", "outgoing"]

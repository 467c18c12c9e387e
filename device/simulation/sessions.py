"""The session of a simulated connection: defaults, partial updates, what is refused."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from device.realtime.events import (
    ProtocolError,
    Session,
    SessionUpdate,
    client_event,
    new_id,
)
from device.simulation.refusals import RefusedError
from device.simulation.script import Server

Json = dict[str, Any]

_DEFAULTS: Json = {
    "type": "realtime",
    "object": "realtime.session",
    "output_modalities": ["audio"],
    "instructions": "You are the simulated cloud.",
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "truncation": "auto",
    "tracing": None,
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {
            "format": {"type": "audio/pcm", "rate": 24_000},
            "voice": "marin",
            "speed": 1.0,
        },
    },
}
_MERGED = frozenset({"audio", "input", "output"})
"""Objects whose absent keys keep their value; everything else is replaced."""


class SessionHolder:
    """The effective session of one connection."""

    def __init__(self, server: Server, model: str) -> None:
        self._server = server
        self._raw: Json = {
            **_DEFAULTS,
            "id": new_id("sess"),
            "model": model or "gpt-realtime-2.1-mini",
            "expires_at": round(time.time() + server.clock_skew_s + server.session_s),
        }

    @property
    def session(self) -> Session:
        """The whole session, as session.created and session.updated show it."""
        return msgspec.convert(self._raw, Session)

    @property
    def turn_detection(self) -> Json | None:
        """Who ends the turns."""
        found: Json | None = self._raw["audio"]["input"]["turn_detection"]
        return found

    @property
    def transcribes(self) -> bool:
        """Whether the user's words are to be written down."""
        return bool(self._raw["audio"]["input"].get("transcription"))

    @property
    def speaks(self) -> bool:
        """Whether answers are spoken; otherwise they are written."""
        return bool(self._raw["output_modalities"] == ["audio"])

    def update(self, raw: Json, *, has_spoken: bool) -> None:
        """Apply a ``session.update``, all of it or nothing; raise :class:`RefusedError`."""
        asked = raw.get("session")
        if not isinstance(asked, dict):
            raise RefusedError("missing_required_parameter", "Missing: 'session'.", "session")
        self._check_shape(asked)
        try:
            event = client_event(raw, strict=self._is_strict)
        except ProtocolError as error:
            code = "unknown_parameter" if "Unknown" in error.what else "invalid_value"
            raise RefusedError(code, error.what, error.param) from None
        assert isinstance(event, SessionUpdate)
        changes: Json = msgspec.to_builtins(event.session)
        for path in self._server.ignore_fields:
            _remove(changes, path)
        self._check_voice(changes, has_spoken)
        changes.pop("model", None)
        self._raw = _merged(self._raw, changes)

    @property
    def _is_strict(self) -> bool:
        return self._server.strict and self._server.dialect == "ga"

    def _check_shape(self, asked: Json) -> None:
        refused = [path for path in self._server.refuse_fields if _has({"session": asked}, path)]
        if self._server.dialect == "beta" and "audio" in asked:
            if not self._server.strict:
                for name in ("audio", "output_modalities"):
                    asked.pop(name, None)  # as speaches does: without a word
            else:
                refused.append("session.audio")
        if refused:
            raise RefusedError(
                "unknown_parameter", f"Unknown parameter: '{refused[0]}'.", refused[0]
            )
        if self._is_strict and "type" not in asked:
            raise RefusedError(
                "missing_required_parameter",
                "Missing required parameter: 'session.type'.",
                "session.type",
            )

    def _check_voice(self, changes: Json, has_spoken: bool) -> None:
        voice = changes.get("audio", {}).get("output", {}).get("voice")
        if has_spoken and voice is not None and voice != self._raw["audio"]["output"]["voice"]:
            raise RefusedError(
                "cannot_update_voice",
                "Cannot update a conversation's voice if assistant audio is present.",
                "session.audio.output.voice",
            )


def _merged(current: Json, changes: Json) -> Json:
    merged = dict(current)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(current.get(key), dict)
        merged[key] = _merged(current[key], value) if both and key in _MERGED else value
    return merged


def _has(holder: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(holder, dict) or name not in holder:
            return False
        holder = holder[name]
    return True


def _remove(holder: Json, path: str) -> None:
    *outer, last = path.removeprefix("session.").split(".")
    for name in outer:
        holder = holder.get(name) or {}
    holder.pop(last, None)

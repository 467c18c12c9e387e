"""What the appliance says about itself: one line an event, for people or as JSON."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import IO

from device.assistant.effects import Report, Show

log = logging.getLogger("bittern")

Reporter = Callable[[Report], None]
"""Takes each report of the core, in order, on the event loop's thread."""

_SPOKEN = {"heard": "text", "said": "text", "tool": "arguments"}
"""Fields that hold what people said; kept out of logs unless the owner wants them."""


def json_lines(stream: IO[str] = sys.stdout) -> Reporter:
    """Write each report as one JSON object a line: its fields, led by ``event``."""

    def report(what: Report) -> None:
        fields = {name: _opened(name, value) for name, value in what.fields.items()}
        print(json.dumps({"event": what.event, "turn": what.turn, **fields}), file=stream)
        stream.flush()

    return report


def _opened(name: str, value: object) -> object:
    """A tool's arguments and result are JSON texts on the wire; objects read better."""
    if name not in ("arguments", "result") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def log_lines(with_transcripts: bool, state: Callable[[], str] = lambda: "") -> Reporter:
    """Write each report to the log; what was said only where ``with_transcripts``.

    ``state`` tells the state of the conversation. It, the turn, the endpoint and the
    latency of an answer become fields of the line where the log has fields.
    """

    def report(what: Report) -> None:
        hidden = () if with_transcripts else _SPOKEN.get(what.event, ())
        shown = {
            key: value
            for key, value in what.fields.items()
            if key not in hidden and (with_transcripts or key != "result")
        }
        text = " ".join(f"{key}={_plain(value)}" for key, value in shown.items())
        level = _LEVELS.get(what.event, logging.INFO)
        extra = _log_fields(what, state())
        log.log(level, "turn=%d %s", what.turn, f"{what.event} {text}".rstrip(), extra=extra)

    return report


_LEVELS = dict.fromkeys(
    (
        "link_failed",
        "endpoint_error",
        "microphone_failed",
        "playback_stalled",
        "budget_near",
        "budget_spent",
    ),
    logging.WARNING,
) | {"unanswered": logging.ERROR}


def _log_fields(what: Report, state: str) -> dict[str, object]:
    fields = {
        "EVENT": what.event,
        "TURN": what.turn,
        "STATE": state,
        "ENDPOINT": what.fields.get("endpoint", ""),
        "REASON": what.fields.get("reason", ""),
        "LATENCY_MS": _latency_ms(what),
    }
    # Not empty, and not None: a journal cannot tell an empty field from a mistake.
    return {f"BITTERN_{name}": value for name, value in fields.items() if value not in ("", None)}


def _latency_ms(what: Report) -> int | None:
    """From the end of the question to the first sound of its answer."""
    asked_s, answered_s = (what.fields.get(key) for key in ("speech_end_s", "first_audio_played_s"))
    if what.event != "turn" or not isinstance(asked_s, float) or not isinstance(answered_s, float):
        return None
    return round(1000 * (answered_s - asked_s))


def sentences(stream: IO[str] = sys.stdout) -> Reporter:
    """Tell a person at a terminal what is going on, in words."""

    def report(what: Report) -> None:
        line = _sentence(what)
        if line:
            print(line, file=stream, flush=True)

    return report


def lights(stream: IO[str] = sys.stdout) -> Callable[[Show], None]:
    """Tell a person at a terminal what the panel would show."""

    def show(what: Show) -> None:
        marks = [mark for mark in ("local" if what.is_local else "", what.fault) if mark]
        suffix = f"   ({', '.join(marks)})" if marks else ""
        print(f"light   {what.state}{suffix}", file=stream, flush=True)

    return show


def _sentence(what: Report) -> str:
    match what.event:
        case "wake":
            return f'wake    "{what.fields["word"]}" (score {what.fields["score"]})'
        case "heard":
            return f"heard   {what.fields['text']}"
        case "said":
            return f"said    {what.fields['text']}   [{what.fields['endpoint']}]"
        case "tool":
            return f"tool    {what.fields['name']} {what.fields['arguments']}"
        case "no_speech":
            return "        nobody spoke after the wake word"
        case "link_failed":
            return f"        {what.fields['endpoint']}: {what.fields['detail']}"
        case "unanswered":
            return f"        nobody answered: {what.fields['reason']}"
    return ""


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text) if " " in text else text

"""What the appliance says about itself: one line an event, for people or as JSON."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, assert_never

from device.assistant import news
from device.assistant.budget import BudgetLevel
from device.assistant.effects import Show
from device.assistant.news import News
from device.assistant.turn import Figures, Trigger

log = logging.getLogger("bittern")

Reporter = Callable[[News], None]
"""Takes each piece of news, in order, on the event loop's thread."""


@dataclass(frozen=True, slots=True)
class NewsRecord:
    """A piece of news as the log and ``--json`` name it."""

    event: str
    turn: int
    fields: Mapping[str, object]


def record(what: News) -> NewsRecord | None:
    """The documented names of an event and its particulars; None for what another line tells."""
    match what:
        case news.TurnBegan(trigger=Trigger.WAKE_WORD):
            return None  # WakeHeard has more to say.
        case news.TurnBegan(at_sample=at_sample):
            began = {} if at_sample is None else {"at_sample": at_sample}
            return NewsRecord(what.trigger.value, what.turn, began)
        case news.WakeHeard():
            return _record("wake", what)
        case news.NobodySpoke():
            return _record("no_speech", what)
        case news.QuestionHeard():
            return _record("heard", what)
        case news.AnswerSaid(text=text, endpoint=endpoint, is_interrupted=is_interrupted):
            said: dict[str, object] = {"text": text, "endpoint": endpoint}
            if is_interrupted:
                said["interrupted"] = True
            return NewsRecord("said", what.turn, said)
        case news.ToolRan():
            return _record("tool", what)
        case news.NoticeSaid():
            return _record("notice", what)
        case news.LinkBroke():
            return _record("link_failed", what)
        case news.EventRefused():
            return _record("endpoint_error", what)
        case news.Unanswered():
            return _record("unanswered", what)
        case news.AnswerStopped():
            return _record("answer_stopped", what)
        case news.TurnEnded(figures=figures):
            return NewsRecord("turn", what.turn, _plain_fields(figures))
        case news.PlaybackStalled():
            return _record("playback_stalled", what)
        case news.BudgetChanged(spent_usd=spent_usd, month_usd=month_usd):
            spent = {"spent_usd": spent_usd, "month_usd": month_usd}
            return NewsRecord(f"budget_{what.level}", what.turn, spent)
        case news.EchoTold():
            return _record("echo", what)
        case news.MicrophoneBroke():
            return _record("microphone_failed", what)
        case news.MicrophoneBack():
            return _record("microphone_recovered", what)
    assert_never(what)


def _record(event: str, what: News) -> NewsRecord:
    fields = _plain_fields(what)
    del fields["turn"]
    return NewsRecord(event, what.turn, fields)


def _plain_fields(what: News | Figures) -> dict[str, object]:
    """A class's fields, in order, as JSON has them."""
    values = ((each.name, getattr(what, each.name)) for each in dataclasses.fields(what))
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def json_lines(stream: IO[str] = sys.stdout) -> Reporter:
    """Write each piece of news as one JSON object a line: its fields, led by ``event``."""

    def report(what: News) -> None:
        line = record(what)
        if line is None:
            return
        print(json.dumps(as_told(line)), file=stream)
        stream.flush()

    return report


def as_told(line: NewsRecord) -> dict[str, object]:
    """One event as a JSON object has it: its fields, led by ``event`` and ``turn``."""
    fields = {name: _opened(name, value) for name, value in line.fields.items()}
    return {"event": line.event, "turn": line.turn, **fields}


def shown_record(what: News, *, with_transcripts: bool) -> NewsRecord | None:
    """:func:`record`, with what was said only where ``with_transcripts``."""
    line = record(what)
    if line is None or with_transcripts:
        return line
    hidden = _what_was_said(what)
    shown = {key: value for key, value in line.fields.items() if key not in hidden}
    return NewsRecord(line.event, line.turn, shown)


def _opened(name: str, value: object) -> object:
    """A tool's arguments and result are JSON texts on the wire; objects read better."""
    if name not in ("arguments", "result") or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def log_lines(with_transcripts: bool, state: Callable[[], str] = lambda: "") -> Reporter:
    """Write each piece of news to the log; what was said only where ``with_transcripts``.

    ``state`` tells the state of the conversation. It, the turn, the endpoint and the
    latency of an answer become fields of the line where the log has fields.
    """

    def report(what: News) -> None:
        line = shown_record(what, with_transcripts=with_transcripts)
        if line is None:
            return
        text = " ".join(f"{key}={_plain(value)}" for key, value in line.fields.items())
        extra = _log_fields(what, line, state())
        log.log(_level(what), "turn=%d %s", line.turn, f"{line.event} {text}".rstrip(), extra=extra)

    return report


def _what_was_said(what: News) -> tuple[str, ...]:
    """Fields that hold what people said; kept out of logs unless the owner wants them."""
    match what:
        case news.QuestionHeard() | news.AnswerSaid():
            return ("text",)
        case news.ToolRan():
            return ("arguments", "result")
        case news.TurnBegan() | news.WakeHeard() | news.NobodySpoke() | news.TurnEnded():
            return ()
        case news.LinkBroke() | news.EventRefused() | news.Unanswered() | news.PlaybackStalled():
            return ()
        case news.NoticeSaid() | news.BudgetChanged() | news.EchoTold() | news.AnswerStopped():
            return ()
        case news.MicrophoneBroke() | news.MicrophoneBack():
            return ()
    # Whoever adds news decides here whether it is anybody's secret.
    assert_never(what)


def _level(what: News) -> int:
    match what:
        case news.Unanswered():
            return logging.ERROR
        case news.LinkBroke() | news.EventRefused() | news.MicrophoneBroke():
            return logging.WARNING
        case news.PlaybackStalled() | news.AnswerStopped():
            return logging.WARNING
        case news.BudgetChanged(level=level) if level is not BudgetLevel.FINE:
            return logging.WARNING
    return logging.INFO


def _log_fields(what: News, line: NewsRecord, state: str) -> dict[str, object]:
    fields = {
        "EVENT": line.event,
        "TURN": line.turn,
        "STATE": state,
        "ENDPOINT": line.fields.get("endpoint", ""),
        "REASON": line.fields.get("reason", ""),
        "LATENCY_MS": _latency_ms(what),
    }
    # Not empty, and not None: a journal cannot tell an empty field from a mistake.
    return {f"BITTERN_{name}": value for name, value in fields.items() if value not in ("", None)}


def _latency_ms(what: News) -> int | None:
    """From the end of the question to the first sound of its answer."""
    if not isinstance(what, news.TurnEnded) or what.figures.latency_s is None:
        return None
    return round(1000 * what.figures.latency_s)


def sentences(stream: IO[str] = sys.stdout) -> Reporter:
    """Tell a person at a terminal what is going on, in words."""

    def report(what: News) -> None:
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


def _sentence(what: News) -> str:
    match what:
        case news.WakeHeard(word=word, score=score):
            return f'wake    "{word}" (score {score})'
        case news.QuestionHeard(text=text):
            return f"heard   {text}"
        case news.AnswerSaid(text=text, endpoint=endpoint):
            return f"said    {text}   [{endpoint}]"
        case news.ToolRan(name=name, arguments=arguments):
            return f"tool    {name} {arguments}"
        case news.NobodySpoke():
            return "        nobody spoke after the wake word"
        case news.LinkBroke(endpoint=endpoint, detail=detail):
            return f"        {endpoint}: {detail}"
        case news.Unanswered(reason=reason):
            return f"        nobody answered: {reason}"
    return ""


def _plain(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text) if " " in text else text

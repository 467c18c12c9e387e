"""The first endpoint fails in every way we know; the question is answered all the same.

Each trouble is one run of ``bittern talk``'s own function on a recording in real time,
with two simulated clouds. They run side by side, once, before the first test looks.
"""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from device.assistant.news import News
from device.daemon.talk import talk
from device.reports import record
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

AT_A_TIME = 12
TIMEOUTS = {
    "connect_timeout_s": 0.8,
    "handshake_timeout_s": 0.8,
    "answer_timeout_s": 1.2,
    "ping_interval_s": 0.5,
    "ping_timeout_s": 0.3,
}
CONNECT_S, HANDSHAKE_S, ANSWER_S, PING_S, PONG_S = TIMEOUTS.values()
CLOSE_S = 1.0
"""A dead connection is given so long to say goodbye."""
ENDPOINTING_S = 3.5
"""So much longer than we an endpoint may take to hear the end (see house/endpoints.py)."""
SILENCE_S = 0.5
"""Silence that ends a question at the simulated cloud; ours is 0.6 s."""
HALF_MS = 450
"""About half of the question."""
SLACK_S = 2.5
"""For a machine that is busy with other things."""


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at the first endpoint, and what is to be made of it."""

    reasons: tuple[str, ...] = ()
    """What the failure may be called; none where it is no failure, and the first answers."""
    within_s: float = 0.0
    """When it must have been noticed: after the end of the wake word, or of the question."""
    since: str = "wake"
    fault: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    """Instead of a simulated cloud."""
    is_encrypted: bool = False
    attempts: int = 1
    """How often it is asked before the second is."""


def fails(reasons: str, kind: str, at: str, within_s: float = 0.0, **more: Any) -> Trouble:
    """It goes wrong before or in the question."""
    return Trouble(tuple(reasons.split()), within_s, "wake", {"kind": kind, "at": at, **more})


def dies(reasons: str, kind: str, within_s: float = 0.0, **more: Any) -> Trouble:
    """It goes wrong in the middle of the question."""
    within_s += HALF_MS / 1000
    return fails(reasons, kind, "question", within_s, after_ms=HALF_MS, **more)


def disappoints(reasons: str, kind: str, within_s: float = 0.0, **more: Any) -> Trouble:
    """It goes wrong when an answer is due."""
    fault = {"kind": kind, "at": "answer", **more}
    return Trouble(tuple(reasons.split()), SILENCE_S + within_s, "question", fault)


def refuses(reason: str, status: int, **more: Any) -> Trouble:
    """It answers the upgrade with an HTTP status."""
    return fails(reason, "status", "upgrade", status=status, **more)


TROUBLES: dict[str, Trouble] = {
    # It cannot be reached.
    "refuses the connection": Trouble(("unreachable",), url="ws://127.0.0.1:PORT"),
    "does not accept": fails("timeout", "stall", "listen", CONNECT_S),
    "has no such name": Trouble(("dns",), CONNECT_S, url="ws://name.invalid/v1/realtime"),
    "shows a certificate nobody signed": Trouble(("tls",), CONNECT_S, is_encrypted=True),
    "speaks no TLS": Trouble(("tls",), CONNECT_S, url="wss"),
    # It can be reached, and does not serve us.
    "accepts and is silent": fails("timeout", "stall", "accept", HANDSHAKE_S),
    "resets when connected": fails("closed", "reset", "accept"),
    "never upgrades": fails("timeout", "stall", "upgrade", HANDSHAKE_S),
    "creates no session": fails("timeout", "stall", "created", HANDSHAKE_S),
    "confirms no session": fails("timeout", "stall", "updated", HANDSHAKE_S),
    "greets with garbage": fails("protocol timeout", "garbage", "created", HANDSHAKE_S, count=9),
    "refuses the key": refuses("refused_key", 401),
    "forbids": refuses("policy", 403),
    "does not know the model": refuses("model_unavailable", 404),
    "has no credit, says HTTP": refuses("quota", 429, error_code="insufficient_quota"),
    "is overloaded": refuses("server_error", 503),
    # It dies in the middle of the question.
    "resets": dies("closed", "reset"),
    "drops": dies("closed", "drop"),
    "closes": dies("server_error", "close", code=1011, reason="oops"),
    "expires": replace(dies("expired", "expire"), attempts=2),
    "becomes a black hole": dies("black_hole", "black_hole", PING_S + PONG_S + CLOSE_S),
    # It hears the question, and that was all.
    "does not hear the end": Trouble(
        ("timeout",), 0.6 + ENDPOINTING_S, "question", {"kind": "stall", "at": "question"}
    ),
    "never answers": disappoints("timeout", "stall", ANSWER_S),
    "resets before the answer": disappoints("closed", "reset"),
    "has no credit, says the response": disappoints(
        "quota", "fail", error_code="insufficient_quota"
    ),
    "has no credit, says an error": disappoints("quota", "error", error_code="insufficient_quota"),
    "asks too much patience": disappoints("rate_limited", "fail", error_code="rate_limit_exceeded"),
    "sends half a frame": disappoints("closed protocol", "half_frame"),
    "sends 10 MB": disappoints("protocol", "huge", bytes=10_000_000),
    "sends nothing but garbage": disappoints("protocol", "garbage", count=9),
    # It is strange, and still an endpoint.
    "sends a line of garbage": disappoints("", "garbage"),
    "sends half an event": disappoints("", "cut_event"),
    "sends a binary frame": disappoints("", "binary"),
    "sends unknown events": disappoints("", "unknown", count=20),
    "sends everything twice": disappoints("", "twice"),
    "sends it out of order": disappoints("", "reorder"),
}


@dataclass
class Outcome:
    """What became of one trouble; times are in seconds of the recording."""

    events: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    error: BaseException | None = None
    uplinks: dict[str, list[bytes]] = field(default_factory=dict)
    """What each connection of each endpoint got of the microphone."""
    word_ended_s: float = 0.0
    question_ended_s: float = 0.0
    question: Any = None

    def of(self, event: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at_s, fields) for at_s, name, fields in self.events if name == event]


class Stage:
    """Plays the troubles."""

    def __init__(self, studio, settings_in, folder: Path, certificate: ssl.SSLContext) -> None:
        self._studio = studio
        self._settings_in = settings_in
        self._folder = folder
        self._certificate = certificate

    async def play(self, name: str) -> Outcome:
        """Ask one question while one thing goes wrong."""
        trouble = TROUBLES[name]
        async with AsyncExitStack() as stack:
            first = Cloud(
                script_from({"faults": [trouble.fault] if trouble.fault else []}),
                tls=self._certificate if trouble.is_encrypted else None,
            )
            second = Cloud()
            for cloud in (first, second):
                await stack.enter_async_context(cloud)
            outcome = await self._ask(self._url(trouble, first), second.url, name)
        outcome.uplinks = {
            "first": [bytes(visit.audio) for visit in first.visits],
            "second": [bytes(visit.audio) for visit in second.visits],
        }
        return outcome

    def _url(self, trouble: Trouble, cloud: Cloud) -> str:
        if trouble.url == "wss":
            return cloud.url.replace("ws://", "wss://")
        if "PORT" in trouble.url:
            with socket.create_server(("127.0.0.1", 0)) as nobody:
                return trouble.url.replace("PORT", str(nobody.getsockname()[1]))
        return trouble.url or cloud.url

    async def _ask(self, first: str, second: str, name: str) -> Outcome:
        folder = self._folder / name.replace(" ", "-").replace(",", "")
        folder.mkdir(exist_ok=True)  # a starved machine plays it again
        settings = self._settings_in(folder)
        loaded = settings.load(
            settings.endpoint("first", first, **TIMEOUTS),
            settings.endpoint("second", second),
        )
        take = self._studio.question()
        rate_hz = 24_000
        outcome = Outcome(
            word_ended_s=take.begins[2] / rate_hz,
            question_ended_s=take.begins[4] / rate_hz,
            question=take.part(3),
        )
        told: list[tuple[float, News]] = []
        try:
            began_s = await talk(
                loaded, take.path, None, lambda what: told.append((time.monotonic(), what))
            )
            outcome.events = [
                (at_s - began_s, line.event, dict(line.fields))
                for at_s, line in ((at_s, record(what)) for at_s, what in told)
                if line is not None
            ]
        except Exception as error:
            outcome.error = error
        return outcome


@pytest.fixture(scope="module")
def log_records() -> Iterator[list[logging.LogRecord]]:
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    yield records
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def outcomes(
    request,
    chosen,
    play_side_by_side,
    studio,
    settings_in,
    tmp_path_factory,
    certificate,
    log_records,
):
    """Play the troubles of the tests that were chosen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    stage = Stage(studio, settings_in, tmp_path_factory.mktemp("failover"), context)
    plays = {name: partial(stage.play, name) for name in chosen(request, "name")}
    return play_side_by_side(plays, AT_A_TIME)


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.timeout(1200)  # the first one waits for all
def test_the_question_is_answered_in_time_and_in_full(name: str, outcomes, sounds) -> None:
    trouble, outcome = TROUBLES[name], outcomes[name]
    if isinstance(outcome, BaseException):
        raise outcome
    assert outcome.error is None, outcome.error
    failures = outcome.of("link_failed")
    answerer = "second" if trouble.reasons else "first"
    if trouble.reasons:
        at_s, failure = failures[0]
        assert failure["endpoint"] == "first"
        assert failure["reason"] in trouble.reasons, failure
        since_s = outcome.word_ended_s if trouble.since == "wake" else outcome.question_ended_s
        assert at_s < since_s + trouble.within_s + SLACK_S, failure
    assert len(failures) == (trouble.attempts if trouble.reasons else 0), failures

    (said,) = outcome.of("said")
    assert said[1]["endpoint"] == answerer
    (turn,) = outcome.of("turn")
    assert turn[1]["endpoint"] == answerer

    heard = outcome.uplinks[answerer][-1]
    assert sounds.times_in(outcome.question, heard) == 1, "a syllable is missing, or said twice"
    if not trouble.reasons:
        assert not outcome.uplinks["second"], "the second was asked though the first served"


def test_nobody_saw_a_traceback(outcomes, log_records: list[logging.LogRecord]) -> None:
    tracebacks = [record.getMessage() for record in log_records if record.exc_info]
    assert not tracebacks

"""Links over real sockets, to a cloud that behaves and to one that does not."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.realtime import events as ev
from device.realtime.dialect import Dialect
from device.realtime.endpoint import Auth, Endpoint, Secret
from device.realtime.failures import LinkFailed, Reason, failure_of_response
from device.realtime.session import session_for
from device.realtime.websocket import MOST_GARBAGE, MOST_WAITING_EVENTS, WebSocketLink
from device.workshop.simulation.cloud import Cloud

CloudOf = Callable[..., Awaitable[Cloud]]

QUICK = {
    "connect_timeout_s": 0.4,
    "handshake_timeout_s": 0.4,
    "ping_interval_s": 0.1,
    "ping_timeout_s": 0.2,
}
APPEND = ev.InputAudioBufferAppend(audio=ev.pcm_to_base64(np.zeros(960, dtype=np.int16)))


async def open_link(to: Endpoint, **wishes: Any) -> WebSocketLink:
    return await WebSocketLink.open(to, session_for(to, **{"instructions": "Be brief.", **wishes}))


async def fails(to: Endpoint, **wishes: Any) -> LinkFailed:
    with pytest.raises(LinkFailed) as failed:
        await open_link(to, **wishes)
    return failed.value


async def why_it_broke(link: WebSocketLink) -> Reason:
    async def read() -> None:
        async for _ in link.events():
            pass

    with pytest.raises(LinkFailed) as failed:
        await asyncio.wait_for(read(), 5)
    with pytest.raises(LinkFailed):
        link.send(APPEND)
    await link.close()
    return failed.value.failure.reason


def fault(kind: str, at: str, **more: Any) -> dict[str, Any]:
    return {"faults": [{"kind": kind, "at": at, **more}]}


def name_of_fault(value: Any) -> str | None:
    return "-".join(map(str, value["faults"][0].values())) if isinstance(value, dict) else None


# --- what goes well ---------------------------------------------------------------------


async def test_greeting_and_goodbye(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"key": "sk-test"}})
    link = await open_link(cloud.endpoint(model="gpt-realtime-2.1"), voice="cedar")
    assert link.endpoint.dialect is Dialect.GA
    assert link.session.audio.output.voice == "cedar"  # type: ignore[union-attr]
    assert 3590 < link.expires_in_s <= 3600
    visit = cloud.visits[0]
    assert visit.path == "/v1/realtime?model=gpt-realtime-2.1"
    assert visit.headers["authorization"] == "Bearer ***"
    assert "openai-beta" not in visit.headers
    assert visit.headers["user-agent"].startswith("bittern/")
    assert visit.types_received() == ["session.update"]
    await link.close()
    await asyncio.wait_for(visit.ended.wait(), 2)
    assert visit.close_code == 1000
    assert [event async for event in link.events()] == []
    with pytest.raises(LinkFailed):
        link.send(APPEND)
    await link.close()


async def test_a_conversation_over_a_unix_socket(cloud_of: CloudOf, tmp_path: Path) -> None:
    cloud = await cloud_of({"answers": [{"items": [{"say": "Hi."}]}]}, unix_path=tmp_path / "c")
    link = await open_link(cloud.endpoint())
    assert link.endpoint.is_local
    link.send(ev.ResponseCreate())
    said = ""
    async for event in link.events():
        if isinstance(event, ev.ResponseOutputAudioTranscriptDone):
            said = event.transcript
        if isinstance(event, ev.ResponseDone):
            break
    assert said == "Hi."
    await link.close()


async def test_tls(cloud_of: CloudOf, tls: ssl.SSLContext, certificate: tuple[Path, Path]) -> None:
    cloud = await cloud_of({}, tls=tls)
    link = await open_link(cloud.endpoint(ca_file=certificate[0]))
    assert cloud.url.startswith("wss://")
    await link.close()


async def test_azure_shows_its_key_in_its_own_header(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"key": "azure"}})
    link = await open_link(cloud.endpoint(auth=Auth.API_KEY))
    assert cloud.visits[0].headers["api-key"] == "***"
    assert "authorization" not in cloud.visits[0].headers
    await link.close()


async def test_everything_sent_arrives_in_order(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    link = await open_link(cloud.endpoint())
    for number in range(200):
        link.send_audio(np.full(480, number, dtype=np.int16))
    await link.flush()
    visit = await cloud.visit(1)
    await visit.until(lambda v: v.audio_ms == 200 * 20)
    heard = np.frombuffer(bytes(visit.audio), dtype="<i2").reshape(200, 480)
    assert np.array_equal(heard[:, 0], np.arange(200))
    await link.close()


async def test_sound_faster_than_real_time_waits_rather_than_congests(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    link = await open_link(cloud.endpoint())
    for _ in range(2 * MOST_WAITING_EVENTS):
        link.send_audio(np.zeros(480, dtype=np.int16))
        await link.drain()
    await link.flush()
    visit = await cloud.visit(1)
    await visit.until(lambda v: v.audio_ms == 2 * MOST_WAITING_EVENTS * 20)
    assert link.failure is None
    await link.close()


async def test_no_byte_of_audio_without_a_send(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    link = await open_link(cloud.endpoint())
    await link.close()
    assert cloud.visits[0].audio_ms == 0


# --- dialects ---------------------------------------------------------------------------


async def test_a_beta_server_is_found_out(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"dialect": "beta", "strict": True}})
    link = await open_link(cloud.endpoint(), voice="alloy")
    assert link.endpoint.dialect is Dialect.BETA
    (update,) = cloud.visits[0].of_type("session.update")
    assert update["session"]["modalities"] == ["text", "audio"]
    assert update["session"]["voice"] == "alloy"
    link.send(ev.ResponseCreate())
    sounds: list[ev.AudioDelta] = []
    async for event in link.events():
        assert not isinstance(event, ev.ResponseOutputAudioDelta), "still in its envelope"
        if isinstance(event, ev.AudioDelta):
            sounds.append(event)
        if isinstance(event, ev.ResponseDone):
            break
    sent = [m.raw["delta"] for m in cloud.visits[0].sent if m.type == "response.audio.delta"]
    assert sent
    assert b"".join(s.pcm for s in sounds) == b"".join(base64.b64decode(d) for d in sent)
    assert sum(s.samples for s in sounds) * 2 == sum(len(s.pcm) for s in sounds)
    await link.close()


async def test_the_beta_header_is_tried_once_and_remembered(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"dialect": "beta", "needs_beta_header": True}})
    link = await open_link(cloud.endpoint())
    assert ["openai-beta" in visit.headers for visit in cloud.visits] == [False, True]
    await link.close()
    again = await open_link(link.endpoint)
    assert len(cloud.visits) == 3
    await again.close()


async def test_a_ga_server_that_turns_beta_away_is_asked_in_ga(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    link = await open_link(cloud.endpoint(dialect=Dialect.BETA))
    assert link.endpoint.dialect is Dialect.GA
    assert len(cloud.visits) == 2
    await link.close()


async def test_a_refused_field_is_left_out_and_remembered(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"refuse_fields": ["session.reasoning"]}})
    link = await open_link(cloud.endpoint(), reasoning_effort="low")
    assert len(cloud.visits[0].of_type("session.update")) == 2
    await link.close()
    again = await open_link(link.endpoint, reasoning_effort="low")
    assert len(cloud.visits[1].of_type("session.update")) == 1
    await again.close()


# --- what goes wrong before there is a link ----------------------------------------------


async def test_no_key_is_known_without_a_connection(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    failed = await fails(cloud.endpoint(key_required=True))
    assert failed.failure.reason is Reason.NO_KEY
    assert cloud.visits == []


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (fault("stall", "listen"), Reason.TIMEOUT, "name, TCP, TLS"),
        (fault("stall", "accept"), Reason.TIMEOUT, "upgrade"),
        (fault("drop", "accept"), Reason.CLOSED, "before it answered"),
        (fault("reset", "accept"), Reason.CLOSED, ""),
        (fault("stall", "upgrade"), Reason.TIMEOUT, "upgrade"),
        (fault("drop", "upgrade"), Reason.CLOSED, ""),
        (fault("reset", "upgrade"), Reason.CLOSED, ""),
        (fault("status", "upgrade", status=401), Reason.REFUSED_KEY, "HTTP 401"),
        (fault("status", "upgrade", status=403), Reason.POLICY, "HTTP 403"),
        (fault("status", "upgrade", status=404), Reason.MODEL_UNAVAILABLE, "HTTP 404"),
        (fault("status", "upgrade", status=429), Reason.RATE_LIMITED, "HTTP 429"),
        (fault("status", "upgrade", status=429, error_code="insufficient_quota"),
         Reason.QUOTA, "HTTP 429"),
        (fault("status", "upgrade", status=500), Reason.SERVER_ERROR, "HTTP 500"),
        (fault("status", "upgrade", status=302), Reason.PROTOCOL, "HTTP 302"),
        (fault("stall", "created"), Reason.TIMEOUT, "session.created"),
        (fault("stall", "updated"), Reason.TIMEOUT, "session.updated"),
        (fault("black_hole", "updated"), Reason.TIMEOUT, "session.updated"),
        (fault("drop", "created"), Reason.CLOSED, ""),
        (fault("reset", "updated"), Reason.CLOSED, ""),
        (fault("half_frame", "updated"), Reason.CLOSED, ""),
        (fault("close", "created", code=1008, reason="Invalid API key"), Reason.REFUSED_KEY, ""),
        (fault("close", "created", code=1002), Reason.PROTOCOL, "1002"),
        (fault("error", "created", error_code="invalid_api_key"), Reason.REFUSED_KEY, ""),
        (fault("error", "updated", error_code="insufficient_quota"), Reason.QUOTA, ""),
        (fault("error", "updated", error_type="insufficient_quota"), Reason.QUOTA, ""),
        (fault("garbage", "created", count=MOST_GARBAGE + 1), Reason.PROTOCOL, "garbage"),
        (fault("huge", "created"), Reason.PROTOCOL, "4194304 bytes"),
    ],
    ids=name_of_fault,
)  # fmt: skip
async def test_no_link(
    cloud_of: CloudOf, script: dict[str, Any], reason: Reason, detail: str
) -> None:
    cloud = await cloud_of(script)
    began = time.monotonic()
    # Only where time itself is the reason it may be short, or a busy machine changes the reason.
    patience = QUICK if reason is Reason.TIMEOUT else {}
    failed = await fails(cloud.endpoint(**patience))
    assert failed.failure.reason is reason
    assert detail in failed.failure.detail
    if reason is Reason.TIMEOUT:
        assert time.monotonic() - began < 2 * (0.4 + 0.4) + 3.0  # a second try, and goodbyes
    assert failed.what.startswith("simulated: ")
    assert failed.advice


async def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failed = await fails(Endpoint("e", f"ws://127.0.0.1:{port}", key_required=False))
    assert failed.failure.reason is Reason.UNREACHABLE


async def test_no_socket(tmp_path: Path) -> None:
    failed = await fails(Endpoint("e", f"unix:{tmp_path}/none", key_required=False))
    assert failed.failure.reason is Reason.UNREACHABLE


async def test_no_such_name() -> None:
    failed = await fails(Endpoint("e", "ws://bittern.invalid", key_required=False))
    assert failed.failure.reason in (Reason.DNS, Reason.TIMEOUT)


async def test_a_server_that_does_not_speak_http() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        failed = await fails(Endpoint("e", f"ws://127.0.0.1:{port}", key_required=False))
    assert failed.failure.reason is Reason.PROTOCOL


async def test_a_certificate_that_nobody_vouches_for(
    cloud_of: CloudOf, tls: ssl.SSLContext
) -> None:
    cloud = await cloud_of({}, tls=tls)
    failed = await fails(cloud.endpoint())
    assert failed.failure.reason is Reason.TLS
    assert "self-signed" in failed.failure.detail or "self signed" in failed.failure.detail


async def test_tls_to_a_server_without_it(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    failed = await fails(cloud.endpoint(url=cloud.url.replace("ws:", "wss:")))
    assert failed.failure.reason is Reason.TLS


async def test_slow_tls_counts_as_connecting(cloud_of: CloudOf, tls: ssl.SSLContext) -> None:
    cloud = await cloud_of(fault("delay", "accept", seconds=3.0), tls=tls)
    began = time.monotonic()
    failed = await fails(cloud.endpoint(**QUICK))
    assert failed.failure.reason is Reason.TIMEOUT
    assert "TLS" in failed.failure.detail
    assert time.monotonic() - began < 1.0


async def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    failed = await fails(
        Endpoint("e", "wss://127.0.0.1:1", ca_file=tmp_path / "no.pem", key_required=False)
    )
    assert failed.failure.reason is Reason.TLS
    assert "no.pem" in failed.failure.detail


async def test_retry_after_is_handed_on(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("status", "upgrade", status=503, retry_after="7"))
    assert (await fails(cloud.endpoint())).failure.retry_after_s == 7.0


async def test_a_fatal_answer_is_not_asked_for_twice(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("status", "upgrade", status=401))
    await fails(cloud.endpoint())
    assert len(cloud.visits) == 1


async def test_a_redirect_does_not_get_the_key(cloud_of: CloudOf) -> None:
    thief = await cloud_of()

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: {thief.url}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        failed = await fails(Endpoint("e", url, key=Secret("sk-1"), auth=Auth.API_KEY))
    assert failed.failure.reason is Reason.PROTOCOL
    assert thief.visits == []


async def test_a_bit_of_garbage_before_the_greeting_is_forgiven(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("garbage", "created", count=2))
    link = await open_link(cloud.endpoint())
    await link.close()


async def test_the_key_is_in_no_log_and_no_error(
    cloud_of: CloudOf, caplog: pytest.LogCaptureFixture
) -> None:
    key = "sk-do-not-show-me"
    caplog.set_level(logging.DEBUG)
    told = fault("error", "created", error_code="invalid_api_key", message=f"bad key {key}")
    cloud = await cloud_of(told)
    failed = await fails(cloud.endpoint(key=Secret(key)))
    cloud = await cloud_of({"faults": []})
    link = await open_link(cloud.endpoint(key=Secret(key)))
    await link.close()
    assert "refuses" in caplog.text or "listening" in caplog.text  # something is logged at all
    assert key not in caplog.text
    for text in (str(failed), repr(failed), str(failed.failure), repr(failed.failure)):
        assert key not in text


# --- what goes wrong on an open link -----------------------------------------------------


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (fault("drop", "question", after_ms=100), Reason.CLOSED),
        (fault("reset", "question", after_ms=100), Reason.CLOSED),
        (fault("half_frame", "question", after_ms=100), Reason.CLOSED),
        (fault("close", "question", after_ms=100, code=1011), Reason.SERVER_ERROR),
        (fault("close", "question", after_ms=100, code=1012), Reason.SERVER_ERROR),
        (fault("close", "question", after_ms=100, code=1001), Reason.CLOSED),
        (fault("expire", "question", after_ms=100), Reason.EXPIRED),
        (fault("black_hole", "question", after_ms=100), Reason.BLACK_HOLE),
        (fault("huge", "question", after_ms=100), Reason.PROTOCOL),
        (fault("garbage", "question", after_ms=100, count=MOST_GARBAGE + 1), Reason.PROTOCOL),
        (fault("cut_event", "question", after_ms=100, count=MOST_GARBAGE + 1), Reason.PROTOCOL),
        (fault("binary", "question", after_ms=100, count=MOST_GARBAGE + 1), Reason.PROTOCOL),
        (fault("expire", "idle", after_s=0.05), Reason.EXPIRED),
    ],
    ids=name_of_fault,
)  # fmt: skip
async def test_broken_link(cloud_of: CloudOf, script: dict[str, Any], reason: Reason) -> None:
    cloud = await cloud_of(script)
    link = await open_link(cloud.endpoint(**QUICK))
    for _ in range(10):
        link.send(APPEND)
    assert await why_it_broke(link) is reason
    assert cloud.visits[0].mishaps == [
        f"{script['faults'][0]['kind']} at {script['faults'][0]['at']}"
    ]


async def test_expiry_in_seconds(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({"server": {"session_s": 0.2}})
    link = await open_link(cloud.endpoint())
    assert await why_it_broke(link) is Reason.EXPIRED


async def test_a_black_hole_shows_within_ping_interval_timeout_and_goodbye(
    cloud_of: CloudOf,
) -> None:
    cloud = await cloud_of(fault("black_hole", "idle", after_s=0.2))
    link = await open_link(cloud.endpoint(**QUICK))
    began = time.monotonic()
    assert await why_it_broke(link) is Reason.BLACK_HOLE
    assert time.monotonic() - began < 0.2 + 0.1 + 0.2 + 1.0 + 0.5


async def test_a_black_hole_shows_while_audio_is_pouring(cloud_of: CloudOf) -> None:
    """Pings wait behind a full send buffer; the writer's own limit does not."""
    cloud = await cloud_of(fault("black_hole", "question"))
    link = await open_link(cloud.endpoint(**QUICK))
    big = ev.InputAudioBufferAppend(audio=ev.pcm_to_base64(np.zeros(240_000, dtype=np.int16)))

    async def pour() -> None:
        while True:
            link.send(big)
            await asyncio.sleep(0.01)

    pouring = asyncio.create_task(pour())
    began = time.monotonic()
    assert await why_it_broke(link) in (Reason.BLACK_HOLE, Reason.CONGESTED)
    assert time.monotonic() - began < 3.0
    with pytest.raises(LinkFailed):
        await pouring


async def test_a_full_queue_is_a_failure_and_not_a_wait(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("black_hole", "question"))
    link = await open_link(cloud.endpoint())
    for _ in range(MOST_WAITING_EVENTS):  # without giving the writer a chance
        link.send(APPEND)
    with pytest.raises(LinkFailed) as failed:
        link.send(APPEND)
    assert failed.value.failure.reason is Reason.CONGESTED
    assert await why_it_broke(link) is Reason.CONGESTED


async def test_the_outputs_of_hundreds_of_tools_may_be_there_at_once(cloud_of: CloudOf) -> None:
    cloud = await cloud_of({})
    link = await open_link(cloud.endpoint())
    item = ev.MessageItem(role="user", content=[ev.InputText(text="an output")])
    for _ in range(2 * MOST_WAITING_EVENTS):  # without giving the writer a chance
        link.send(ev.ConversationItemCreate(item=item))
    await link.flush()
    assert link.failure is None
    await link.close()


@pytest.mark.parametrize(
    ("script", "what"),
    [
        (
            {"faults": [{"kind": "error", "at": "idle", "after_s": 0.05}] * 60},
            "a flood of errors",
        ),
        (fault("unknown", "question", after_ms=100, count=4000), "a flood of events"),
    ],
    ids=["errors", "events"],
)
async def test_a_flood_is_cut_off(
    cloud_of: CloudOf, script: dict[str, Any], what: str, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await cloud_of(script)
    link = await open_link(cloud.endpoint(**QUICK))
    for _ in range(10):
        link.send(APPEND)
    assert await why_it_broke(link) is Reason.PROTOCOL
    assert link.failure is not None
    assert link.failure.detail == what
    # Ours, and not those of the simulated cloud, whose log other tests may have opened.
    ours = [each for each in caplog.records if each.name.startswith("device.realtime")]
    assert len(ours) < 20


async def test_a_busy_answer_is_no_flood(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("unknown", "answer", count=1000))
    link = await open_link(cloud.endpoint())
    link.send(ev.ResponseCreate())
    unknown = 0
    async for event in link.events():
        unknown += isinstance(event, ev.UnknownEvent)
        if isinstance(event, ev.ResponseDone):
            break
    assert unknown == 1000


async def test_a_little_garbage_is_forgiven(
    cloud_of: CloudOf, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = await cloud_of(
        {
            "faults": [
                {"kind": kind, "at": "answer"}
                for kind in ("garbage", "binary", "cut_event", "unknown")
            ]
        }
    )
    link = await open_link(cloud.endpoint())
    link.send(ev.ResponseCreate())
    unknown = []
    async for event in link.events():
        if isinstance(event, ev.UnknownEvent):
            unknown.append(event.type)
        if isinstance(event, ev.ResponseDone):
            break
    assert unknown == ["response.visemes.delta"]
    assert caplog.text.count("sent what is no event") == 3
    await link.close()


async def test_an_empty_account_shows_in_the_response_only(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("fail", "answer", error_code="insufficient_quota"))
    link = await open_link(cloud.endpoint())
    link.send(ev.ResponseCreate())
    async for event in link.events():
        assert not isinstance(event, ev.ErrorEvent)
        if isinstance(event, ev.ResponseDone):
            failure = failure_of_response(event.response)
            break
    assert failure is not None
    assert failure.reason is Reason.QUOTA
    await link.close()


async def test_an_event_that_must_not_be_sent_does_not_break_the_link(cloud_of: CloudOf) -> None:
    cloud = await cloud_of()
    link = await open_link(cloud.endpoint())
    with pytest.raises(ev.ProtocolError):
        link.send(ev.ConversationItemTruncate(item_id="i", content_index=0, audio_end_ms=-1))
    link.send(ev.InputAudioBufferClear())
    async for event in link.events():
        assert isinstance(event, ev.InputAudioBufferCleared)
        break
    await link.close()


@pytest.mark.parametrize("skew_s", [-86_400.0 * 365, 0.0, 86_400.0 * 365])
async def test_a_wrong_clock_does_not_shorten_a_session(cloud_of: CloudOf, skew_s: float) -> None:
    cloud = await cloud_of({"server": {"clock_skew_s": skew_s, "session_s": 1800}})
    link = await open_link(cloud.endpoint())
    assert link.expires_in_s == pytest.approx(1800, abs=3)
    await link.close()


async def test_an_abandoned_opening_leaves_nothing_behind(cloud_of: CloudOf) -> None:
    cloud = await cloud_of(fault("stall", "updated"))
    opening = asyncio.create_task(open_link(cloud.endpoint()))
    visit = await cloud.visit(1)
    await visit.until(lambda v: v.of_type("session.update"))
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await asyncio.wait_for(visit.ended.wait(), 2)

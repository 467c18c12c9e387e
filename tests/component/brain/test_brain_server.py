"""The endpoint on real sockets: who is let in, what one client may do to the others, its end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from device.brain.base.abilities import TextPiece
from device.brain.protocol.limits import BrainLimits
from device.brain.sessions.listening_socket import (
    ListenAddress,
    ListenError,
    describe,
    is_private,
    open_socket,
    passed_sockets,
)
from device.brain.sessions.seats import LOCAL, Seat, Seats
from device.brain.sessions.server import BrainServer, ServerOptions
from device.brain.sessions.unread import peer_of
from device.brain.work.jobs import Think
from device.cli.brain import BrainUsageError, _tls, _warn_of_clear_text


class Running:
    """A server in this loop, and clients of it."""

    def __init__(self, server: BrainServer, listener: socket.socket, watch) -> None:
        self.server = server
        self.listener = listener
        self.watch = watch

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.listener.getsockname()[1]}/v1/realtime"

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def connect(self, query: str = "", **options):
        options.setdefault("compression", None)
        options.setdefault("max_size", None)
        options.setdefault("close_timeout", 0.5)
        return connect(self.url + query, **options)


@pytest.fixture
async def serve(new_bench, watch):
    """Start a server with the abilities of a bench; everything is stopped afterwards."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(abilities=None, address="127.0.0.1:0", **options) -> Running:
            listener = open_socket(ListenAddress.parse(address))
            server = BrainServer(abilities or new_bench().abilities, ServerOptions(**options))
            ready = asyncio.Event()
            task = asyncio.create_task(server.run(listener, ready.set))
            await ready.wait()

            async def stop() -> None:
                server.stop()
                await task

            stack.push_async_callback(stop)
            return Running(server, listener, watch)

        yield start


async def receive(client, kind: str | None = None, seconds: float = 5.0) -> dict:
    """Return the next event, or the next of a type."""
    async with asyncio.timeout(seconds):
        while True:
            event = json.loads(await client.recv())
            if kind is None or event["type"] == kind:
                return event


async def send(client, kind: str, **fields) -> None:
    await client.send(json.dumps({"type": kind, **fields}))


async def ask(client, text: str, **response) -> None:
    content = [{"type": "input_text", "text": text}]
    item = {"type": "message", "role": "user", "content": content}
    await send(client, "conversation.item.create", item=item)
    await send(client, "response.create", response=response)


# -------------------------------------------------------------------------- being let in


async def test_a_session_over_tcp(serve, watch):
    running = await serve()
    async with running.connect("?model=gpt-realtime-2.1") as client:
        created = await receive(client)
        assert created["type"] == "session.created"
        assert created["session"]["model"] == "gpt-realtime-2.1"
        assert created["session"]["expires_at"] == pytest.approx(time.time() + 3600, abs=5)
        await ask(client, "hello")
        while True:
            event = await receive(client)
            watch.check(event)
            if event["type"] == "rate_limits.updated":
                break


async def test_a_session_over_a_unix_socket_that_only_its_group_can_open(serve, tmp_path):
    path = tmp_path / "brain.sock"
    running = await serve(address=f"unix:{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert describe(running.listener) == f"unix:{path}"
    async with unix_connect(str(path), "ws://brain/v1/realtime", compression=None) as client:
        assert (await receive(client))["type"] == "session.created"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 401),
        ({"additional_headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"additional_headers": {"Authorization": "Basic secret"}}, 401),
        ({"additional_headers": {"Authorization": "Bearer s\u00e9cret"}}, 401),
        ({"additional_headers": {"Authorization": "Bearer secret"}}, None),
        ({"additional_headers": {"api-key": "secret"}}, None),
        ({"subprotocols": ["realtime", "openai-insecure-api-key.secret"]}, None),
        ({"subprotocols": ["realtime", "openai-insecure-api-key.guess"]}, 401),
        (
            {"origin": "https://kitchen", "additional_headers": {"Authorization": "Bearer secret"}},
            None,
        ),
    ],
)
async def test_a_token_opens_the_door(serve, options, status):
    running = await serve(token="secret")
    if status is None:
        async with running.connect(**options) as client:
            assert (await receive(client))["type"] == "session.created"
            assert client.subprotocol in (None, "realtime")
        return
    with pytest.raises(InvalidStatus) as refused:
        await running.connect(**options)
    assert refused.value.response.status_code == status
    assert "secret" not in refused.value.response.body.decode()


async def test_pages_in_browsers_are_not_let_in_without_a_token(serve):
    running = await serve()
    with pytest.raises(InvalidStatus) as refused:
        await running.connect(origin="https://evil.example")
    assert refused.value.response.status_code == 403


async def test_other_paths_are_nothing(serve):
    running = await serve()
    with pytest.raises(InvalidStatus) as refused:
        await connect(running.url.replace("/v1/realtime", "/v1/chat"))
    assert refused.value.response.status_code == 404


async def test_there_is_room_for_so_many_sessions(serve):
    running = await serve(limits=BrainLimits(sessions=2))
    async with running.connect() as first, running.connect():
        with pytest.raises(InvalidStatus) as refused:
            await running.connect()
        assert refused.value.response.status_code == 503
        await first.close()
        await asyncio.sleep(0.05)
        async with running.connect() as third:
            assert (await receive(third))["type"] == "session.created"


async def test_transcription_is_asked_for_in_the_address(serve):
    running = await serve()
    async with running.connect("?intent=transcription") as client:
        assert (await receive(client))["session"]["type"] == "transcription"


# ------------------------------------------------------------------------------- dialects


async def test_beta_clients_are_told_that_there_is_no_beta(serve):
    running = await serve()
    async with running.connect(additional_headers={"OpenAI-Beta": "realtime=v1"}) as client:
        error = await receive(client)
        assert error["error"]["code"] == "beta_api_shape_disabled"
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 4000


async def test_beta_is_spoken_with_those_who_ask_for_it(serve):
    running = await serve(speaks_beta=True)
    async with running.connect(additional_headers={"OpenAI-Beta": "realtime=v1"}) as client:
        session = (await receive(client))["session"]
        assert session["modalities"] == ["text", "audio"]
        assert session["input_audio_format"] == "pcm16"
        assert "audio" not in session
        await send(
            client,
            "session.update",
            session={"voice": "sage", "turn_detection": None, "max_response_output_tokens": 99},
        )
        session = (await receive(client, "session.updated"))["session"]
        assert session["voice"] == "sage"
        assert session["turn_detection"] is None
        assert session["max_response_output_tokens"] == 99
        await ask(client, "hello", modalities=["text"])
        seen = []
        while not seen or seen[-1]["type"] != "response.done":
            seen.append(await receive(client))
        kinds = [event["type"] for event in seen]
        assert "conversation.item.created" in kinds
        assert "response.text.delta" in kinds
        assert not {"conversation.item.added", "response.output_text.delta"} & set(kinds)
        [item] = seen[-1]["response"]["output"]
        assert item["content"][0]["type"] == "text"


async def test_clients_without_the_header_get_ga_from_the_same_brain(serve):
    running = await serve(speaks_beta=True)
    async with running.connect() as client:
        assert "audio" in (await receive(client))["session"]


# ----------------------------------------------------------------- bad events, bad clients


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "null", '"x"', "{}", '{"type":5}', '{"type":"x"}', b"\x00\xff", "\ud800" * 0],
)
async def test_nonsense_does_not_end_the_session(serve, message):
    running = await serve()
    async with running.connect() as client:
        await receive(client)
        await client.send(message)
        error = await receive(client)
        assert error["error"]["type"] == "invalid_request_error"
        await send(client, "input_audio_buffer.clear")
        assert (await receive(client))["type"] == "input_audio_buffer.cleared"


async def test_an_event_beyond_all_measure_ends_the_connection_and_nothing_else(serve):
    running = await serve(limits=BrainLimits(event_bytes=10_000))
    async with running.connect() as client, running.connect() as other:
        await receive(client)
        await client.send("x" * 20_000)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1009
        await receive(other)
        await send(other, "input_audio_buffer.clear")
        assert (await receive(other))["type"] == "input_audio_buffer.cleared"


async def test_the_largest_append_fits_into_an_event(serve):
    running = await serve()
    async with running.connect() as client:
        await receive(client)
        await send(client, "session.update", session=push_to_talk())
        await receive(client, "session.updated")
        sound = base64.b64encode(bytes(15 * 1024 * 1024)).decode()
        await send(client, "input_audio_buffer.append", audio=sound)
        await send(client, "input_audio_buffer.commit")
        assert (await receive(client))["type"] == "input_audio_buffer.committed"


def push_to_talk() -> dict:
    return {"type": "realtime", "audio": {"input": {"turn_detection": None}}}


async def test_a_client_that_does_not_read_is_dropped_and_told_why(serve, new_bench):
    bench = new_bench()
    bench.thinker.answers.append([TextPiece("x" * 200 + ". ") for _ in range(200)])
    limits = BrainLimits(unsent_bytes=200_000, slow_client_s=0.5)
    running = await serve(abilities=bench.abilities, limits=limits)
    async with running.connect(max_queue=1) as client, running.connect() as other:
        await ask(client, "talk")
        await asyncio.sleep(1.5)
        spoken = len(bench.voice.sentences)
        # The kernel's socket buffers take some megabytes; 200 sentences would be 26 of them.
        assert spoken < 80, "it went on speaking to nobody"
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(drain(client), 10)
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1008
        await ask(other, "hello")
        assert (await receive(other, "response.done"))["response"]["status"] == "completed"


async def drain(client) -> None:
    while True:
        await client.recv()


async def test_a_client_that_reads_slowly_gets_everything(serve, new_bench):
    bench = new_bench()
    bench.thinker.answers.append([TextPiece("x" * 200 + ". ") for _ in range(20)])
    running = await serve(
        abilities=bench.abilities, limits=BrainLimits(unsent_bytes=200_000, slow_client_s=10)
    )
    async with running.connect(max_queue=1) as client:
        await ask(client, "talk")
        sound = 0
        while True:
            event = await receive(client)
            await asyncio.sleep(0.002)
            if event["type"] == "response.output_audio.delta":
                sound += len(event["delta"]) * 3 // 4
            if event["type"] == "response.done":
                break
        assert sound == 20 * 202 * 480


# ----------------------------------------------------------------------- one and the others


class StubbornThinker:
    """Thinks for ever, or until it is cancelled; notes how long that took to be noticed."""

    context_tokens = 1000

    def __init__(self) -> None:
        self.running = 0
        self.ended = threading.Event()

    def answer(self, request, cancellation) -> Iterator[TextPiece]:
        if "quick" in request.items[-1].text:
            yield TextPiece("Quick.")
            return
        self.running += 1
        yield TextPiece("Well. ")
        while not cancellation.is_cancelled:
            time.sleep(0.005)
        self.running -= 1
        self.ended.set()

    def prepare(self, tools) -> None:
        pass

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.fixture
def stubborn(new_bench):
    bench = new_bench()
    bench.thinker = StubbornThinker()
    return bench


async def test_one_client_cannot_take_all_the_threads(serve, stubborn):
    running = await serve(abilities=stubborn.abilities, limits=BrainLimits(responses=2))
    async with running.connect() as greedy, running.connect() as modest:
        for _ in range(4):
            await ask(greedy, "think", conversation="none")
        await asyncio.sleep(0.1)
        assert stubborn.thinker.running == 1
        await ask(modest, "quick")
        assert (await receive(modest, "response.done"))["response"]["status"] == "completed"


async def test_cancelled_work_stops_at_once_and_gives_its_thread_back(serve, stubborn):
    running = await serve(abilities=stubborn.abilities, limits=BrainLimits(responses=1))
    async with running.connect() as client:
        await ask(client, "think")
        await receive(client, "response.output_audio_transcript.delta")
        begun = time.monotonic()
        await send(client, "response.cancel")
        await receive(client, "response.done")
        assert await asyncio.to_thread(stubborn.thinker.ended.wait, 1)
        assert time.monotonic() - begun < 0.05
        await ask(client, "quick")
        assert (await receive(client, "response.done"))["response"]["status"] == "completed"


async def test_a_client_that_goes_leaves_no_work_running(serve, stubborn):
    running = await serve(abilities=stubborn.abilities)
    async with running.connect() as client:
        await ask(client, "think")
        await receive(client, "response.output_audio_transcript.delta")
    assert await asyncio.to_thread(stubborn.thinker.ended.wait, 2)


async def test_a_flood_of_events_does_not_hold_others_up(serve):
    running = await serve()
    async with running.connect() as noisy, running.connect() as quiet:
        flood = asyncio.create_task(flooding(noisy))
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        await ask(quiet, "hello", output_modalities=["text"])
        await receive(quiet, "response.done")
        assert time.monotonic() - begun < 0.5
        flood.cancel()


async def flooding(client) -> None:
    async def read() -> None:
        async for _ in client:
            pass

    reading = asyncio.create_task(read())
    try:
        while True:
            await send(client, "response.cancel")
    finally:
        reading.cancel()


class MiscountingThinker:
    """Has a mistake in what is called on the event loop."""

    context_tokens = 1000

    def prepare(self, tools) -> None:
        pass

    def answer(self, request, cancellation) -> Iterator[TextPiece]:
        yield TextPiece("Hello.")

    def count_tokens(self, text: str) -> int:
        if "Hello" in text:
            raise RuntimeError("cannot count")
        return 1


@pytest.mark.parametrize("words", ["Hello", "Good day"])
async def test_a_mistake_of_ours_ends_one_session_and_says_so(serve, new_bench, words):
    bench = new_bench()
    bench.thinker = MiscountingThinker()
    running = await serve(abilities=bench.abilities)
    async with running.connect() as client, running.connect() as other:
        await ask(client, words)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(drain(client), 5)
        assert closed.value.rcvd.code == 1011
        await send(other, "input_audio_buffer.clear")
        await receive(other, "input_audio_buffer.cleared")


async def test_a_beta_client_may_send_a_type_that_is_none(serve):
    running = await serve(speaks_beta=True)
    headers = {"OpenAI-Beta": "realtime=v1"}
    async with running.connect(additional_headers=headers) as client:
        await client.send('{"type": {}}')
        assert (await receive(client, "error"))["error"]["code"] == "missing_required_parameter"
        await send(client, "input_audio_buffer.clear")
        await receive(client, "input_audio_buffer.cleared")


@pytest.mark.parametrize("name", ["Origin", "Authorization", "api-key", "OpenAI-Beta"])
@pytest.mark.parametrize("token", [None, "secret"])
async def test_headers_sent_twice_are_no_mistake_of_ours(serve, caplog, name, token):
    running = await serve(token=token)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    lines = [
        "GET /v1/realtime HTTP/1.1",
        "Host: brain",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"{name}: Bearer one",
        f"{name}: Bearer two",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    if token is not None:
        assert status == 401
    else:
        assert status == (403 if name == "Origin" else 101)
    assert not [record for record in caplog.records if record.exc_info]


async def test_text_that_no_context_holds_is_refused_and_holds_nobody_up(serve):
    running = await serve()
    async with running.connect() as loud, running.connect() as other:
        for client in (loud, other):
            await receive(client)
        await ask(loud, "x " * 100_000)
        error = (await receive(loud, "error"))["error"]
        assert error["code"] == "string_above_max_length"
        assert "131072" in error["message"]
        await send(
            loud, "session.update", session={"type": "realtime", "instructions": "x" * 200_000}
        )
        assert (await receive(loud, "error"))["error"]["param"] == "session.instructions"
        await send(other, "input_audio_buffer.clear")
        await receive(other, "input_audio_buffer.cleared")


class DeafDetector:
    def process(self, samples: np.ndarray) -> list[float]:
        raise RuntimeError("the model is broken")

    def reset(self) -> None:
        pass


async def test_a_session_that_cannot_hear_ends_and_does_not_only_look_alive(serve, new_bench):
    bench = new_bench()
    abilities = bench.abilities
    broken = type(abilities)(
        abilities.transcriber, abilities.thinker, abilities.voice, DeafDetector
    )
    running = await serve(abilities=broken)
    async with running.connect() as client:
        await receive(client)
        await send(client, "input_audio_buffer.append", audio=base64.b64encode(bytes(960)).decode())
        assert (await receive(client))["error"]["code"] == "server_error"
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1011


# -------------------------------------------------------------------------------- the end


async def test_sessions_expire(serve):
    running = await serve(limits=BrainLimits(session_s=0.3))
    async with running.connect() as client:
        await receive(client)
        error = await receive(client)
        assert error["error"]["code"] == "session_expired"
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1001
        assert "maximum duration" in closed.value.rcvd.reason


async def test_the_server_says_goodbye_when_it_stops(serve):
    running = await serve()
    async with running.connect() as client:
        await receive(client)
        running.server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd.code == 1001


async def test_a_brain_that_nobody_calls_leaves(new_bench):
    listener = open_socket(ListenAddress.parse("127.0.0.1:0"))
    server = BrainServer(new_bench().abilities, ServerOptions(idle_exit_s=0.3))
    task = asyncio.create_task(server.run(listener, lambda: None))
    url = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/realtime"
    await asyncio.sleep(0.1)
    async with connect(url):
        await asyncio.sleep(0.5)
        assert not task.done()
    await asyncio.wait_for(task, 2)


# ---------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", ListenAddress(host="127.0.0.1", port=80)),
        ("[::1]:8765", ListenAddress(host="::1", port=8765)),
        ("kitchen.local:0", ListenAddress(host="kitchen.local", port=0)),
    ],
)
def test_addresses(text, address):
    assert ListenAddress.parse(text) == address


@pytest.mark.parametrize("text", ["", "unix:", "8765", ":8765", "host:", "host:99999", "host:x"])
def test_what_is_no_address(text):
    with pytest.raises(ListenError, match="is no address"):
        ListenAddress.parse(text)


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("192.168.1.5:1", False),
        ("kitchen.local:1", False),
        ("unix:/run/brain", True),
    ],
)
def test_which_addresses_need_a_token(text, private):
    assert ListenAddress.parse(text).is_private is private


def test_an_address_that_is_taken(tmp_path):
    with open_socket(ListenAddress.parse("127.0.0.1:0")) as first:
        port = first.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
            open_socket(ListenAddress.parse(f"127.0.0.1:{port}"))
    path = f"unix:{tmp_path}/s"
    with open_socket(ListenAddress.parse(path)), pytest.raises(ListenError, match="in use"):
        open_socket(ListenAddress.parse(path))


def test_the_socket_of_a_killed_brain_is_replaced(tmp_path):
    address = ListenAddress.parse(f"unix:{tmp_path}/s")
    open_socket(address).close()
    with open_socket(address) as again:
        assert again.getsockname() == str(tmp_path / "s")


def test_a_file_in_the_place_of_a_socket_is_left_alone(tmp_path):
    (tmp_path / "s").write_text("precious")
    with pytest.raises(ListenError):
        open_socket(ListenAddress.parse(f"unix:{tmp_path}/s"))
    assert (tmp_path / "s").read_text() == "precious"


def test_sockets_are_taken_over_only_by_the_process_they_were_passed_to():
    environment = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1"}
    assert passed_sockets(environment, os.getpid()) == []
    assert passed_sockets({}, os.getpid()) == []
    assert passed_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "x"}, 7) == []


def test_a_passed_socket_that_others_can_reach_is_known():
    with open_socket(ListenAddress.parse("0.0.0.0:0")) as public:
        assert not is_private(public)
    with open_socket(ListenAddress.parse("127.0.0.1:0")) as private:
        assert is_private(private)


# --------------------------------------------------------------- what one peer may take


async def test_idle_clients_do_not_shut_out_the_owner(serve):
    running = await serve(limits=BrainLimits(sessions=3, seat_idle_s=0.0))
    async with contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(running.connect()) for _ in range(3)]
        for client in idle:
            await receive(client)
        await send(idle[0], "input_audio_buffer.clear")
        await receive(idle[0], "input_audio_buffer.cleared")
        async with running.connect() as owner:
            await receive(owner)
            await send(owner, "input_audio_buffer.clear")
            await receive(owner, "input_audio_buffer.cleared")
        error = await receive(idle[1], "error")
        assert error["error"]["code"] == "session_expired"
        assert "Others are waiting" in error["error"]["message"]
        await send(idle[0], "input_audio_buffer.clear")
        await receive(idle[0], "input_audio_buffer.cleared")


async def test_clients_in_use_keep_their_places(serve):
    running = await serve(limits=BrainLimits(sessions=1, seat_idle_s=60.0))
    async with running.connect() as client:
        await receive(client)
        with pytest.raises(InvalidStatus) as refused:
            async with running.connect():
                pass
        assert refused.value.response.status_code == 503
        assert b"all of them in use" in refused.value.response.body


async def test_unfinished_messages_are_bounded_for_all_clients_of_a_peer(serve):
    limits = BrainLimits(unread_bytes_per_peer=300_000, unread_bytes=1_000_000)
    running = await serve(limits=limits)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(running.connect()) for _ in range(4)]
        for number, client in enumerate(clients):
            await receive(client)
            # A text frame of 2 MB of which only a part ever comes; the mask is all zeroes.
            head = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)
            client.transport.write(head + b"x" * (90_000 + number))
        waiting = [asyncio.create_task(client.wait_closed()) for client in clients]
        done, _ = await asyncio.wait(waiting, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1, "nobody is made to leave, or more than one"
        gone = next(client for client, task in zip(clients, waiting, strict=True) if task in done)
        assert gone.close_code == 1008
        assert "unfinished" in (gone.close_reason or "")
        assert running.server._unread.total < 300_000
        async with running.connect() as other:
            await receive(other)
            await ask(other, "Hello")
            await receive(other, "response.done")
            assert running.server._unread.total < 300_000, "what was read is still counted"


async def test_an_abandoned_session_ends_and_one_in_use_does_not(new_bench):
    bench = new_bench(limits=BrainLimits(idle_s=60))
    bench.wait(50)
    bench.send("input_audio_buffer.clear")
    bench.wait(50)
    assert bench.closed is None
    bench.hold(Think)
    bench.ask("Hello")
    bench.wait(70)
    assert bench.closed is None, "an answer is being made"
    bench.release()
    bench.wait(1)
    assert bench.closed is not None
    assert "Nothing was heard" in bench.closed.reason


def test_a_peer_elsewhere_has_half_of_the_places_and_gives_up_its_own():
    seats = Seats(BrainLimits(sessions=4, seat_idle_s=10))
    left: list[int] = []
    heard_s = [0.0, 5.0, 8.0, 8.0]

    def seat(number: int, peer: str) -> Seat:
        return Seat(peer, lambda: heard_s[number], lambda: False, lambda: left.append(number))

    for number, peer in enumerate(("192.0.2.1", "192.0.2.1")):
        assert seats.refusal(peer, 8) is None
        seats.take(seat(number, peer), 8)
    assert "192.0.2.1" in (seats.refusal("192.0.2.1", 8) or "")
    assert seats.refusal("192.0.2.2", 8) is None
    assert seats.refusal(LOCAL, 8) is None
    assert seats.refusal("192.0.2.1", 11) is None
    seats.take(seat(2, "192.0.2.1"), 11)
    assert left == [0]
    assert len(seats) == 2


# ------------------------------------------------------------------------------ encryption


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("", "local"),
        (("127.0.0.1", 1), "local"),
        (("::1", 1, 0, 0), "local"),
        (("::ffff:127.0.0.1", 1, 0, 0), "local"),
        (("192.0.2.7", 1), "192.0.2.7"),
    ],
)
def test_whose_a_connection_is(address, peer):
    assert peer_of(address) == peer


async def test_with_a_certificate_clients_speak_wss(serve, certificate):
    running = await serve(tls=_tls(*certificate))
    trusting = ssl.create_default_context(cafile=certificate[0])
    async with connect(running.url.replace("ws:", "wss:"), ssl=trusting) as client:
        await receive(client)
        await ask(client, "Hello")
        await receive(client, "response.done")
    with pytest.raises((ConnectionClosed, EOFError, OSError, InvalidMessage)):
        async with running.connect():
            pass
    assert describe(running.listener, is_encrypted=True).startswith("wss://127.0.0.1:")


def test_a_certificate_and_a_key_that_do_not_fit_are_named(tmp_path):
    (tmp_path / "nonsense.pem").write_text("nonsense")
    for name in ("none.pem", "nonsense.pem"):
        with pytest.raises(BrainUsageError, match="cannot be used"):
            _tls(tmp_path / name, tmp_path / name)
    with pytest.raises(BrainUsageError, match="needs its key"):
        _tls(tmp_path / "cert.pem", None)


def test_in_a_network_without_encryption_it_warns(capsys):
    _warn_of_clear_text("ws://192.0.2.7:8765/v1/realtime")
    assert "not encrypted" in capsys.readouterr().err

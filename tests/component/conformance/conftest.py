"""Every server of this project that speaks the protocol, and a client that trusts none of them.

A test that takes `client` runs against the brain, the strict brain and the scripted cloud,
over a real WebSocket; each event that comes in is checked by `ProtocolWatch` against the
types of the pinned `openai` package, the schemas of the fact sheet and the documented order.
The brain is a real process with its real models. What the cloud is to answer, a test says
with ``@pytest.mark.answers({...}, ...)``; the brain finds its answers itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect

from device.workshop.simulation.cloud import Cloud

Json = dict[str, Any]
WAIT_S = 20.0
MODEL = "gpt-realtime-2.1"
SERVERS = ("brain", "strict_brain", "cloud")
CLOUD_SERVER: Json = {"first_delta_ms": 20, "pace": 20.0, "chunk_ms": 100}
LONG = (
    "The kitchen light is on, the window in the bathroom is open, the washing machine has "
    "eleven minutes to go, and the heating in the living room is off because nobody was there. "
    "The parcel came at noon and is with the neighbours, who are at home until six today."
)


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", "answers(*answers): what the scripted cloud answers")


@dataclass(frozen=True)
class Server:
    """One that is to keep the protocol."""

    name: str
    url: str
    cloud: Cloud | None = None

    @property
    def is_brain(self) -> bool:
        """Whether it understands what it is asked."""
        return self.cloud is None

    @property
    def is_strict(self) -> bool:
        """Whether it refuses what OpenAI refuses."""
        return self.name != "brain"


class Client:
    """Sends dictionaries and reads dictionaries, none of them unchecked."""

    def __init__(self, socket: ClientConnection, watch: Any, server: Server) -> None:
        self.socket = socket
        self.server = server
        self.events: list[Json] = []
        self._watch = watch

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def read(self) -> Json:
        async with asyncio.timeout(WAIT_S):
            event: Json = json.loads(await self.socket.recv())
        if self._watch is not None:
            self._watch.check(event)
        self.events.append(event)
        return event

    async def until(self, kind: str) -> list[Json]:
        """Read up to and with the next event of a type."""
        read = [await self.read()]
        while read[-1]["type"] != kind:
            read.append(await self.read())
        return read

    async def last(self, kind: str) -> Json:
        """Read up to the next event of a type; return it."""
        return (await self.until(kind))[-1]

    async def error(self) -> Json:
        """Read up to the next error; return what is in it."""
        error: Json = (await self.last("error"))["error"]
        return error

    async def refused(self, kind: str, **fields: Any) -> Json:
        """Send what must be refused; return the error, which must be about this very event."""
        await self.send(kind, event_id="offending", **fields)
        error = await self.error()
        assert error["event_id"] == "offending"
        assert error["type"] == "invalid_request_error"
        assert error["message"]
        return error

    async def update(self, **session: Any) -> Json:
        """Change the session; return the whole of it."""
        await self.send("session.update", session={"type": "realtime", **session})
        updated: Json = (await self.last("session.updated"))["session"]
        return updated

    async def listen_by_hand(self) -> None:
        """Push to talk."""
        await self.update(audio={"input": {"turn_detection": None}})

    async def say(self, sound: np.ndarray, bytes_per_event: int = 9600) -> None:
        """Append sound, as fast as the server takes it."""
        data = sound.astype("<i2").tobytes()
        for start in range(0, len(data), bytes_per_event):
            piece = base64.b64encode(data[start : start + bytes_per_event]).decode()
            await self.send("input_audio_buffer.append", audio=piece)

    async def write(self, text: str, **fields: Any) -> Json:
        """Put a user's words into the conversation; return the item as the server shows it."""
        content = [{"type": "input_text", "text": text}]
        message = {"type": "message", "role": "user", "content": content}
        await self.send("conversation.item.create", item={**message, **fields})
        item: Json = (await self.last("conversation.item.done"))["item"]
        return item

    async def answer(self, **wanted: Any) -> list[Json]:
        """Have the conversation answered; return all events of that."""
        await self.send("response.create", **({"response": wanted} if wanted else {}))
        return await self.until("rate_limits.updated")

    async def begin_a_long_answer(self) -> list[Json]:
        """Have a result told that takes half a minute to say; return the events so far."""
        call = {"type": "function_call", "call_id": "c_long", "name": "look", "arguments": "{}"}
        await self.send("conversation.item.create", item=call)
        output = {"type": "function_call_output", "call_id": "c_long", "output": LONG}
        await self.send("conversation.item.create", item=output)
        await self.send("response.create")
        return await self.until("response.created")


def kinds(events: list[Json]) -> list[str]:
    """Return the types, each once, in the order of their first appearance."""
    return list(dict.fromkeys(event["type"] for event in events))


@pytest.fixture(name="kinds")
def kinds_of() -> Callable[[list[Json]], list[str]]:
    """Return the types of events, each once, in the order of their first appearance."""
    return kinds


@pytest.fixture
def done() -> Callable[[list[Json]], Json]:
    """Return the response of the one ``response.done`` among events."""

    def of(events: list[Json]) -> Json:
        [response] = [e["response"] for e in events if e["type"] == "response.done"]
        found: Json = response
        return found

    return of


async def _cloud(request: pytest.FixtureRequest, **server: Any) -> Server:
    marker = request.node.get_closest_marker("answers")
    answers = list(marker.args) if marker else [{"items": [{"say": LONG}]}]
    script = {"server": {**CLOUD_SERVER, **server}, "answers": answers}
    cloud: Cloud = await request.getfixturevalue("cloud_of")(script)
    return Server("cloud", cloud.url, cloud)


@pytest.fixture(params=SERVERS)
async def server(request: pytest.FixtureRequest, cloud_of: Any) -> Server:
    """Each server in turn."""
    if request.param == "cloud":
        return await _cloud(request)
    address = request.getfixturevalue(request.param)
    return Server(request.param, f"{address}/realtime")


@pytest.fixture
def connected(new_watch: Callable[[], Any]) -> Callable[..., Any]:
    """Return a context manager: a client of a server, before its first event."""

    @asynccontextmanager
    async def connect_to(
        server: Server, *, query: str = f"?model={MODEL}", is_ga: bool = True, **options: Any
    ) -> AsyncIterator[Client]:
        standard = {"proxy": None, "max_size": None, "close_timeout": 1}
        async with connect(server.url + query, **{**standard, **options}) as socket:
            yield Client(socket, new_watch() if is_ga else None, server)

    return connect_to


@pytest.fixture
async def client(server: Server, connected: Callable[..., Any]) -> AsyncIterator[Client]:
    """A client of each server in turn, greeted."""
    async with connected(server) as client:
        assert (await client.read())["type"] == "session.created"
        yield client


@pytest.fixture(scope="session")
def spoken(say: Callable[[str], np.ndarray]) -> Callable[[str], np.ndarray]:
    """Speak a sentence, once; 24 kHz."""
    known: dict[str, np.ndarray] = {}

    def speak(sentence: str) -> np.ndarray:
        if sentence not in known:
            known[sentence] = say(sentence)
        return known[sentence]

    return speak


@pytest.fixture(scope="session")
def question(spoken: Callable[[str], np.ndarray]) -> np.ndarray:
    """A spoken question without silence around it; 24 kHz."""
    return spoken("What is seven times eight?")


@pytest.fixture(scope="session")
def silence() -> Callable[[int], np.ndarray]:
    """Return so many milliseconds of silence, 24 kHz."""
    return lambda ms: np.zeros(ms * 24, np.int16)


@pytest.fixture(scope="session")
def beta_brain(models: None, run_brain_once: Callable[..., Iterator[str]]) -> Iterator[str]:
    """Run a brain that speaks beta with those who ask for it."""
    yield from run_brain_once("--beta")


@pytest.fixture(scope="session")
def mortal_brain(models: None, run_brain_once: Callable[..., Iterator[str]]) -> Iterator[str]:
    """Run a brain whose sessions live for a second."""
    yield from run_brain_once("--max-session-s", "1")


@pytest.fixture(params=["brain", "cloud"])
async def mortal_server(request: pytest.FixtureRequest, cloud_of: Any) -> Server:
    """Servers whose sessions live for a second."""
    if request.param == "cloud":
        return await _cloud(request, session_s=1.0)
    return Server("brain", f"{request.getfixturevalue('mortal_brain')}/realtime")


@pytest.fixture(params=["brain", "cloud"])
async def beta_server(request: pytest.FixtureRequest, cloud_of: Any) -> Server:
    """Servers that speak beta."""
    if request.param == "cloud":
        return await _cloud(request, dialect="beta")
    return Server("brain", f"{request.getfixturevalue('beta_brain')}/realtime")

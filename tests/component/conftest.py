"""Servers for tests: the simulated cloud, the brain as a process, and a watch on what they say.

`ProtocolWatch` checks events against the types of the pinned `openai` package, against
the schemas of the fact sheet where they are at hand, and against the documented order.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import openai.types.realtime as wire_types
import pytest
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

from device.brain.base.abilities import Cancellation
from device.brain.speaking.tts import HibariVoice
from device.models import MissingModel, path_of
from device.realtime.codec import UnknownEvent, decode_server
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.script import script_from

CloudOf = Callable[..., Awaitable[Cloud]]
SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "realtime" / "schema_ga"

_GA: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
_BETA: TypeAdapter[Any] = TypeAdapter(BetaServerEvent)


def validate(cloud: Cloud) -> None:
    """Raise for the first event of a cloud that OpenAI's package would not know."""
    beta = cloud.script.server.dialect == "beta"
    for visit in cloud.visits:
        for message in visit.sent:
            raw = message.raw
            if beta and "session" in raw:  # the package knows only the models of its day
                raw = {**raw, "session": {**raw["session"], "model": "gpt-4o-realtime-preview"}}
            (_BETA if beta else _GA).validate_python(raw)


@pytest.fixture
async def cloud_of() -> AsyncIterator[CloudOf]:
    """Return a function that starts a cloud from a script's data; all are stopped at the end."""
    clouds: list[Cloud] = []

    async def start(script: dict[str, Any] | None = None, **options: Any) -> Cloud:
        cloud = Cloud(script_from(script or {}), **options)
        clouds.append(cloud)
        await cloud.start()
        return cloud

    yield start
    for cloud in clouds:
        await cloud.close()
        validate(cloud)


Notifications = Callable[[], list[str]]
MARK = "MARK"


@pytest.fixture
def notifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifications]:
    """Return a function that gives what systemd was told since it was last called.

    The watchdog's period is 150 ms. A thread reads, since whoever tells waits for a
    reader when some ten messages lie there.
    """
    pytest.importorskip("systemd.daemon", reason="systemd-python is not installed here")
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "150000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    lines: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        while message := listener.recv(4096).decode():
            for line in message.split("\n"):
                lines.put(line)

    def tell(what: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(what.encode(), path)

    def read() -> list[str]:
        tell(MARK)
        return list(iter(lambda: lines.get(timeout=10), MARK))

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield read
        tell("")
        thread.join()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1: its file and its key's."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=bittern test",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return the server's side of TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


# --------------------------------------------------------------------------------- watching


def _wire_classes() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    members = get_args(get_args(wire_types.RealtimeServerEvent)[0])
    for cls in members:
        for name in get_args(cls.model_fields["type"].annotation):
            found[name] = cls
    return found


WIRE_CLASSES = _wire_classes()


class ProtocolWatch:
    """Raises at the first event that has a wrong shape or comes at the wrong time."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.open_responses: dict[str, dict[str, str]] = {}
        self.parts: dict[str, list[str]] = {}
        self.added: dict[str, bool] = {}
        self.speaking: str | None = None

    def check(self, event: dict[str, Any]) -> None:
        self._check_shape(event)
        assert event["event_id"] not in self.ids, "an event id was used twice"
        self.ids.add(event["event_id"])
        self._check_order(event)

    def _check_shape(self, event: dict[str, Any]) -> None:
        cls = WIRE_CLASSES[event["type"]]
        checked = cls.model_validate_json(json.dumps(event), strict=False)
        _refuse_unknown(checked, event["type"])
        assert not isinstance(decode_server(json.dumps(event)), UnknownEvent)
        if SCHEMAS.is_dir():
            _schema(event["type"]).validate(event)

    def _check_order(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "input_audio_buffer.speech_started":
            self.speaking = event["item_id"]
        elif kind == "input_audio_buffer.speech_stopped":
            assert self.speaking == event["item_id"], "another turn stopped than the one begun"
            self.speaking = None
        elif kind == "conversation.item.added":
            assert event["item"]["id"] not in self.added, "an item was added twice"
            self.added[event["item"]["id"]] = False
        elif kind == "conversation.item.done":
            assert self.added.get(event["item"]["id"]) is False, "done before added, or twice"
            self.added[event["item"]["id"]] = True
        elif kind == "conversation.item.deleted":
            self.added.pop(event["item_id"], None)
        elif kind.startswith("response."):
            self._check_response(kind, event)

    def _check_response(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "response.created":
            assert event["response"]["id"] not in self.open_responses
            self.open_responses[event["response"]["id"]] = {}
            return
        if kind == "response.done":
            items = self.open_responses.pop(event["response"]["id"])
            assert all(state == "done" for state in items.values()), "an item was left open"
            assert [item["id"] for item in event["response"]["output"]] == list(items)
            assert event["response"]["status"] != "in_progress"
            return
        items = self.open_responses[event["response_id"]]
        if kind == "response.output_item.added":
            assert event["output_index"] == len(items)
            assert all(state == "done" for state in items.values()), "two items were open at once"
            items[event["item"]["id"]] = "added"
        elif kind == "response.output_item.done":
            assert items[event["item"]["id"]] != "done"
            assert event["item"]["status"] != "in_progress"
            items[event["item"]["id"]] = "done"
        else:
            assert list(items)[event["output_index"]] == event["item_id"]
            assert items[event["item_id"]] != "done", f"{kind} after the item was done"
            self._check_part(kind, event)

    def _check_part(self, kind: str, event: dict[str, Any]) -> None:
        seen = self.parts.setdefault(event["item_id"], [])
        step = kind.removeprefix("response.")
        if step.endswith(".delta"):
            assert seen[-1:] not in (["content_part.done"],)
            opened = "content_part.added" in seen or "function_call" in step
            assert opened, f"{kind} before its part"
            assert step.replace(".delta", ".done") not in seen, f"{kind} after its end"
        else:
            assert step not in seen, f"{kind} came twice"
        if step == "content_part.done":
            spoken = {"output_audio.done", "output_audio_transcript.done"} <= set(seen)
            assert spoken or "output_text.done" in seen
        seen.append(step)


def _refuse_unknown(model: BaseModel, at: str) -> None:
    """Refuse fields that the package's own types do not have; item and session have exceptions."""
    known_extras = {"object", "id", "expires_at", "phase"}
    extra = set(model.model_extra or ()) - known_extras
    assert not extra, f"{at} has unknown fields {extra}"
    for name in type(model).model_fields:
        value = getattr(model, name)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, BaseModel):
                _refuse_unknown(entry, f"{at}.{name}")


_validators: dict[str, Any] = {}


def _schema(kind: str) -> Any:
    if kind not in _validators:
        schema = json.loads((SCHEMAS / f"{kind}.json").read_text())
        _validators[kind] = jsonschema.validators.validator_for(schema)(schema)
    return _validators[kind]


@pytest.fixture
def new_watch() -> type[ProtocolWatch]:
    """Make a watch, for one connection."""
    return ProtocolWatch


@pytest.fixture
def watch() -> ProtocolWatch:
    """A watch for events that come over a socket."""
    return ProtocolWatch()


# ------------------------------------------------------------------ the brain as a process

NEEDED = ("silero/silero_vad.onnx", "whisper-tiny.en")


@pytest.fixture(scope="session")
def models() -> None:
    """Skip where the models are not in the store."""
    try:
        for name in NEEDED:
            path_of(name)
    except MissingModel as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def say(models: None) -> Callable[[str], np.ndarray]:
    """Speak a sentence with the brain's own voice; 24 kHz."""
    voice = HibariVoice()

    def speak(sentence: str) -> np.ndarray:
        return np.concatenate(list(voice.speak(sentence, "", 1.0, Cancellation())))

    return speak


class BrainProcess:
    """A running `bittern brain`."""

    def __init__(self, *options: str, prefix: tuple[str, ...] = (), **environment: str) -> None:
        command = [*prefix, sys.executable, "-m", "device", "brain", *options]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def ready(self) -> str:
        """Wait for the ready line; return the address in it."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready: "):
            self.process.kill()
            raise AssertionError(f"{line!r} {self.process.communicate()[1]}")
        return line.removeprefix("ready: ").strip()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=15)
        assert "Traceback" not in errors, errors
        return self.process.returncode


@pytest.fixture(scope="session")
def brain(models: None) -> Iterator[str]:
    """Run a brain for all tests; give its address without the path."""
    process = BrainProcess("--listen", "127.0.0.1:0")
    address = process.ready()
    yield address.removesuffix("/realtime")
    assert process.stop() == 0


@pytest.fixture(scope="session")
def strict_brain(models: None) -> Iterator[str]:
    """Run a strict brain."""
    process = BrainProcess("--listen", "127.0.0.1:0", "--strict")
    yield process.ready().removesuffix("/realtime")
    assert process.stop() == 0


@pytest.fixture(scope="session")
def run_brain_once() -> Callable[..., Iterator[str]]:
    """Run a brain with these options for a fixture that yields from it: its address."""

    def run(*options: str) -> Iterator[str]:
        process = BrainProcess("--listen", "127.0.0.1:0", *options)
        yield process.ready().removesuffix("/realtime")
        assert process.stop() == 0

    return run


@pytest.fixture
def run_brain() -> type[BrainProcess]:
    """Run `bittern brain` with these options."""
    return BrainProcess

"""A real Mosquitto on the loopback, and Home Assistant as far as a broker knows it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client, ProtocolVersion
from waiting import until

USER, PASSWORD = "speaker", "correct horse"


def program() -> str:
    """Where the broker is; skips the test where there is none."""
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip("there is no mosquitto: scripts/test installs it where it may")
    return path


class Mosquitto:
    """One broker, which can be stopped and started again with what it has retained."""

    def __init__(self, folder: Path, *, password: bool = False, tls: tuple[Path, ...] = ()) -> None:
        self.folder, self.port = folder, _free_port()
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(not password).lower()}",
            "persistence true",
            f"persistence_location {folder}/",
            "log_type all",
            f"log_dest file {folder / 'mosquitto.log'}",
            f"user {'root' if os.geteuid() == 0 else ''}".rstrip(),
        ]
        if password:
            file = folder / "users"
            subprocess.run(
                ["mosquitto_passwd", "-b", "-c", file, USER, PASSWORD],
                check=True, capture_output=True,
            )  # fmt: skip
            lines.append(f"password_file {file}")
        if tls:
            lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
        self._file = folder / "mosquitto.conf"
        self._file.write_text("\n".join(line for line in lines if line != "user") + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it listens."""
        self._process = subprocess.Popen(
            [program(), "-c", self._file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, self.log
            time.sleep(0.02)
        raise TimeoutError(self.log)

    def stop(self) -> None:
        """End it; it writes down what was retained."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    @property
    def log(self) -> str:
        """What it says of itself."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Watcher:
    """Sees all that is on a broker, as Home Assistant does, and gives orders."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.retained: dict[str, str] = {}
        """The last word on each topic."""
        self.seen: list[tuple[str, str]] = []
        self._changed = asyncio.Event()

    async def listen(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            topic, payload = str(message.topic), message.payload.decode(errors="replace")
            self.seen.append((topic, payload))
            self.retained[topic] = payload
            self._changed.set()

    async def send(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        await self._client.publish(topic, payload, qos=1, retain=retain)

    async def until(self, topic: str, payload: str, within_s: float = 15.0) -> None:
        """Wait until this is the last word on a topic."""
        await until(
            lambda: self.retained.get(topic) == payload,
            self._changed,
            within_s,
            lambda: f"{topic} is {self.retained.get(topic)!r} of {sorted(self.retained)}",
        )

    async def until_known(self, topic: str, within_s: float = 15.0) -> Any:
        """Wait for something on a topic, and return it as JSON."""
        await until(lambda: self.retained.get(topic), self._changed, within_s, lambda: topic)
        return json.loads(self.retained[topic])

    def times(self, topic: str, payload: str | None = None) -> int:
        """How often something was said on a topic."""
        return sum(one == topic and payload in (None, what) for one, what in self.seen)


@contextlib.asynccontextmanager
async def watching(broker: Mosquitto, **login: str) -> AsyncIterator[Watcher]:
    """Look at a broker."""
    async with Client("127.0.0.1", broker.port, protocol=ProtocolVersion.V5, **login) as client:
        watcher = Watcher(client)
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(watcher.listen())
        try:
            yield watcher
        finally:
            listening.cancel()
            await asyncio.wait({listening})

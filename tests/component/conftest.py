"""A simulated cloud whose every proper event OpenAI's own types accept."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from device.simulation.cloud import Cloud
from device.simulation.script import script_from

CloudOf = Callable[..., Awaitable[Cloud]]

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

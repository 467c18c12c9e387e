"""Where the broker is, and what there is to be told: plain values, no library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from device.homeassistant.discovery import Entity


@dataclass(frozen=True, slots=True)
class BrokerPlan:
    """Where the broker is, and how it knows us."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    is_encrypted: bool = False
    ca_file: Path | None = None
    """Certificates (PEM) to trust besides the system's."""


@dataclass(frozen=True, slots=True)
class Showing:
    """What there is to be told at one moment."""

    states: Mapping[Entity, str]
    attributes: Mapping[Entity, Mapping[str, object]] = field(default_factory=dict)

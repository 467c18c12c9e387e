"""What models cost: the published prices shipped with a date, the owner's own over them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING

from device.firmware import FIRMWARE
from device.schema.checker import Checker, build
from device.schema.document import read_document
from device.schema.keys import key
from device.schema.mistakes import MistakesError

if TYPE_CHECKING:
    # Settings are checked by a bare Python, too, which has nothing of the wire.
    from device.spending.tokens import Tokens

SHIPPED = FIRMWARE / "prices.toml"
MILLION = 1e6
DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
"""What ends the name of a snapshot, ``gpt-realtime-2025-08-28``; it costs what the model does."""


def _usd(what: str) -> float:
    price: float = key(0.0, what, unit="USD for a million tokens", low=0, high=100_000)
    return price


@dataclass(frozen=True)
class Price:
    """What a model costs, where the shipped list does not know it; only 0 is free of charge."""

    name: str = key(
        help="Name of the model, as in [[endpoint]] model or transcription_model.",
        form=r"\S{1,200}",
        form_help="the name of a model",
    )
    text_in: float = _usd("Text that it reads.")
    text_cached: float = _usd("Text that it has read before.")
    text_out: float = _usd("Text that it writes.")
    audio_in: float = _usd("Sound that it hears.")
    audio_cached: float = _usd("Sound that it has heard before.")
    audio_out: float = _usd("Sound that it speaks.")
    image_in: float = _usd("Images that it sees.")
    image_cached: float = _usd("Images that it has seen before.")
    minute: float = key(
        0.0,
        "Sound that it writes down, where that is billed by time.",
        unit="USD for a minute",
        low=0,
        high=1000,
    )

    @property
    def is_free(self) -> bool:
        """Whether nothing of it costs anything."""
        return not any(getattr(self, each.name) for each in fields(self) if each.name != "name")

    def cost_usd(self, tokens: Tokens) -> float:
        """What these tokens cost, in US dollars."""
        by_million = sum(
            getattr(self, each.name) * getattr(tokens, each.name)
            for each in fields(tokens)
            if each.name != "seconds"
        )
        return float(by_million / MILLION + self.minute * tokens.seconds / 60)


@dataclass(frozen=True)
class _PriceList:
    """The shipped file."""

    read_on: str = key(
        help="The day on which somebody read these prices.",
        form=r"\d{4}-\d{2}-\d{2}",
        form_help="a day such as 2026-11-22",
    )
    price: tuple[Price, ...] = field(default=())


@dataclass(frozen=True)
class Prices:
    """Prices by model."""

    by_model: Mapping[str, Price]
    read_on: str
    """The day of the shipped ones, as ``2026-11-22``."""

    def of(self, model: str) -> Price | None:
        """The price of a model or of a dated snapshot of it; None where nobody said."""
        return self.by_model.get(model) or self.by_model.get(DATED.sub("", model))


@cache
def shipped() -> Prices:
    """Return the prices that came with this release."""
    document = read_document(SHIPPED)
    checker = Checker(document, _PriceList, complete=True)
    if checker.mistakes:
        raise MistakesError(checker.mistakes)
    found = build(_PriceList, checker.given)
    return Prices({each.name: each for each in found.price}, found.read_on)


def prices(own: Iterable[Price] = ()) -> Prices:
    """Return the shipped prices with an owner's over them, model by model."""
    known = shipped()
    return Prices({**known.by_model, **{each.name: each for each in own}}, known.read_on)

"""Reads commands about the loudness and the microphone of the appliance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from device.brain.understanding.commands.context import Past
from device.brain.understanding.commands.cover import Cover, Span
from device.brain.understanding.commands.outcome import Act, Cannot, Leave, Outcome, Unclear
from device.brain.understanding.commands.scanning import TimeScanner
from device.brain.understanding.intents.quantities import Quantities
from device.brain.understanding.intents.recognition import Slot, Understood


@dataclass(frozen=True)
class LoudnessReader:
    """The reader for loudness; without state."""

    table: Mapping[str, Any]
    quantities: Quantities
    scanner: TimeScanner
    now: Callable[[], dt.datetime]

    def read(self, cover: Cover, past: Past, *, inherited: str = "") -> Outcome | None:
        """Return what is meant; None where it is not about loudness."""
        del inherited
        if cover.find("volume", "mic") and (outcome := self._microphone(cover.copy())):
            return outcome
        noun = cover.find("volume", "nouns")
        alone = cover.find("volume", "alone")
        if (
            noun is None
            and alone is None
            and not (past.domain == "volume" and self._goes_on(cover))
        ):
            return None
        negated = cover.starts_with("negations")
        if negated and not (alone and alone[0] <= negated[0]):
            return Leave()
        if cover.starts_with("act", "query") and noun and (outcome := self._query(cover.copy())):
            return outcome
        cover.take_all("volume", "nouns")
        pieces = [p for p in self.scanner.scan(cover.tokens, self.now().date(), bare=False)]
        if pieces:
            return Unclear(cover.words((pieces[0].start, pieces[-1].end)), "set_volume")
        return self._mute(cover.copy(), noun) or self.change(cover, noun)

    def _goes_on(self, cover: Cover) -> bool:
        """``a bit more``, right after the loudness was changed."""
        trial = cover.copy()
        trial.take_all("volume", "amounts")
        trial.take_all("volume", "up")
        trial.take_all("volume", "down")
        trial.take_all("asides")
        return not trial.rest("glue")

    def _microphone(self, trial: Cover) -> Outcome | None:
        trial.take("volume", "mic")
        trial.take_all("asides")
        return None if trial.rest("glue") else Act((Understood("mute_microphone"),))

    def _query(self, trial: Cover) -> Outcome | None:
        trial.take_all("volume", "nouns")
        trial.take("act", "query")
        trial.take_all("act", "query_glue")
        trial.take_all("volume", "extra")
        return None if trial.rest() else Act((Understood("get_volume"),))

    def _mute(self, trial: Cover, noun: Span | None) -> Outcome | None:
        for intent, key in (("unmute", "unmute"), ("mute", "mute")):
            found = trial.find("volume", key)
            if found is None:
                continue
            word = trial.tokens[found[0]]
            if noun is None and word not in ("mute", "unmute", "un"):
                continue
            rest = trial.copy()
            rest.take_all("volume", key)
            rest.take_all("volume", "extra")
            rest.take_all("asides")
            if not rest.rest("glue"):
                return Act((Understood(intent),))
        return None

    def change(self, cover: Cover, noun: Span | None) -> Outcome | None:
        """Read a new loudness, or a step up or down."""
        number = self._number(cover)
        is_tenths = not {"percent", "per", "%"} & set(cover.tokens)
        level = None if number is not None else self._level(cover)
        amount = self._amount(cover)
        up = bool(cover.take_all("volume", "up"))
        down = bool(cover.take_all("volume", "down"))
        by = "by" in cover.tokens
        to = "to" in cover.tokens or "at" in cover.tokens
        cover.take_all("volume", "set")
        cover.take_all("volume", "extra")
        cover.take_all("asides")
        cover.take_all("talk", "correct")
        if (rest := cover.rest("glue")) or (up and down):
            return Unclear(rest, "set_volume") if noun or rest else None
        if level is not None:
            return Act((Understood("set_volume", {"percent": Decimal(level)}),))
        if number is not None and not 0 <= number <= 100:
            return Cannot("loudness_bounds")
        if number is not None and (to or not (up or down)) and not by:
            # "Volume five" is out of ten, as on other speakers; "five percent" is what it says.
            percent = number * 10 if is_tenths and number <= 10 else number
            return Act((Understood("set_volume", {"percent": percent}),))
        if not up and not down:
            return Unclear("", "set_volume")
        slots: dict[str, Slot] = {}
        if number is not None:
            slots["percent"] = number
        elif amount is not None and amount != 10:
            slots["percent"] = Decimal(amount)
        return Act((Understood("volume_up" if up else "volume_down", slots),))

    def _number(self, cover: Cover) -> Decimal | None:
        for at in range(len(cover.tokens)):
            read = self.quantities.number_at(cover.tokens, at)
            if read and (read[0] == int(read[0])) and not any(cover.used[at : read[1]]):
                cover.mark((at, read[1]))
                return read[0]
        return None

    def _level(self, cover: Cover) -> int | None:
        span = cover.take("volume", "levels")
        if span is None:
            return None
        levels: Mapping[str, int] = self.table["levels"]
        return levels[" ".join(cover.tokens[span[0] : span[1]])]

    def _amount(self, cover: Cover) -> int | None:
        span = cover.take("volume", "amounts")
        if span is None:
            return None
        word = " ".join(cover.tokens[span[0] : span[1]])
        if word in ("more", "a bit more", "even more"):
            cover.used[span[0] : span[1]] = [False] * (span[1] - span[0])
            cover.mark(span)
        amounts: Mapping[str, int] = self.table["amounts"]
        return amounts[word]

"""What ``bench brain`` says to the brain: the table in its own voice, people, a coffee machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from device.brain.base.abilities import Abilities, FunctionTool
    from device.brain.trial import Case

NOISE_DB = 20.0
"""How far the noise lies below the synthesized voice."""


@dataclass(frozen=True, slots=True)
class SpokenCase:
    """Something that is said to the brain."""

    sound: NDArray[np.int16]
    """16 kHz."""
    words: str | None
    """What is said, where it is known to the word."""
    case: Case | None
    source: str


def synthesized(abilities: Abilities, cases: Sequence[Case], noise: Any) -> Iterator[SpokenCase]:
    """The table in the brain's own voice, noise under it."""
    import numpy as np
    import soxr

    from device.brain.base.abilities import Cancellation

    for number, case in enumerate(cases):
        speed = (0.9, 1.0, 1.15)[number % 3]
        chunks = list(abilities.voice.speak(case.says, "", speed, Cancellation()))
        clean = soxr.resample(np.concatenate(chunks).astype(np.float32), 24_000, 16_000)
        level = np.sqrt(np.mean(clean**2)) / 10 ** (NOISE_DB / 20)
        under = noise(len(clean), number)
        mixed = clean + under / max(1e-9, float(np.sqrt(np.mean(under**2)))) * level
        yield SpokenCase(np.clip(mixed, -32768, 32767).astype(np.int16), case.says, case, "voice")


def noise_of(recordings: Path) -> Any:
    """A function that gives so many samples of noise: a kitchen where it was recorded."""
    import numpy as np
    import soundfile

    kitchen = recordings / "noise" / "kitchen.flac"
    if kitchen.is_file():
        sound, _ = soundfile.read(kitchen, dtype="float32")
        starts = np.random.default_rng(7).integers(0, len(sound) - 16_000 * 12, size=1000)
        return lambda count, number: sound[starts[number % 1000] :][:count]
    return lambda count, number: np.random.default_rng(number).normal(0, 1, count)


_KNOWN_WORDS = {
    "commands/play_the_beatles.flac": "Play the Beatles.",
    "commands/set_timer.flac": "Set a timer for 10 minutes.",
    "commands/this_is_a_test.flac": "This is a test.",
    "commands/what_time_is_it.flac": "What time is it?",
    "speech/LJ001-0002.flac": "in being comparatively modern.",
    "speech/LJ001-0004.flac": (
        "produced the block books, which were the immediate predecessors of the true printed book,"
    ),
    "speech/LJ001-0006.flac": (
        "And it is worth mention in passing that, as an example of fine typography,"
    ),
}


def people(recordings: Path) -> Iterator[SpokenCase]:
    """Recordings of people whose words are known."""
    import soundfile

    from device.brain.trial import Case

    expected = {
        "Set a timer for 10 minutes.": (("set_timer", {"minutes": 10}),),
        "What time is it?": (("get_time", {}),),
    }
    for name, words in _KNOWN_WORDS.items():
        if (recordings / name).is_file():
            sound, _ = soundfile.read(recordings / name, dtype="int16")
            case = Case(words, expected[words]) if words in expected else None
            yield SpokenCase(sound, words, case, "people")


def orders(recordings: Path, limit: int) -> tuple[list[SpokenCase], FunctionTool | None]:
    """Spoken orders to a coffee machine, and the tool that the machine would declare."""
    import random

    import soundfile

    from device.brain.trial import Case

    listed = recordings / "commands" / "coffee.json"
    if not listed.is_file():
        return [], None
    answers: dict[str, Any] = json.loads(listed.read_text(encoding="utf-8"))
    tool = _coffee_machine()
    names = sorted(answers)
    random.Random(3).shuffle(names)
    found = []
    for name in names[: limit or 60]:
        sound, _ = soundfile.read(recordings / "commands" / "coffee" / name, dtype="int16")
        wanted = _ordered(answers[name]["slots"], tool)
        found.append(SpokenCase(sound, None, Case(name, ((tool.name, wanted),)), "orders"))
    return found, tool


_MACHINE = {
    "drink": (
        "coffeeDrink",
        "iced coffee|house coffee|mocha|cappuccino|drip coffee|latte|iced mocha|coffee|americano"
        "|espresso",
    ),
    "size": (
        "size",
        "small|medium|large|eight ounce|twelve ounce|sixteen ounce|twenty ounce",
    ),
    "roast": ("roast", "light roast|medium roast|dark roast"),
    "shots": ("numberOfShots", "single shot|double shot|triple shot"),
    "milk": ("milkAmount", "milk|whole milk|skim milk|soy milk|almond milk|cream"),
    "sweetener": ("sugarAmount", "sugar|brown sugar|sweetener"),
}


def _coffee_machine() -> FunctionTool:
    from device.brain.base.abilities import FunctionTool

    properties = {
        name: {"type": "string", "enum": values.split("|")}
        for name, (_, values) in _MACHINE.items()
    }
    return FunctionTool(
        "orderBeverage",
        "Order a drink from the coffee machine.",
        {"type": "object", "properties": properties, "required": ["drink"]},
    )


def _ordered(slots: dict[str, str], tool: FunctionTool) -> dict[str, str]:
    """The slots of the recordings in the machine's terms; how much of something is left out."""
    wanted = {}
    for name, (slot, _) in _MACHINE.items():
        if slot in slots:
            values = tool.parameters["properties"][name]["enum"]
            said = slots[slot].strip()
            wanted[name] = max((value for value in values if said.endswith(value)), key=len)
    return wanted

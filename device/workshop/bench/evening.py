"""``bittern bench evening``: a household's evening in virtual time, and what must hold in it."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from device.workshop.simulation.evening import EveningOutcome, evening


def add_command(benches: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare ``bench evening``."""
    parser = benches.add_parser(
        "evening",
        help="a household's evening in virtual time: is anything done twice, is anybody ignored",
        description=(
            "Lives through evenings of questions, interruptions, a television, Wi-Fi that comes "
            "and goes and a cloud that fails, in virtual time, against the scripted cloud. "
            "Nothing may be done twice, nobody may be left in silence, nothing may leave while "
            "muted, everything ends in idle. The same seed gives the same evening. "
            "Exit status 1: a promise was broken."
        ),
    )
    parser.add_argument("--seed", type=int, default=1, help="the first evening (1)")
    parser.add_argument("--evenings", type=int, default=1, metavar="N", help="how many (1)")
    parser.add_argument("--acts", type=int, default=12, help="things people do in each (12)")
    parser.add_argument("--diary", action="store_true", help="tell all that happened")
    parser.add_argument("--json", action="store_true", help="one object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Live through them, and tell."""
    seeds = range(arguments.seed, arguments.seed + arguments.evenings)
    began_s = time.monotonic()
    lived = [evening(seed, arguments.acts) for seed in seeds]
    took_s = time.monotonic() - began_s
    broken = [one for one in lived if one.broken]
    if arguments.json:
        print(json.dumps(_figures(lived, took_s)))
        return 1 if broken else 0
    for one in lived if arguments.diary else broken:
        _tell(one, with_diary=arguments.diary)
    turns, answered = sum(one.turns for one in lived), sum(one.answered for one in lived)
    print(
        f"{len(lived)} evenings, {turns} turns, {answered} answers, {took_s:.1f} s: "
        f"{len(broken)} with a broken promise"
    )
    return 1 if broken else 0


def _tell(one: EveningOutcome, *, with_diary: bool) -> None:
    print(f"seed {one.seed}:")
    for line in one.diary if with_diary else one.broken:
        print(f"  {line}")


def _figures(lived: list[EveningOutcome], took_s: float) -> dict[str, Any]:
    return {
        "evenings": len(lived),
        "turns": sum(one.turns for one in lived),
        "answers": sum(one.answered for one in lived),
        "took_s": round(took_s, 2),
        "broken": {one.seed: list(one.broken) for one in lived if one.broken},
    }

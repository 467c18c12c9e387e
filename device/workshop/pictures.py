"""Draws the pictures of the README from what really runs: ``python -m device.workshop.pictures``.

``lights FILE`` draws what a ring of lights shows in each state, from the patterns that the panel
uses. ``terminal FILE TITLE`` draws the text on standard input as a terminal would show it. Both
write SVG. ``scripts/pictures`` makes them all.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from device.assistant.states import State
from device.panel.lights import colours
from device.panel.view import Frame, PanelView

LEDS = 12
MOMENT_S = 0.3
"""How long each state has lasted when it is drawn: no pattern is dark then."""
SCENES: tuple[tuple[str, str, PanelView], ...] = (
    ("idle", "waiting for its word", PanelView()),
    ("connecting", "it heard you", PanelView(State.CONNECTING)),
    ("listening", "your voice is sent", PanelView(State.LISTENING, level=0.8)),
    ("thinking", "the answer is on its way", PanelView(State.THINKING)),
    ("speaking", "the cloud answers", PanelView(State.SPEAKING, level=0.8)),
    ("speaking", "its own brain answers", PanelView(State.SPEAKING, level=0.8, is_local=True)),
    ("muted", "the microphone is closed", PanelView(State.MUTED, muted=True)),
    ("a fault", "something needs you", PanelView(State.FAULTED)),
)
_CELL, _RADIUS, _DOT, _COLUMNS = 164, 42, 8, 4
_CHARACTER, _LINE, _MARGIN = 8.4, 20, 16
_FONT = "font-family='ui-monospace,SFMono-Regular,Menlo,Consolas,monospace'"


def lights() -> str:
    """Draw a ring of :data:`LEDS` lights for each of :data:`SCENES`, as SVG."""
    rows = math.ceil(len(SCENES) / _COLUMNS)
    parts: list[str] = []
    for number, (name, meaning, view) in enumerate(SCENES):
        row, column = divmod(number, _COLUMNS)
        x, y = (column + 0.5) * _CELL, row * (_CELL + 24) + _CELL / 2 - 8
        parts.extend(_ring(colours(view, MOMENT_S, LEDS), x, y))
        for text, below, colour in ((name, 72, "#f0f0f0"), (meaning, 90, "#a8b0b8")):
            parts.append(
                f"<text x='{x:.0f}' y='{y + below:.0f}' fill='{colour}' font-size='12' "
                f"text-anchor='middle' font-family='system-ui,sans-serif'>{escape(text)}</text>"
            )
    return _svg(_COLUMNS * _CELL, rows * (_CELL + 24), parts, "What the lights show")


def _ring(frame: Frame, x: float, y: float) -> Iterator[str]:
    for number, (red, green, blue) in enumerate(frame):
        angle = 2 * math.pi * number / len(frame) - math.pi / 2
        # A light that is off is still a small grey lens.
        fill = "#" + "".join(f"{round(40 + 215 * part):02x}" for part in (red, green, blue))
        yield (
            f"<circle cx='{x + _RADIUS * math.cos(angle):.1f}' "
            f"cy='{y + _RADIUS * math.sin(angle):.1f}' r='{_DOT}' fill='{fill}'/>"
        )


def terminal(lines: Sequence[str], title: str) -> str:
    """Draw lines of text in a window with a title, as SVG."""
    width = round(max(map(len, [*lines, title])) * _CHARACTER) + 2 * _MARGIN
    height = (len(lines) + 1) * _LINE + 2 * _MARGIN
    parts = [
        f"<text x='{_MARGIN}' y='{_MARGIN + 8}' fill='#a8b0b8' font-size='12' {_FONT}>"
        f"{escape(title)}</text>"
    ]
    for number, line in enumerate(lines, start=1):
        parts.append(
            f"<text x='{_MARGIN}' y='{_MARGIN + 14 + number * _LINE}' fill='#e8e8e8' "
            f"font-size='14' xml:space='preserve' {_FONT}>{escape(line)}</text>"
        )
    return _svg(width, height, parts, title)


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}' role='img' aria-label='{escape(title, quote=True)}'>\n"
        f"<rect width='{width}' height='{height}' rx='8' fill='#16191d'/>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one picture."""
    parser = argparse.ArgumentParser(prog="python -m device.workshop.pictures", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("lights").add_argument("file", type=Path)
    drawn = kinds.add_parser("terminal")
    drawn.add_argument("file", type=Path)
    drawn.add_argument("title")
    chosen = parser.parse_args(arguments)
    if chosen.kind == "lights":
        chosen.file.write_text(lights())
    else:
        chosen.file.write_text(terminal(sys.stdin.read().splitlines(), chosen.title))


if __name__ == "__main__":
    main()

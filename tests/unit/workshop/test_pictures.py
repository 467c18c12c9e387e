"""The pictures of the README are drawn from what runs."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from device.workshop.pictures import LEDS, SCENES, lights, terminal

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_picture_of_the_lights_is_that_of_today() -> None:
    shown = (REPOSITORY / "docs" / "pictures" / "lights.svg").read_text()
    assert shown == lights(), "draw it again: scripts/pictures"


def test_every_scene_has_its_ring() -> None:
    drawing = ElementTree.fromstring(lights())
    circles = drawing.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == LEDS * len(SCENES)


def test_text_of_a_terminal_cannot_break_the_drawing() -> None:
    drawing = ElementTree.fromstring(terminal(["$ bittern <&'\">", "", "ok"], "a & b"))
    texts = [each.text for each in drawing.findall("{http://www.w3.org/2000/svg}text")]
    assert texts == ["a & b", "$ bittern <&'\">", None, "ok"]

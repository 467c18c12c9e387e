"""The pages for owners say what the code does."""

from __future__ import annotations

import itertools
import re
from dataclasses import fields
from pathlib import Path

import pytest

from device.assistant.policy import Policy
from device.assistant.states import State
from device.audio.chimes import CHIMES
from device.cli import FAMILIES
from device.house.changes import NEEDS_RESTART
from device.house.house import REST_WITHIN_S
from device.panel import lights
from device.panel.boards import board_names, load_board
from device.panel.describe import document
from device.panel.gestures import Timing
from device.panel.lights import glow
from device.panel.reset_guard import GRACE_S
from device.panel.view import PanelView
from device.phrases.en import NOTICES
from device.room.stopping import ENDS_WITHIN_S
from device.settings import tree

DOCS = Path(__file__).resolve().parents[3] / "docs"
DEVICE = DOCS.parent / "device"
PAGE = (DOCS / "lights-and-sounds.md").read_text()
OWNED = ("card-to-speaker.md", "boards.md", "lights-and-sounds.md", "troubleshooting.md")


def tables() -> dict[str, list[list[str]]]:
    """The rows of the table under each heading."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in PAGE.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            found[heading] = []
        elif line.startswith("|") and not set(line) <= set("|-"):
            found[heading].append([cell.strip() for cell in line.strip("|").split("|")])
    return {name: rows[1:] for name, rows in found.items()}


def test_every_state_has_a_row_and_the_code_says_the_same_of_it() -> None:
    rows = {row[0]: row for row in tables()["Lights"]}
    assert set(rows) >= {state.value.replace("_", " ") for state in State}
    said = {}
    for line in (lights.__doc__ or "").splitlines():
        cells = re.split(r" {2,}", line.strip())
        if len(cells) == 4 and cells[0] != "state" and not line.startswith("="):
            said[cells[0].replace("-", " ") if cells[0] == "follow-up" else cells[0]] = cells
    assert len(said) == len(State) + 3
    for name, (_, colour, motion, plain) in said.items():
        assert rows[name][1] == colour
        assert rows[name][2].startswith(motion)
        assert rows[name][3] == plain


FLASHES_A_SECOND = {
    "blinks four times a second": 4.0,
    "winks once a second": 1.0,
    "winks every four seconds": 0.25,
    "breathes once a second": 1.0,
    "winks twice, long pause": 2 / 3,
    "blinks three times, pause": 3 / 2,
    "blinks twice a second": 2.0,
    "dips every two seconds": 0.5,
    "on": 0.0,
    "off": 0.0,
}


@pytest.mark.parametrize("row", tables()["Lights"], ids=lambda row: row[0])
def test_a_plain_led_does_what_the_page_says(row: list[str]) -> None:
    if row[3] not in FLASHES_A_SECOND:
        assert row[0] in ("speaking", "the volume")
        return
    if row[0] == "a warning":
        view = PanelView(State.IDLE, warning=(0.0, 100.0))
    elif row[0] == "attention":
        view = PanelView(State.IDLE, attention=True)
    elif row[0] == "camera open":
        view = PanelView(State.THINKING, looks=True)
    else:
        view = PanelView(State(row[0].replace(" ", "_")))
    lit = [glow(view, step * 0.01) >= 0.5 for step in range(1, 6001)]
    flashes = sum(after and not before for before, after in itertools.pairwise(lit)) / 60
    assert flashes == pytest.approx(FLASHES_A_SECOND[row[3]], abs=0.05)
    assert lit[0] or row[3] != "on"


def test_every_chime_and_every_sentence_is_explained() -> None:
    assert [row[0] for row in tables()["Chimes"]] == list(CHIMES)
    sentences = {row[0]: row[1] for row in tables()["Sentences of its own"]}
    assert sentences == dict(NOTICES)
    assert all(row[2] for row in tables()["Sentences of its own"])


def test_the_times_of_the_buttons() -> None:
    timing = Timing()
    does = [row[0] for row in tables()["Buttons"]]
    assert f"hold for {timing.long_s:g} s" in does
    assert f"hold for {timing.very_long_s - timing.warning_s:g} s" in does
    assert f"hold for {timing.very_long_s:g} s" in does
    assert GRACE_S == 10.0
    assert "ten seconds" in PAGE


def test_the_boards_are_as_described() -> None:
    boards = {name: load_board(name) for name in board_names()}
    written = (DOCS / "boards.md").read_text()
    assert written == document(boards), "bittern board list --markdown > docs/boards.md"


@pytest.mark.parametrize("name", OWNED)
def test_commands_and_links_are_real(name: str) -> None:
    page = (DOCS / name).read_text()
    for command in re.findall(r"`(?:sudo )?bittern ([a-z-]+)", page):
        families = {family.replace("_", "-") for family in FAMILIES}
        orders = {"status", "stop", "mute", "unmute", "volume", "say", "ask", "reload"}
        assert command in families | orders | {"restart-brain"}, command
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page):
        if "://" not in target:
            assert (DOCS / target).exists(), target
    for script in re.findall(r"scripts/[a-z-]+(?:\.sh)?", page):
        assert (DOCS.parent / script).exists(), script


@pytest.mark.parametrize("name", ["architecture.md", "brain.md"])
def test_every_file_and_folder_that_a_map_names_is_there(name: str) -> None:
    named = re.findall(r"`((?:[a-z_]+/)*(?:[a-z_]+\.py|[a-z_]+/))`", (DOCS / name).read_text())
    assert len(named) > 10
    roots = [DEVICE.parent, DEVICE, DEVICE / "assistant", DEVICE / "brain", DEVICE / "workshop"]
    roots += [DEVICE / "audio", DEVICE / "brain" / "understanding"]
    assert [each for each in named if not any((root / each).exists() for root in roots)] == []


def test_architecture_names_every_folder_and_every_part_of_the_core() -> None:
    page = (DOCS / "architecture.md").read_text()
    folders = [path.parent.name for path in DEVICE.glob("*/__init__.py")]
    assert [each for each in folders if f"| `{each}/`" not in page] == []
    parts = [path.name for path in (DEVICE / "assistant").glob("[a-z]*.py")]
    assert [each for each in parts if f"`{each}`" not in page and f"/{each}`" not in page] == []


def test_architecture_says_the_times_that_the_code_has() -> None:
    page = " ".join((DOCS / "architecture.md").read_text().split())
    assert Policy().chime_delay_s == 0.25
    assert "within a quarter of a second, a chime" in page
    assert tree.Microphone().ring_s == 60.0
    assert "memory, 60 s long" in page
    assert REST_WITHIN_S == 20.0
    assert "or after 20 s all the same" in page
    assert ENDS_WITHIN_S < 2.0
    assert "It takes less than two seconds" in page
    for unit in ("bittern.service", "bittern-safe.service"):
        assert "WatchdogSec=10" in (DEVICE.parent / "systemd" / unit).read_text()
    assert "systemd's watchdog (10 s)" in page
    for key in re.findall(r"`([a-z]+_(?:timeout|interval)_s)`", page):
        assert key in {each.name for each in fields(tree.Endpoint)}, key
    for key in NEEDS_RESTART:
        assert f"`[{key.split('.')[0]}]" in page

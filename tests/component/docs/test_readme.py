"""What the README tells an owner is so."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from device.cli import FAMILIES
from device.house.orders import _ORDERS
from device.models import manifest
from device.panel.boards import board_names, load_board
from device.panel.gestures import Timing
from device.settings import load_settings
from device.wake.card import read

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()
PLAIN = " ".join(README.split())


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_command_and_every_link_is_real() -> None:
    commands = {family.replace("_", "-") for family in FAMILIES} | set(_ORDERS)
    named = re.findall(r"`(?:sudo )?bittern ([a-z-]+)", README)
    named += re.findall(r"`scripts/run ([a-z-]+)", README)
    assert len(named) > 15
    assert set(named) - commands == set()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README):
        assert "://" in target or (ROOT / target).exists(), target
    for script in re.findall(r"scripts/[a-z-]+(?:\.sh)?", README):
        assert (ROOT / script).exists(), script


def test_what_reaches_a_running_appliance_are_its_orders() -> None:
    listed = PLAIN.split("While it runs, ")[1].split(" reach it over")[0]
    orders = re.findall(r"`(?:bittern )?([a-z]+)`", listed)
    assert len(orders) == 8
    assert set(orders) <= set(_ORDERS)


def test_the_conversation_is_the_one_of_the_picture() -> None:
    picture = (ROOT / "docs" / "pictures" / "session.svg").read_text()
    seen = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", picture)).split())
    said = re.findall(r"> \*\*Bittern:\*\* (.*)", section("A conversation"))
    assert len(said) == 3
    for sentence in said:
        assert sentence in seen


def test_the_settings_that_are_shipped_ask_whom_it_says() -> None:
    first, then = load_settings(None, {}).settings.endpoints()
    assert f"`{first.model}` first and the brain after it" in PLAIN
    assert then.name == "brain"


def test_the_settings_that_are_shown_are_settings(tmp_path: Path) -> None:
    file = tmp_path / "bittern.toml"
    file.write_text(section("Settings").split("```toml\n")[1].split("```")[0])
    loaded = load_settings(file, {}).settings
    assert [each.name for each in loaded.endpoints()] == ["attic", "openai", "brain"]


def test_the_buttons_do_what_it_says() -> None:
    assert "A long press mutes" in PLAIN
    buttons = [board.button[0] for board in map(load_board, board_names()) if board.button]
    assert len(buttons) > 4
    assert {button.long for button in buttons} == {"mute"}
    assert {button.very_long for button in buttons} == {"factory_reset"}
    assert "hold the button for ten seconds" in PLAIN
    assert Timing().very_long_s == 10.0


def test_the_download_is_as_large_as_it_says() -> None:
    megabytes = sum(each.download_bytes for each in manifest.shipped().select()) / 1e6
    assert f"about {round(megabytes, -1):.0f} MB" in PLAIN


def test_its_wake_words_are_those_there_are() -> None:
    listed = PLAIN.split("Wake words: ")[1].split(", several at once")[0]
    cards = (ROOT / "device" / "wake" / "cards").glob("*.microwakeword.json")
    assert set(re.findall(r'"([a-z ]+)"', listed)) == {read(path).word for path in cards}


@pytest.mark.parametrize("name", list(manifest.shipped().sets))
def test_every_model_is_listed_with_its_licence(name: str) -> None:
    rows = [line for line in section("Licences").splitlines() if line.startswith("|")]
    titles = {
        "silero": "Silero", "microwakeword": "microWakeWord", "whisper-tiny.en": "Whisper tiny.en",
        "smollm2": "SmolLM2", "openwakeword-features": "Google speech embedding",
        "openwakeword": "openWakeWord classifiers", "whisper-base": "Whisper base",
        "needle3": "Needle", "kokoro": "Kokoro",
    }  # fmt: skip
    (row,) = [row for row in rows if row.startswith(f"| {titles[name]}")]
    licence = manifest.shipped().named(name).licence
    assert licence.split(" according")[0].split(" (")[0] in row
    assert ("optional" in row) == (not manifest.shipped().named(name).default)

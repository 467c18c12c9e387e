"""A picture leaves as what it shows, and nothing else; what is no small whole JPEG stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.camera.pictures import MOST_BYTES, PictureError, for_sending

PATTERN = (Path(__file__).parents[2] / "data/pictures/pattern.jpg").read_bytes()
SECRET = b"GPS 52.5200 N 13.4050 E"


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def resized(jpeg: bytes, width: int, height: int) -> bytes:
    """The same picture, claiming to be of another size."""
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + jpeg[at + 4 :]


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xED, 0xEF, 0xFE])
def test_place_camera_and_comments_stay_at_home(marker: int) -> None:
    told = PATTERN[:2] + segment(marker, SECRET) + PATTERN[2:]
    assert SECRET not in for_sending(told)
    assert for_sending(told) == for_sending(PATTERN)


def test_what_somebody_appends_stays_at_home() -> None:
    assert for_sending(PATTERN + SECRET) == for_sending(PATTERN)


def test_the_meaning_of_its_colours_goes_along() -> None:
    adobe = segment(0xEE, b"Adobe\x00d\x00\x00\x00\x00\x01")
    assert adobe in for_sending(PATTERN[:2] + adobe + PATTERN[2:])


@pytest.mark.parametrize(
    "jpeg",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + PATTERN,
        PATTERN[:-2],
        PATTERN[:100],
        PATTERN[:2] + b"\xff\xe1\x00\x00" + PATTERN[2:],
        resized(PATTERN, 1025, 768),
        resized(PATTERN, 0, 0),
        PATTERN[:2] + segment(0xFE, bytes(60_000)) * 17 + PATTERN[2:],
    ],
    ids=["nothing", "png", "cut", "cut early", "no length", "too large", "empty", "too heavy"],
)
def test_anything_else_stays(jpeg: bytes) -> None:
    with pytest.raises(PictureError):
        for_sending(jpeg)


def test_the_largest_one_is_sent() -> None:
    assert for_sending(resized(PATTERN, 1024, 768))
    assert len(PATTERN) < MOST_BYTES


@given(st.integers(0, len(PATTERN) - 1), st.binary(max_size=40))
def test_damage_is_an_error_of_ours_and_nothing_else(at: int, instead: bytes) -> None:
    try:
        sent = for_sending(PATTERN[:at] + instead + PATTERN[at + len(instead) :])
    except PictureError:
        return
    assert sent.startswith(b"\xff\xd8")
    assert sent.endswith(b"\xff\xd9")

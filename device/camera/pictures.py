"""What a picture must be before it may leave: a small JPEG that tells only what it shows."""

from __future__ import annotations

from device.errors import BitternError

LONGEST_SIDE_PIXELS = 1024
"""More costs more and shows the models no more (INTEGRATIONS, E)."""
MOST_BYTES = 700_000
"""A JPEG of 1024 pixels has 60 to 150 kB, seldom more; base64 makes 933 kB of this."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_APPLICATION, _COMMENT = range(0xE1, 0xF0), 0xFE
_ADOBE = 0xEE
"""How its colours are meant; without it they are shown wrongly."""
_SCAN = 0xDA
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""The segments that tell height and width (ITU-T T.81, table B.1)."""


class PictureError(BitternError):
    """There is no picture, or it is not one that may be sent."""


def for_sending(jpeg: bytes) -> bytes:
    """Return a JPEG without anything but the picture: no place, no camera, no comment.

    Raises :class:`PictureError` for what is no whole JPEG, or a larger one than may be sent.
    """
    if not jpeg.startswith(_START):
        raise PictureError("this is no JPEG picture", "See `bittern camera picture`.")
    if len(jpeg) > MOST_BYTES:
        raise PictureError(
            f"the picture has {len(jpeg) / 1e6:.1f} MB, and {MOST_BYTES / 1e6:.1f} are the most",
            f"Have it taken with {LONGEST_SIDE_PIXELS} pixels and less quality.",
        )
    kept, place = [_START], len(_START)
    while True:
        marker, segment = _segment(jpeg, place)
        if marker in _FRAMES:
            _check_size(segment)
        if marker == _SCAN:
            break
        place += len(segment)
        if marker == _ADOBE or (marker not in _APPLICATION and marker != _COMMENT):
            kept.append(segment)
    end = jpeg.rfind(_END)
    if end < place:
        raise PictureError("the picture ends in its middle", "Try again.")
    return b"".join(kept) + jpeg[place : end + len(_END)]


def _segment(jpeg: bytes, place: int) -> tuple[int, bytes]:
    """The marker at a place, and all of its segment."""
    head = jpeg[place : place + 4]
    length = int.from_bytes(head[2:4], "big")
    segment = jpeg[place : place + 2 + length]
    if len(head) < 4 or head[0] != 0xFF or length < 2 or len(segment) < 2 + length:
        raise PictureError("the picture is damaged", "Try again.")
    return head[1], segment


def _check_size(segment: bytes) -> None:
    """Height and width stand behind the marker, the length and the precision."""
    height, width = int.from_bytes(segment[5:7], "big"), int.from_bytes(segment[7:9], "big")
    if not 0 < max(height, width) <= LONGEST_SIDE_PIXELS:
        raise PictureError(
            f"the picture has {width} × {height} pixels",
            f"Have it taken with at most {LONGEST_SIDE_PIXELS} on its longer side.",
        )

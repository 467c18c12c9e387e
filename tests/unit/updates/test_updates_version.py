"""Which version is newer."""

from __future__ import annotations

import pytest

from device.updates.version import Version


def test_the_order() -> None:
    texts = ["0.9.9", "1.0.0a1", "1.0.0a2", "1.0.0b1", "1.0.0rc1", "1.0.0rc10", "1.0.0", "1.0.10"]
    assert sorted(texts, key=Version.parse) == texts


@pytest.mark.parametrize(
    "text", ["1", "1.2", "v1.2.3", "1.2.3-4", "1.2.3.4", "1.2.x", "", "1.2.3 "]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        Version.parse(text)

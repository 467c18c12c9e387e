"""G.711 against the recommendation, and PCM."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.protocol.codec import A_LAW, MU_LAW, PCM

ALL = pytest.mark.parametrize("form", [PCM, MU_LAW, A_LAW], ids=lambda form: form.name)


def test_known_levels_of_mu_law():
    # ITU-T G.711, table 2: code words and decoder output, times four for 16 bits.
    codes = {0xFF: 0, 0x7F: 0, 0x80: 32124, 0x00: -32124, 0xF0: 120, 0x8F: 16764, 0xFE: 8}
    decoded = MU_LAW.decode(bytes(codes))
    assert decoded.tolist() == list(codes.values())


def test_known_levels_of_a_law():
    # ITU-T G.711, table 1: the same for A-law, times eight for 16 bits.
    codes = {0xD5: 8, 0x55: -8, 0xAA: 32256, 0x2A: -32256, 0xC5: 264, 0x80: 5504}
    decoded = A_LAW.decode(bytes(codes))
    assert decoded.tolist() == list(codes.values())


@pytest.mark.parametrize("form", [MU_LAW, A_LAW], ids=lambda form: form.name)
def test_every_code_is_that_of_its_level(form):
    levels = form.decode(bytes(range(256)))
    assert form.decode(form.encode(levels)).tolist() == levels.tolist()


@pytest.mark.parametrize(("form", "share"), [(MU_LAW, 28), (A_LAW, 32)], ids=["mu", "a"])
def test_the_error_is_a_share_of_the_level(form, share):
    samples = np.arange(-32768, 32768, dtype=np.int16)
    error = np.abs(form.decode(form.encode(samples)).astype(int) - samples)
    allowed = np.maximum(np.abs(samples.astype(int)) / share, 16)
    loudest = np.abs(samples.astype(int)) > 32256  # beyond the last step
    assert (error[~loudest] <= allowed[~loudest]).all()
    assert error.max() < 700


def test_silence_is_silence():
    assert MU_LAW.encode(np.zeros(3, np.int16)) in (b"\xff" * 3, b"\x7f" * 3)
    assert A_LAW.encode(np.zeros(2, np.int16)) in (b"\xd5\xd5", b"\x55\x55")


@ALL
@given(data=st.binary(max_size=400))
def test_any_bytes_are_sound(form, data):
    samples = form.decode(data)
    assert samples.dtype == np.int16
    assert len(samples) == len(data) // form.bytes_per_sample


def test_pcm_is_little_endian():
    assert PCM.encode(np.array([1, -2], np.int16)) == b"\x01\x00\xfe\xff"
    assert PCM.decode(b"\x01\x00\xfe\xff\x07").tolist() == [1, -2]


def test_bytes_per_millisecond():
    assert [form.bytes_per_ms for form in (PCM, MU_LAW, A_LAW)] == [48, 8, 8]

"""What the kernel's routing tables say, and what follows from it."""

from __future__ import annotations

import pytest

from device.appliance.network import has_way_out
from device.house.standby import AGAIN_S, Standby

V4_HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
V4_HOME = "wlan0\t0000A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
V4_OUT = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
NOWHERE = "0" * 32
V6_OUT = f"{NOWHERE} 00 {NOWHERE} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00450003    wlan0\n"
V6_REFUSED = f"{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200       lo\n"
V6_REJECTED = f"{NOWHERE} 00 {NOWHERE} 00 {NOWHERE} ffffffff 00000001 00000000 00200200    wlan0\n"


@pytest.mark.parametrize(
    ("v4", "v6", "expected"),
    [
        (V4_HEAD, "", False),
        (V4_HEAD + V4_HOME, "", False),
        (V4_HEAD + V4_HOME + V4_OUT, "", True),
        (V4_HEAD, V6_OUT, True),
        (V4_HEAD, V6_REFUSED, False),
        (V4_HEAD + V4_HOME, V6_REJECTED, False),
        (V4_HEAD, None, False),
    ],
)
def test_a_default_route_is_a_way_out(tmp_path, v4, v6, expected):
    (tmp_path / "route").write_text(v4)
    if v6 is not None:
        (tmp_path / "ipv6_route").write_text(v6)
    assert has_way_out(tmp_path / "route", tmp_path / "ipv6_route") is expected


def test_a_kernel_that_does_not_tell_is_believed_to_have_one(tmp_path):
    assert has_way_out(tmp_path / "route", tmp_path / "ipv6_route")


async def test_the_brain_is_warmed_when_the_network_goes_and_kept_warm():
    warmed, is_online = [], True

    async def warm() -> None:
        warmed.append(now_s)

    standby = Standby(warm, lambda: is_online)
    now_s = 0.0
    await standby.look(now_s)
    assert warmed == []
    is_online = False
    for now_s in (5.0, 10.0, AGAIN_S, 5.0 + AGAIN_S, 10.0 + AGAIN_S):
        await standby.look(now_s)
    assert warmed == [5.0, 5.0 + AGAIN_S]
    is_online = True
    now_s += 5
    await standby.look(now_s)
    is_online = False
    now_s += 5
    await standby.look(now_s)
    assert len(warmed) == 3

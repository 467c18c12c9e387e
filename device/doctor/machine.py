"""The machine: processor, heat, power, clock, disk, services."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from device.doctor.findings import Finding, Verdict
from device.tools.moments import SystemClock
from device.updates.freshness import Memory, complaint

LEAST_FREE_MB, LITTLE_FREE_MB = 50, 500
HOT_C, WARM_C = 80.0, 70.0
"""A Raspberry Pi slows down from 80 °C on (its documentation, "Frequency management")."""
_THROTTLED = {
    0: "undervoltage now",
    1: "frequency capped now",
    2: "throttled now",
    3: "slower for its heat now",
    16: "undervoltage since boot",
    17: "frequency capped since boot",
    18: "throttled since boot",
    19: "slower for its heat since boot",
}
"""Bits of ``vcgencmd get_throttled``; those of heat are the "soft temperature limit"."""
MOST_EXPOSED = 2.0
"""What ``systemd-analyze security`` gives the shipped unit, at most."""
UNITS = ("bittern.service", "bittern-brain.socket", "bittern-safe.service")


def check_machine(state: Path, root: Path = Path("/")) -> Iterator[Finding]:
    """Look at everything that can be read without being root."""
    yield _governor(root)
    yield _temperature(root)
    yield _power(root)
    yield _supply(root)
    yield _clock()
    yield _disk(state)
    yield from _units(root)
    yield _sandbox(root)


def _governor(root: Path) -> Finding:
    governor = _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor is None:
        return Finding("governor", Verdict.SKIPPED, "this machine has none")
    if governor == "powersave":
        advice = "Answers come slower than they must: choose ondemand or schedutil."
        return Finding("governor", Verdict.WARNING, governor, advice)
    return Finding("governor", Verdict.GOOD, governor)


def _temperature(root: Path) -> Finding:
    text = _text(root / "sys/class/thermal/thermal_zone0/temp")
    if text is None or not text.lstrip("-").isdigit():
        return Finding("temperature", Verdict.SKIPPED, "this machine does not say")
    celsius = int(text) / 1000
    if celsius >= WARM_C:
        verdict = Verdict.BAD if celsius >= HOT_C else Verdict.WARNING
        return Finding("temperature", verdict, f"{celsius:.0f} °C", "Give it air or a heat sink.")
    return Finding("temperature", Verdict.GOOD, f"{celsius:.0f} °C")


def _power(root: Path) -> Finding:
    bits = _throttled(root)
    if bits is None:
        return Finding("power", Verdict.SKIPPED, "only a Raspberry Pi says, and maybe only to root")
    troubles = [name for bit, name in _THROTTLED.items() if bits >> bit & 1]
    if not troubles:
        return Finding("power", Verdict.GOOD, "never too little, never throttled")
    verdict = Verdict.BAD if bits & 0xF else Verdict.WARNING
    advice = "Use the power supply of its maker, and give it air where it gets hot."
    return Finding("power", verdict, ", ".join(troubles), advice)


def _throttled(root: Path) -> int | None:
    """What the firmware says about power and heat; None where there is nobody to ask.

    The kernel's file is in a folder of another name on each model (``soc`` up to the Pi 4,
    ``soc@107c000000`` on the 5), so it is looked for by the name of its driver. A kernel that
    has none leaves the firmware's own program.
    """
    for file in (root / "sys/bus/platform/drivers/raspberrypi-firmware").glob("*/get_throttled"):
        return _hexadecimal(_text(file) or "")
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _hexadecimal(done.stdout.partition("throttled=")[2])


def _hexadecimal(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None


def _supply(root: Path) -> Finding:
    """Undervoltage as the kernel's hardware monitor sees it, which every Pi has."""
    for monitor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(monitor / "name") == "rpi_volt":
            is_low = _text(monitor / "in0_lcrit_alarm") == "1"
            if is_low:
                advice = "Use the power supply of its maker, and a short cable."
                return Finding("supply", Verdict.BAD, "undervoltage", advice)
            return Finding("supply", Verdict.GOOD, "no undervoltage")
    return Finding("supply", Verdict.SKIPPED, "only a Raspberry Pi says")


def _clock() -> Finding:
    if SystemClock().is_trusted():
        return Finding("clock", Verdict.GOOD, "set since the machine was started")
    advice = "`timedatectl` should say that the clock is synchronized; alarms depend on it."
    return Finding("clock", Verdict.WARNING, "nothing has confirmed the time", advice)


def _disk(state: Path) -> Finding:
    there = next(path for path in (state, *state.parents) if path.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    found = f"{free_mb} MB free at {there}"
    if free_mb < LITTLE_FREE_MB:
        verdict = Verdict.BAD if free_mb < LEAST_FREE_MB else Verdict.WARNING
        return Finding("disk", verdict, found, "Remove what is not needed.")
    return Finding("disk", Verdict.GOOD, found)


def _units(root: Path) -> Iterator[Finding]:
    if not (root / "etc/systemd/system" / UNITS[0]).exists() or not shutil.which("systemctl"):
        yield Finding("units", Verdict.SKIPPED, "not installed as a service")
        return
    states = {unit: _state_of(unit) for unit in UNITS}
    for unit in UNITS[:2]:
        is_good = states[unit] == "active"
        advice = "" if is_good else f"`systemctl status {unit}` and `journalctl -u {unit}`"
        yield Finding(unit, Verdict.GOOD if is_good else Verdict.BAD, states[unit], advice)
    if states[UNITS[2]] == "active":
        yield Finding("safe mode", Verdict.BAD, "active", "`journalctl -u bittern` says why.")
    if _state_of("bittern-update.timer") == "active":
        yield check_updates(root / "opt/bittern/updates", datetime.now(UTC))


def check_updates(folder: Path, now: datetime) -> Finding:
    """Whether the timer, which is on, has found an answer of late; ``folder`` is the updates'."""
    seen = Memory(folder).read()
    if wrong := complaint(seen, now):
        advice = "`bittern update status`, and `journalctl -u bittern-update`, say more."
        return Finding("updates", Verdict.WARNING, wrong, advice)
    found = f"{seen.highest} is offered" if seen.highest else "the timer is on"
    return Finding("updates", Verdict.GOOD, found)


def _sandbox(root: Path) -> Finding:
    """How exposed systemd calls the service, from 0 (not at all) to 10."""
    if not (root / "etc/systemd/system" / UNITS[0]).exists():
        return Finding("sandbox", Verdict.SKIPPED, "not installed as a service")
    try:
        done = subprocess.run(
            ["systemd-analyze", "security", "--no-pager", UNITS[0]],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as failure:
        return Finding("sandbox", Verdict.SKIPPED, f"cannot be asked: {failure}")
    return judge_sandbox(done.stdout)


def judge_sandbox(report: str) -> Finding:
    """Read the last line of ``systemd-analyze security``."""
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", report)
    if found is None:
        return Finding("sandbox", Verdict.SKIPPED, "systemd does not say")
    exposure = float(found[1])
    text = f"exposure {exposure:g} of 10"
    if exposure > MOST_EXPOSED:
        advice = (
            "Was the unit changed (`systemctl cat bittern`)? "
            "`sudo /opt/bittern/current/scripts/install.sh` mends it."
        )
        return Finding("sandbox", Verdict.WARNING, text, advice)
    return Finding("sandbox", Verdict.GOOD, text)


def _state_of(unit: str) -> str:
    done = subprocess.run(
        ["systemctl", "is-active", unit], capture_output=True, text=True, timeout=10, check=False
    )
    return done.stdout.strip() or done.stderr.strip() or "unknown"


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None

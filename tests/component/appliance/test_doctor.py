"""The doctor's checks on patients that have something."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from device.appliance.control import NotAllowedError
from device.audio.files import FileMicrophone, write_sound
from device.cli.doctor import _sound
from device.doctor.answers import check_endpoints
from device.doctor.findings import Finding, Verdict, exit_code
from device.doctor.machine import check_machine
from device.doctor.sound import check_microphone
from device.house.endpoints import roster
from device.settings import load_settings
from device.settings.places import brain_to_look_at
from device.settings.tree import Paths

RATE_HZ = 16_000


@pytest.fixture
def pi(tmp_path):
    """The files of a Raspberry Pi that suffers."""
    root = tmp_path / "pi"
    files = {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
        "sys/class/thermal/thermal_zone0/temp": "84500\n",
        "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "50005\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    driver = root / "sys/bus/platform/drivers/raspberrypi-firmware"
    driver.mkdir(parents=True)
    (driver / path.parent.name).symlink_to(path.parent)
    return root


def test_a_hot_and_hungry_pi(pi, tmp_path):
    found = {each.check: each for each in check_machine(tmp_path, pi)}
    assert found["governor"].verdict is Verdict.WARNING
    assert found["temperature"].verdict is Verdict.BAD
    assert "undervoltage now" in found["power"].found
    assert found["power"].verdict is Verdict.BAD
    assert all(each.advice for each in found.values() if each.verdict >= Verdict.WARNING)


def test_every_trouble_that_the_firmware_knows_is_told(pi, tmp_path):
    told = pi / "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    for bit in (0, 1, 2, 3, 16, 17, 18, 19):
        told.write_text(f"{1 << bit:x}\n")
        found = {each.check: each for each in check_machine(tmp_path, pi)}["power"]
        assert found.verdict is (Verdict.BAD if bit < 16 else Verdict.WARNING)
        assert found.found.endswith("now" if bit < 16 else "since boot")


VCGENCMD = """\
#!/bin/sh
# Answers as the program of the firmware does; without the group video it may not ask.
[ "$1" = get_throttled ] || exit 1
[ -e "$0.may" ] || { echo "Can't open device file: /dev/vcio" >&2; exit 255; }
echo throttled=0x50000
"""


def test_a_pi_whose_kernel_does_not_say_is_asked_by_its_own_program(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "vcgencmd"
    program.parent.mkdir()
    program.write_text(VCGENCMD)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    def power():
        return next(each for each in check_machine(tmp_path, tmp_path) if each.check == "power")

    assert power().verdict is Verdict.SKIPPED
    program.with_name("vcgencmd.may").touch()
    assert power().verdict is Verdict.WARNING
    assert power().found == "undervoltage since boot, throttled since boot"


def microphone_of(tmp_path, sound):
    path = tmp_path / "sound.wav"
    write_sound(path, sound.astype(np.int16), RATE_HZ)
    return lambda: FileMicrophone(path)


@pytest.mark.parametrize(
    ("amplitude", "verdict", "word"),
    [
        (0, Verdict.BAD, "dead"),
        (100, Verdict.GOOD, "dBFS"),
        (3_000, Verdict.WARNING, "dBFS"),
        (200_000, Verdict.WARNING, "clipping"),
    ],
)
def test_microphones(tmp_path, amplitude, verdict, word):
    noise = np.random.default_rng(1).normal(0, 1, 3 * RATE_HZ) * amplitude
    finding = check_microphone(microphone_of(tmp_path, np.clip(noise, -32_768, 32_767)))
    assert finding.verdict is verdict, finding
    assert word in finding.found


async def test_endpoints(tmp_path, cloud_of, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-wrong")
    good, locked = await cloud_of(), await cloud_of({"server": {"key": "sk-right"}})
    path = tmp_path / "bittern.toml"
    path.write_text(
        f'[paths]\nruntime = "{tmp_path}"\n'
        f'[[endpoint]]\nname = "good"\nurl = "{good.url}"\nkey_required = false\n'
        f'[[endpoint]]\nname = "locked"\nurl = "{locked.url}"\nkey_env = "TEST_KEY"\n'
        '[[endpoint]]\nname = "nobody"\nurl = "ws://127.0.0.1:9"\nkey_required = false\n'
        '[[endpoint]]\nname = "brain"\nenabled = false\n'
    )
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    found = {each.check: each for each in await check_endpoints(load_settings(path))}
    assert found["endpoint good"].verdict is Verdict.GOOD
    assert found["endpoint openai"].verdict is Verdict.SKIPPED
    assert found["endpoint nobody"].verdict is Verdict.BAD
    assert found["endpoint locked"].verdict is Verdict.BAD
    assert "key" in found["endpoint locked"].advice
    assert "sk-wrong" not in repr(found)


async def test_a_key_that_is_none_costs_its_endpoint_and_nothing_else(
    tmp_path, cloud_of, monkeypatch, caplog
):
    monkeypatch.setenv("TEST_KEY", "sk-one sk-two")
    good = await cloud_of()
    path = tmp_path / "bittern.toml"
    path.write_text(
        f'[paths]\nruntime = "{tmp_path}"\n'
        f'[[endpoint]]\nname = "cloud"\nurl = "{good.url}"\nkey_env = "TEST_KEY"\n'
        f'[[endpoint]]\nname = "good"\nurl = "{good.url}"\nkey_required = false\n'
        '[[endpoint]]\nname = "openai"\nenabled = false\n'
    )
    loaded = load_settings(path)
    chosen = roster(loaded, "unix:/nowhere", None, lambda: [])
    assert [plan.name for plan in chosen.plans] == ["cloud", "good", "brain"]
    assert chosen.entries["cloud"].is_missing_key
    assert "there is a space in it" in caplog.text
    found = {each.check: each for each in await check_endpoints(loaded)}
    assert found["endpoint cloud"].verdict is Verdict.BAD
    assert "there is a space in it" in found["endpoint cloud"].found
    assert found["endpoint good"].verdict is Verdict.GOOD
    assert "sk-one" not in repr(found) + caplog.text


@pytest.mark.parametrize("reply", [{"ok": False, "error": "you may not"}, None])
def test_who_may_not_ask_the_appliance_gets_no_false_alarm(tmp_path, monkeypatch, reply):
    def refused(*_: object) -> dict[str, object]:
        if reply is None:
            raise NotAllowedError("you may not use the socket")
        return reply

    monkeypatch.setattr("device.appliance.control.order", refused)
    path = tmp_path / "bittern.toml"
    path.write_text("")
    findings = _sound(load_settings(path), with_sound=True)
    assert [each.verdict for each in findings] == [Verdict.SKIPPED]
    assert "sudo bittern doctor" in findings[0].advice


def test_the_worst_decides():
    good, warning = Finding("a", Verdict.GOOD, ""), Finding("b", Verdict.WARNING, "")
    bad = Finding("c", Verdict.BAD, "")
    assert [exit_code(each) for each in ([good], [good, warning], [warning, bad])] == [0, 2, 1]


def test_bad_settings_do_not_keep_it_from_the_rest(tmp_path):
    path = tmp_path / "bittern.toml"
    path.write_text("[speaker]\nvolume_percent = 900\n")
    done = subprocess.run(
        [sys.executable, "-m", "device", "doctor", "--json", "--config", str(path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    report = json.loads(done.stdout)
    checks = {each["check"]: each for each in report["findings"]}
    assert (done.returncode, report["exit_code"]) == (1, 1)
    assert "volume_percent" in checks["settings"]["found"]
    assert {"disk", "clock", "temperature"} <= set(checks)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_an_ordinary_user_is_not_told_that_the_services_brain_is_broken(tmp_path):
    folder = Path("/run") / f"bittern-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    code = (
        "import os, sys, asyncio; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from pathlib import Path; from device.doctor import answers\n"
        "from device.settings import load_settings\n"
        "socket = Path(sys.argv[1])\n"
        "answers.brain_to_look_at = lambda paths: (socket, True)\n"
        "for each in asyncio.run(answers.check_endpoints(load_settings())):\n"
        "    print(each.check, each.verdict.name, each.found, each.advice)\n"
    )
    try:
        with socket.socket(socket.AF_UNIX) as brain:
            brain.bind(str(folder / "brain.sock"))
            (folder / "brain.sock").chmod(0o660)
            brain.listen()
            command = [sys.executable, "-c", code, str(folder / "brain.sock")]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=60, env={**os.environ, "HOME": "/"}
            )
    finally:
        shutil.rmtree(folder)
    if "ModuleNotFoundError" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("another user cannot read this clone")
    lines = [line for line in done.stdout.splitlines() if line.startswith("endpoint brain ")]
    assert len(lines) == 1, done.stderr
    assert "SKIPPED" in lines[0]
    assert "sudo bittern doctor" in lines[0]


def test_where_there_is_a_service_its_brain_is_looked_at(tmp_path):
    unit, own = tmp_path / "bittern.service", tmp_path / "brain.sock"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "user")}
    usual = tmp_path / "user/bittern/brain.sock"
    assert brain_to_look_at(Paths(), environ, own, unit) == (usual, False)
    unit.touch()
    with socket.socket(socket.AF_UNIX) as brain:
        brain.bind(str(own))
        assert brain_to_look_at(Paths(), environ, own, unit) == (own, True)
        wished = Paths(runtime=str(tmp_path / "mine"))
        assert brain_to_look_at(wished, environ, own, unit) == (tmp_path / "mine/brain.sock", False)

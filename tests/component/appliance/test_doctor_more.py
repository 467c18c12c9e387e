"""The doctor's checks of echo, levels, lines, endpoints and sandbox."""

from __future__ import annotations

import http.server
import json
import logging
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.audio.all_channels import AllChannelsMicrophone
from device.audio.files import write_sound
from device.cli.doctor import _microphone_in_use
from device.doctor.answers import _with_last_day
from device.doctor.echo_path import check_echo_path, chirp, find_chirp, listen_for_echo
from device.doctor.findings import Verdict
from device.doctor.machine import check_machine, check_updates, judge_sandbox
from device.doctor.panel import check_board
from device.doctor.reach import as_day, last_day, way_to
from device.doctor.sound import check_devices
from device.errors import BitternError
from device.house.levels import NOTE, set_levels_once
from device.panel import mixer
from device.panel.boards import MixerSpec, SoundSpec, load_board
from device.realtime.endpoint import Endpoint
from device.realtime.secret import Secret
from device.settings import load_settings
from device.updates.freshness import Memory
from device.updates.manifest import ReleaseManifest
from device.workshop.simulation.room import AcousticEcho, SimulatedRoom

RATE_HZ = 24_000


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    path = tmp_path / "quiet.wav"
    noise = np.random.default_rng(2).normal(0, 20, 8 * RATE_HZ)
    write_sound(path, noise.astype(np.int16), RATE_HZ)
    return path


class TestEchoPath:
    def test_the_echo_of_a_room_is_measured(self, quiet: Path) -> None:
        room = SimulatedRoom(quiet, AcousticEcho(delay_s=0.08, gain_db=-26.0, reverb_s=0.2))
        path = listen_for_echo(room.microphone, room.speaker, 100.0)
        assert path.is_clear
        assert path.gain_db == pytest.approx(-26.0, abs=2.0)
        # Blocks of 20 ms on either side are not accounted for.
        assert 80 - 25 <= path.delay_ms <= 80 + 65

    def test_a_room_without_an_echo(self, quiet: Path) -> None:
        room = SimulatedRoom(quiet, AcousticEcho(gain_db=float("-inf")))
        finding = check_echo_path(lambda: room.microphone, lambda: room.speaker, 100.0)
        assert finding.verdict is Verdict.WARNING
        assert "does not hear" in finding.found

    def test_too_loud_an_echo(self, quiet: Path) -> None:
        room = SimulatedRoom(quiet, AcousticEcho(gain_db=6.0))
        finding = check_echo_path(lambda: room.microphone, lambda: room.speaker, 100.0)
        assert (finding.verdict, "drowns" in finding.advice) == (Verdict.WARNING, True)

    @pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
    def test_noise_is_not_taken_for_it(self, rate_hz: int) -> None:
        rng = np.random.default_rng(rate_hz)
        for amplitude in (3, 300, 9_000):
            noise = rng.normal(0, amplitude, 4 * rate_hz).astype(np.int16)
            assert not find_chirp(noise, rate_hz, 0).is_clear
            there = noise.astype(np.float64)
            there[rate_hz : 2 * rate_hz] += chirp(rate_hz) * 32_768
            found = find_chirp(np.clip(there, -32_768, 32_767).astype(np.int16), rate_hz, rate_hz)
            assert found.is_clear
            assert abs(found.delay_ms) < 1.0


AMIXER = """\
#!/bin/sh
# Keeps each control in a file and answers as amixer of alsa-utils 1.2 does.
if [ "$1" = --card ]; then
    [ "$2" = wm8960soundcard ] || { echo "Invalid card number '$2'." >&2; exit 1; }
    shift 2
fi
name=$(printf %s "$2" | sed "s/^name='//; s/'$//")
file="$0.d/$name"
[ -e "$file" ] || { echo "amixer: Cannot find the given element from control hw" >&2; exit 1; }
[ "$1" = cset ] && printf %s "$3" >"$file"
echo "numid=1,iface=MIXER,name='$name'"
echo "  ; type=INTEGER,access=rw,values=2,min=0,max=255,step=0"
echo "  : values=$(cat "$file")"
"""


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A WM8960 fresh from its reset, for this machine has no sound card with levels."""
    program = tmp_path / "bin" / "amixer"
    program.parent.mkdir()
    program.write_text(AMIXER)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    folder = program.with_name("amixer.d")
    folder.mkdir()
    for spec in load_board("respeaker-2mic").sound.mixer:
        (folder / spec.control).write_text("off" if spec.value.startswith("on") else "0")
    return folder


class TestLevels:
    def test_what_is_not_right_is_set(self, card: Path) -> None:
        sound = load_board("respeaker-2mic").sound
        assert not any(level.is_right for level in mixer.levels(sound))
        assert mixer.apply(sound) == []
        assert (card / "Capture Volume").read_text() == "45,45"

    def test_the_doctor_sees_it(self, card: Path) -> None:
        def found() -> Any:
            return next(each for each in check_board("respeaker-2mic") if each.check == "mixer")

        assert found().verdict is Verdict.WARNING
        assert "bittern board mixer --apply" in found().advice
        mixer.apply(load_board("respeaker-2mic").sound)
        assert found().verdict is Verdict.GOOD

    def test_a_control_that_is_not_there_is_told(self, card: Path) -> None:
        (card / "Capture Volume").unlink()
        (left,) = mixer.apply(load_board("respeaker-2mic").sound)
        assert left.control == "Capture Volume"
        assert "Cannot find" in left.trouble

    def test_the_appliance_sets_them_once_and_then_leaves_them_alone(
        self, card: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / "mine.toml"
        file.write_text(f'[panel]\nboard = "respeaker-2mic"\n[paths]\nstate = "{tmp_path}"\n')
        settings = load_settings(file).settings
        set_levels_once(settings)
        assert (card / "Capture Volume").read_text() == "45,45"
        assert (tmp_path / NOTE).exists()
        (card / "Capture Volume").write_text("20,20")
        set_levels_once(settings)
        assert (card / "Capture Volume").read_text() == "20,20"
        (tmp_path / NOTE).unlink()
        (card / "Capture Switch").unlink()
        with caplog.at_level(logging.WARNING):
            set_levels_once(settings)
        assert "Capture Switch" in caplog.text
        assert not (tmp_path / NOTE).exists()


@pytest.mark.parametrize(
    ("said", "wanted", "is_right"),
    [
        ("  ; type=INTEGER,values=2,min=0,max=119,step=0\n  : values=95,95", "80%,80%", True),
        ("  ; type=INTEGER,values=2,min=0,max=119,step=0\n  : values=95,10", "80%,80%", False),
        ("  ; type=INTEGER,values=2,min=0,max=63,step=0\n  : values=45,45", "45", True),
        ("  ; Item #0 'Mic'\n  ; Item #1 'Line'\n  : values=1", "Line", True),
        ("  ; Item #0 'Mic'\n  ; Item #1 'Line'\n  : values=0", "Line", False),
        ("  : values=on,off", "on", False),
    ],
)
def test_levels_as_amixer_tells_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, wanted: str, is_right: bool
) -> None:
    program = tmp_path / "amixer"
    program.write_text(f'#!/bin/sh\ncat <<"SAID"\n{said}\nSAID\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    sound = SoundSpec(mixer=(MixerSpec("PGA", wanted),))
    assert [level.is_right for level in mixer.levels(sound)] == [is_right]


class TestBoard:
    def test_lines_and_bus_that_are_not_there(self, tmp_path: Path) -> None:
        found = {each.check: each for each in check_board("respeaker-2mic", tmp_path)}
        assert found["board"].verdict is Verdict.GOOD
        assert found["gpio"].verdict is Verdict.BAD
        assert found["lights"].verdict is Verdict.BAD
        assert "spi=on" in found["lights"].advice

    def test_a_bus_that_is(self, tmp_path: Path) -> None:
        (tmp_path / "spidev0.0").touch()
        found = {each.check: each for each in check_board("respeaker-2mic", tmp_path)}
        assert found["lights"].verdict is Verdict.GOOD

    def test_an_unknown_one(self) -> None:
        (finding,) = check_board("kitchen-table")
        assert finding.verdict is Verdict.BAD


class Models(http.server.BaseHTTPRequestHandler):
    """Answers as ``GET /v1/models/NAME`` does."""

    asked: list[tuple[str, str]]
    day: object = None
    redirect = ""

    def do_GET(self) -> None:
        type(self).asked.append((self.path, self.headers.get("Authorization", "")))
        if self.redirect:
            self.send_response(302)
            self.send_header("Location", self.redirect)
            self.end_headers()
            return
        body = json.dumps({"id": "m", "object": "model", "shutdown_date": self.day}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def models() -> Iterator[tuple[str, type[Models]]]:
    handler = type("Handler", (Models,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def endpoint(place: str) -> Endpoint:
    return Endpoint(
        name="cloud", url=f"ws://{place}/v1/realtime", model="gpt/x", key=Secret("sk-secret")
    )


class TestReach:
    async def test_the_last_day_of_a_model(self, models: tuple[str, type[Models]]) -> None:
        place, handler = models
        handler.day = "2027-01-15"
        assert await last_day(endpoint(place)) == date(2027, 1, 15)
        assert handler.asked == [("/v1/models/gpt%2Fx", "Bearer sk-secret")]

    async def test_the_key_goes_nowhere_else(self, models: tuple[str, type[Models]]) -> None:
        place, handler = models
        handler.redirect = f"http://{place}/elsewhere"
        assert await last_day(endpoint(place)) is None
        assert len(handler.asked) == 1

    async def test_the_way_is_measured(self, models: tuple[str, type[Models]]) -> None:
        way = await way_to(f"ws://{models[0]}/v1/realtime")
        assert way is not None
        assert 0 <= way.round_trip_ms < 1000
        assert await way_to("ws://127.0.0.1:9/") is None
        assert await way_to("unix:/run/brain.sock") is None

    @pytest.mark.parametrize(
        ("told", "day"),
        [
            ("2027-01-15T00:00:00Z", date(2027, 1, 15)),
            (1_800_000_000, date(2027, 1, 15)),
            (None, None),
            ("soon", None),
            (True, None),
            (1e30, None),
        ],
    )
    def test_days_as_they_may_be_told(self, told: object, day: date | None) -> None:
        assert as_day(told) == day

    def test_a_day_that_is_near_is_a_warning(self) -> None:
        today = date(2026, 11, 22)
        near = _with_last_day("endpoint x", "fine", today + timedelta(30), today)
        far = _with_last_day("endpoint x", "fine", today + timedelta(300), today)
        assert (near.verdict, far.verdict) == (Verdict.WARNING, Verdict.GOOD)
        assert "22 December 2026" in near.found


def test_the_sandbox_is_judged_by_systemds_own_figure() -> None:
    said = "→ Overall exposure level for bittern.service: {} OK 🙂\n"
    assert judge_sandbox(said.format("1.9")).verdict is Verdict.GOOD
    assert judge_sandbox(said.format("4.1")).verdict is Verdict.WARNING
    assert judge_sandbox("no bus").verdict is Verdict.SKIPPED


def test_undervoltage_from_the_hardware_monitor(tmp_path: Path) -> None:
    monitor = tmp_path / "sys/class/hwmon/hwmon1"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("rpi_volt\n")
    for alarm, verdict in (("0\n", Verdict.GOOD), ("1\n", Verdict.BAD)):
        (monitor / "in0_lcrit_alarm").write_text(alarm)
        found = {each.check: each for each in check_machine(tmp_path, tmp_path)}
        assert found["supply"].verdict is verdict


def test_no_sound_device_is_bad() -> None:
    def broken() -> list[Any]:
        raise BitternError("the sound library hangs")

    assert check_devices(list).verdict is Verdict.BAD
    assert "hangs" in check_devices(broken).found
    assert AllChannelsMicrophone("x").channels() == []


@pytest.mark.parametrize(
    ("noise", "verdict", "said"),
    [
        (-58.0, Verdict.GOOD, "noise -58 dBFS"),
        (-20.0, Verdict.WARNING, "noise -20 dBFS"),
        (-120.0, Verdict.WARNING, "nothing at all"),
        (None, Verdict.GOOD, "in use"),
    ],
)
def test_a_microphone_in_use_is_judged_by_what_the_appliance_hears(
    noise: float | None, verdict: Verdict, said: str
) -> None:
    status = {"microphone": "USB Mic", "noise_dbfs": noise}
    finding = _microphone_in_use(status, Verdict.GOOD)
    assert (finding.verdict, said in finding.found) == (verdict, True)


def test_a_timer_of_updates_that_gets_no_answer_is_warned_of(tmp_path):
    now = datetime(2027, 3, 10, tzinfo=UTC)
    assert check_updates(tmp_path, now).verdict is Verdict.GOOD
    Memory(tmp_path).note(ReleaseManifest("0.2.0", "3.11", 1, (), None, "2027-05-01"), now)
    assert check_updates(tmp_path, now + timedelta(days=2)).verdict is Verdict.GOOD
    Memory(tmp_path).note_trouble("another update is at work: sleep (process 9 of nobody)")
    silent = check_updates(tmp_path, now + timedelta(days=9))
    assert silent.verdict is Verdict.WARNING
    assert "no answer for 9 days (another update is at work: sleep" in silent.found

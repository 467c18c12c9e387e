"""Updates that go well, updates that do not, and the way back."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from device.updates import house
from device.updates.errors import BadRelease, DidNotProve, NotNow, NotWanted, UpdateFailed
from device.updates.refusals import Refusals

Appliance = Any
"""The class of this name in conftest.py."""


@pytest.fixture
def old(appliance: Appliance) -> str:
    """The release that runs before each test."""
    name: str = appliance.install("0.1.0")
    appliance.boot()
    return name


def test_a_newer_release_is_installed_and_the_old_one_kept(appliance: Appliance, old: str) -> None:
    appliance.assert_wholly(old)
    source = appliance.publish("0.2.0", model="a better model")
    new = appliance.updater().apply(source, appliance.offer(source))
    appliance.assert_wholly(new)
    assert appliance.places.which(appliance.places.previous) == old
    # The environment was made with the old one's to take from, and in its final place.
    assert (appliance.places.release(new) / ".venv" / "asked").read_text() == (
        f"--like {appliance.places.release(old)}\n"
    )


def test_the_disk_is_synchronised_before_the_link_is_switched(
    appliance: Appliance, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(
        os, "sync", lambda: seen.append(appliance.places.which(appliance.places.current))
    )
    source = appliance.publish("0.2.0")
    appliance.updater().apply(source, appliance.offer(source))
    assert seen == [old]


def test_of_three_releases_two_are_kept(appliance: Appliance, old: str) -> None:
    names = [old]
    for version in ("0.2.0", "0.3.0"):
        source = appliance.publish(version)
        offer = appliance.offer(source)
        # The version that runs is that of this program; here it is what the link says.
        names.append(appliance.updater().apply(source, offer, allow_older=True))
    assert {path.name for path in appliance.places.releases.iterdir()} == set(names[1:])
    assert {path.name for path in appliance.places.kept("x").parent.iterdir()} <= set(names[1:])


def test_the_way_back_and_forth(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0", model="a better model")
    new = appliance.updater().apply(source, appliance.offer(source))
    assert appliance.updater().roll_back() == old
    appliance.assert_wholly(old)
    assert new in Refusals(appliance.places.work).read(), "a timer would install it again"
    assert appliance.updater().roll_back() == new
    appliance.assert_wholly(new)
    assert set(Refusals(appliance.places.work).read()) == {old}


def test_there_is_no_way_back_from_the_first_release(appliance: Appliance, old: str) -> None:
    with pytest.raises(NotWanted, match="no previous"):
        appliance.updater().roll_back()
    appliance.assert_wholly(old)


def test_a_damaged_previous_release_is_not_gone_back_to(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    new = appliance.updater().apply(source, appliance.offer(source))
    (appliance.places.release(old) / "program").write_text("rotten")
    with pytest.raises(BadRelease, match="program is damaged"):
        appliance.updater().roll_back()
    appliance.assert_wholly(new)


@pytest.mark.parametrize(
    ("flaw", "says"),
    [
        ("environment", "a package is not to be had"),
        ("models", "the model is not to be had"),
        ("test", "it is deaf"),
    ],
)
def test_what_fails_beside_the_old_release_changes_nothing(
    appliance: Appliance, old: str, flaw: str, says: str
) -> None:
    pid = (appliance.folder / "systemd" / "pid").read_text()
    source = appliance.publish("0.2.0", flaw, model="another model")
    offer = appliance.offer(source)
    with pytest.raises(UpdateFailed, match=says):
        appliance.updater().apply(source, offer)
    appliance.assert_wholly(old)
    assert not appliance.places.release(offer.id).exists()
    assert (appliance.folder / "systemd" / "pid").read_text() == pid, "it was not restarted"


def test_a_release_that_does_not_become_ready_goes_back_by_itself(
    appliance: Appliance, old: str
) -> None:
    source = appliance.publish("0.2.0", "start", model="a better model")
    offer = appliance.offer(source)
    with pytest.raises(DidNotProve, match="failed") as failure:
        appliance.updater().apply(source, offer)
    assert "runs on" in failure.value.advice
    appliance.assert_wholly(old)
    assert not appliance.places.release(offer.id).exists()
    assert "failed" in Refusals(appliance.places.work).read()[offer.id]


def test_a_machine_that_shuts_down_says_nothing_of_the_release(
    appliance: Appliance, old: str
) -> None:
    """systemd does not obey any more: the old release is back, and the new one not refused."""
    source = appliance.publish("0.2.0", model="a better model")
    offer = appliance.offer(source)
    script = appliance.systemctl.read_text()
    shutting_down = "daemon-reload|--no-block) exit 1 ;;\nstop)"

    def systemd_is_about_to_go() -> None:
        refusing = script.replace('[ "$1" = --no-block ] && shift\n', "")
        appliance.systemctl.write_text(refusing.replace("stop)", shutting_down, 1))

    with pytest.raises(UpdateFailed):
        appliance.updater(systemd_is_about_to_go).apply(source, offer)
    appliance.systemctl.write_text(script)
    assert appliance.places.which(appliance.places.current) == old
    # After the next start the rest of it is done.
    appliance.boot()
    with pytest.raises(DidNotProve):
        appliance.updater().resume()
    appliance.assert_wholly(old)
    assert offer.id not in Refusals(appliance.places.work).read()


def test_an_appliance_that_was_stopped_stays_stopped(appliance: Appliance) -> None:
    appliance.install("0.1.0")
    source = appliance.publish("0.2.0", "start")
    new = appliance.updater().apply(source, appliance.offer(source))
    assert appliance.places.which(appliance.places.current) == new
    assert (appliance.folder / "systemd" / "state").read_text().strip() == "inactive"


def test_a_release_is_not_to_blame_for_a_microphone_that_is_not_there(
    appliance: Appliance, old: str
) -> None:
    """The appliance had failed, its safe mode ran; the new one cannot get ready either."""
    (appliance.folder / "systemd" / "state").write_text("failed\n")
    (appliance.folder / "systemd" / "safe").write_text("active\n")
    source = appliance.publish("0.2.0", "start")
    new = appliance.updater().apply(source, appliance.offer(source))
    assert appliance.places.which(appliance.places.current) == new
    assert appliance.running == (new, "failed"), "it was given its chance"


def test_data_that_the_new_release_has_changed_go_back_with_it(
    appliance: Appliance, old: str
) -> None:
    before = (appliance.places.state / house.DATABASE).read_bytes()
    # Its own schema, written when it starts; and then its unit has another problem.
    source = appliance.publish("0.2.0", "start", schema=2)
    with pytest.raises(DidNotProve):
        appliance.updater().apply(source, appliance.offer(source))
    appliance.assert_wholly(old)
    assert (appliance.places.state / house.DATABASE).read_bytes() == before
    [aside] = appliance.places.saved.glob("set-aside-*")
    assert house.schema_of(aside) == 2, "what the new release wrote is kept as well"


def test_going_back_over_a_schema_must_be_asked_for(appliance: Appliance, old: str) -> None:
    before = (appliance.places.state / house.DATABASE).read_bytes()
    source = appliance.publish("0.2.0", schema=2)
    new = appliance.updater().apply(source, appliance.offer(source))
    with pytest.raises(NotWanted, match="schema 2") as failure:
        appliance.updater().roll_back()
    assert "--older-data" in failure.value.advice
    appliance.assert_wholly(new)
    assert appliance.updater().roll_back(older_data=True) == old
    appliance.assert_wholly(old)
    assert (appliance.places.state / house.DATABASE).read_bytes() == before
    [aside] = appliance.places.saved.glob("set-aside-*")
    assert house.schema_of(aside) == 2


@pytest.mark.parametrize("flaws", [(), ("start",)], ids=["kept", "given up"])
def test_what_is_deleted_later_stands_in_no_saved_copy(
    appliance: Appliance, old: str, flaws: tuple[str, ...]
) -> None:
    """Both releases read the same data, so there is no way back that needs older ones."""
    database = appliance.places.state / house.DATABASE
    database.write_bytes(database.read_bytes() + b" a birthday present")
    source = appliance.publish("0.2.0", *flaws)
    with pytest.raises(DidNotProve) if flaws else nullcontext():
        appliance.updater().apply(source, appliance.offer(source))
    present = database.read_bytes().replace(b" a birthday present", b"")
    database.write_bytes(present)
    copies = [file for file in appliance.places.root.rglob("*") if file.is_file()]
    assert [file for file in copies if b"birthday" in file.read_bytes()] == []
    if not flaws:
        assert appliance.updater().roll_back() == old
        assert database.read_bytes() == present


def test_newer_data_survive_a_return_that_need_not_touch_them(
    appliance: Appliance, old: str
) -> None:
    database = appliance.places.state / house.DATABASE
    source = appliance.publish("0.2.0", "start")

    def somebody_sets_a_timer() -> None:
        database.write_bytes(database.read_bytes() + b" and a timer")

    with pytest.raises(DidNotProve):
        appliance.updater(somebody_sets_a_timer).apply(source, appliance.offer(source))
    assert database.read_bytes().endswith(b" and a timer")


def test_settings_stay_as_they_are(appliance: Appliance, old: str) -> None:
    appliance.places.settings.write_text("[assistant]\nfollow_up_s = 4\n")
    source = appliance.publish("0.2.0")
    appliance.updater().apply(source, appliance.offer(source))
    assert appliance.places.settings.read_text() == "[assistant]\nfollow_up_s = 4\n"
    saved = appliance.places.saved / old / house.SETTINGS
    assert saved.read_text() == appliance.places.settings.read_text()


def test_a_link_in_the_place_of_the_data_is_not_followed(
    appliance: Appliance, old: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of root alone")
    database = appliance.places.state / house.DATABASE
    database.unlink()
    database.symlink_to(secret)
    source = appliance.publish("0.2.0")
    with pytest.raises(UpdateFailed, match="cannot be read"):
        appliance.updater().apply(source, appliance.offer(source))
    assert appliance.running == (old, "active")


def test_an_older_release_must_be_asked_for(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.0.9")
    offer = appliance.offer(source)
    with pytest.raises(NotWanted, match="not newer"):
        appliance.updater().apply(source, offer)
    appliance.assert_wholly(old)
    appliance.assert_wholly(appliance.updater().apply(source, offer, allow_older=True))


def test_the_release_that_runs_is_not_installed_over_itself(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.1.0")
    with pytest.raises(NotWanted, match="runs already"):
        appliance.updater().apply(source, appliance.offer(source), allow_older=True)
    appliance.assert_wholly(old)


def test_it_does_not_run_in_a_conversation(appliance: Appliance, old: str) -> None:
    def they_talk_on() -> None:
        appliance.assert_running_old = appliance.running == (old, "active")
        raise NotNow("the appliance is listening")

    source = appliance.publish("0.2.0")
    offer = appliance.offer(source)
    with pytest.raises(NotNow):
        appliance.updater(they_talk_on).apply(source, offer)
    assert appliance.assert_running_old
    appliance.assert_wholly(old)
    assert offer.id not in Refusals(appliance.places.work).read()


def test_two_at_once_are_one(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0")
    offer = appliance.offer(source)
    refused: list[str] = []

    def another_tries() -> None:
        with pytest.raises(NotNow, match="another update") as failure:
            appliance.updater().apply(source, offer)
        refused.append(failure.value.what)

    appliance.assert_wholly(appliance.updater(another_tries).apply(source, offer))
    assert len(refused) == 1


def test_what_hangs_is_ended(appliance: Appliance, old: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("device.updates.candidate.ENVIRONMENT_WITHIN_S", 0.3)
    script = appliance.clone("0.2.0") / "scripts" / "environment"
    script.write_text("#!/bin/sh\necho making\nsleep 60 & wait\n")
    source = appliance.publish_clone("0.2.0", script)
    began = time.monotonic()
    with pytest.raises(UpdateFailed, match="no end within"):
        appliance.updater().apply(source, appliance.offer(source))
    assert time.monotonic() - began < 10
    appliance.assert_wholly(old)


def test_a_journal_that_nobody_understands_stops_nothing(appliance: Appliance, old: str) -> None:
    appliance.places.work.mkdir()
    (appliance.places.work / "journal.json").write_text("{")
    appliance.updater().resume()
    appliance.assert_wholly(old)


def test_a_release_that_somebody_installed_meanwhile_is_left_alone(
    appliance: Appliance, old: str
) -> None:
    source = appliance.publish("0.2.0")
    offer = appliance.offer(source)
    # Killed in the middle, and then install.sh is run from another clone.
    appliance.cut(lambda: appliance.updater().apply(source, offer), at=60)
    other = appliance.install("0.3.0")
    appliance.boot()
    appliance.updater().resume()
    appliance.assert_wholly(other)

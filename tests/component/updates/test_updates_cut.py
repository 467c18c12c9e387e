"""The power goes at every single step that an update takes on the disk.

The steps are not listed here: Python's audit hooks report each file that is opened for
writing, renamed, linked or removed and each program that is started, and the process is
killed before the first of them, before the second, and so on to the last. After each cut
the machine boots whatever the link names, and what was begun is ended; and the power may
go in that, too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from device.updates.errors import DidNotProve
from device.updates.journal import Journal, UpdatePhase

pytestmark = pytest.mark.timeout(900)  # about a minute in all, where nobody else works
Appliance = Any
"""The class of this name in conftest.py."""


@pytest.fixture
def old(appliance: Appliance) -> str:
    """The release that runs before each test."""
    name: str = appliance.install("0.1.0")
    appliance.boot()
    return name


def resume(appliance: Appliance) -> None:
    """What bittern-update-guard.service does at every start."""
    with contextlib.suppress(DidNotProve):
        appliance.updater().resume()


def cuts(
    appliance: Appliance, act: Callable[[], object], stride: int = 1, preparing: int = 5
) -> Iterator[int]:
    """Cut before every step, each time from the same beginning; yields after each boot.

    While the new release is only being prepared, most steps are one file of it more: of
    those every fifth will do. With BITTERN_EVERY_STEP set, nothing is left out anywhere.
    """
    image = appliance.image()
    whole = appliance.cut(act, at=0)
    assert whole > 5, "it cannot take so few steps: the hook sees nothing"
    at = 1
    while at <= whole:
        appliance.restore(image)
        assert appliance.cut(act, at) == at
        entry = Journal(appliance.places.work).read()
        is_preparing = entry is not None and entry.phase is UpdatePhase.PREPARING
        appliance.boot()
        yield at
        if os.environ.get("BITTERN_EVERY_STEP"):
            at += 1
        else:
            at += preparing if is_preparing else stride
    appliance.restore(image)


def test_a_good_release_is_wholly_in_use_or_not_at_all(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0", model="a better model")
    offer = appliance.offer(source)
    steps, ends = [], []
    for at in cuts(appliance, lambda: appliance.updater().apply(source, offer)):
        steps.append(at)
        resume(appliance)
        ends.append(appliance.places.which(appliance.places.current))
        appliance.assert_wholly(ends[-1])
    assert steps[-1] > 100, "an update takes more steps than that"
    # First always the old, from some step on always the new.
    assert ends == sorted(ends, key=[old, offer.id].index)
    assert set(ends) == {old, offer.id}


def test_a_bad_release_is_never_in_use_in_the_end(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0", "start", model="another model", schema=2)
    offer = appliance.offer(source)
    phases = set()
    for _ in cuts(appliance, lambda: appliance.updater().apply(source, offer)):
        entry = Journal(appliance.places.work).read()
        phases.add(entry.phase if entry else None)
        resume(appliance)
        appliance.assert_wholly(old)
        assert not appliance.places.release(offer.id).exists()
    assert phases == {None, *UpdatePhase}


def test_the_way_back_by_hand_is_whole_too(appliance: Appliance, old: str) -> None:
    source = appliance.publish("0.2.0", model="a better model", schema=2)
    new = appliance.updater().apply(source, appliance.offer(source))
    ends = []
    for _ in cuts(appliance, lambda: appliance.updater().roll_back(older_data=True)):
        resume(appliance)
        ends.append(appliance.places.which(appliance.places.current))
        appliance.assert_wholly(ends[-1])
        assert appliance.places.release(old).is_dir(), "the way back is never thrown away"
    assert ends == sorted(ends, key=[new, old].index)
    assert set(ends) == {old, new}


@pytest.mark.parametrize("flaw", [(), ("start",)])
def test_the_power_may_go_in_the_resumption_too(
    appliance: Appliance, old: str, flaw: tuple[str, ...]
) -> None:
    """Cut off in each phase once, and then at every third step of what ends that."""
    source = appliance.publish("0.2.0", *flaw, model="another model")
    offer = appliance.offer(source)
    resumed: set[UpdatePhase] = set()
    for _ in cuts(appliance, lambda: appliance.updater().apply(source, offer), 4, 20):
        entry = Journal(appliance.places.work).read()
        if entry is None or entry.phase in resumed:
            continue
        for _ in cuts(appliance, lambda: resume(appliance), 3, 3):
            resumed.add(entry.phase)
            resume(appliance)
            end = appliance.places.which(appliance.places.current)
            assert end == old or not flaw
            appliance.assert_wholly(end)
    assert (
        resumed == set(UpdatePhase)
        if flaw
        else resumed == set(UpdatePhase) - {UpdatePhase.RETURNING}
    )


def test_a_release_that_takes_the_machine_down_with_it_is_given_up(
    appliance: Appliance, old: str
) -> None:
    """Its proof is cut off each time: after two times it is not tried a third time."""
    source = appliance.publish("0.2.0", model="another model")
    offer = appliance.offer(source)

    def until_proving(act: Callable[[], object]) -> None:
        for at in range(1, 1000, 3):
            appliance.restore(image)
            appliance.cut(act, at)
            entry = Journal(appliance.places.work).read()
            if entry is not None and entry.phase is UpdatePhase.PROVING and entry.attempts > before:
                return
        raise AssertionError("it never came to the proof")

    for attempt, act in enumerate(
        [lambda: appliance.updater().apply(source, offer), lambda: resume(appliance)]
    ):
        image, before = appliance.image(), attempt
        until_proving(act)
        appliance.boot()
        assert appliance.places.which(appliance.places.current) == offer.id
    with pytest.raises(DidNotProve, match="cut off"):
        appliance.updater().resume()
    appliance.assert_wholly(old)

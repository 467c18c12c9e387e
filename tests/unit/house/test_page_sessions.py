"""Who was let in stays so until it is revoked or long away, and no token is on the disk."""

from __future__ import annotations

import pytest

from device.house.page_sessions import (
    FORGOTTEN_AFTER_S,
    LONGEST_NAME,
    MOST_SESSIONS,
    WRITTEN_EVERY_S,
    PageSessions,
    SessionError,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_token_is_known_after_a_restart_and_is_not_on_the_disk(tmp_path, clock):
    file = tmp_path / "sessions.json"
    token = await PageSessions(file, clock).open("Anna's phone")
    again = PageSessions(file, clock)
    assert (await again.visit(token)).name == "Anna's phone"
    assert token not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SessionError):
        await again.visit(token + "x")
    with pytest.raises(SessionError):
        await again.visit("")


async def test_who_is_revoked_is_out_for_good(tmp_path, clock):
    file = tmp_path / "sessions.json"
    sessions = PageSessions(file, clock)
    tokens = [await sessions.open(name) for name in ("a", "b", "c")]
    (second,) = [each.id for each in sessions.all() if each.name == "b"]
    assert await sessions.revoke(second) == 1
    assert await sessions.revoke(99) == 0
    for known in (sessions, PageSessions(file, clock)):
        assert [each.name for each in known.all()] == ["a", "c"]
        with pytest.raises(SessionError):
            await known.visit(tokens[1])
    assert await sessions.revoke() == 2
    assert PageSessions(file, clock).all() == []


async def test_a_number_is_not_given_again_while_others_are_there(tmp_path, clock):
    sessions = PageSessions(tmp_path / "sessions.json", clock)
    for name in "abc":
        await sessions.open(name)
    await sessions.revoke(2)
    await sessions.open("d")
    assert sorted(each.id for each in sessions.all()) == [1, 3, 4]


async def test_who_is_long_away_is_forgotten_and_visits_are_seldom_written(tmp_path, clock):
    file = tmp_path / "sessions.json"
    sessions = PageSessions(file, clock)
    token = await sessions.open("a")
    written = file.read_bytes()
    clock.now_s += WRITTEN_EVERY_S - 1
    await sessions.visit(token)
    assert file.read_bytes() == written
    clock.now_s += 1
    await sessions.visit(token)
    assert file.read_bytes() != written
    clock.now_s += FORGOTTEN_AFTER_S - 1
    await sessions.visit(token)
    clock.now_s += FORGOTTEN_AFTER_S
    with pytest.raises(SessionError):
        await sessions.visit(token)


async def test_the_one_that_was_away_longest_makes_room(tmp_path, clock):
    sessions = PageSessions(tmp_path / "sessions.json", clock)
    tokens = []
    for number in range(MOST_SESSIONS + 1):
        clock.now_s += 1
        tokens.append(await sessions.open(f"{number}" * 99))
    assert len(sessions.all()) == MOST_SESSIONS
    assert len(sessions.all()[0].name) == LONGEST_NAME
    with pytest.raises(SessionError):
        await sessions.visit(tokens[0])
    await sessions.visit(tokens[-1])


async def test_a_damaged_file_lets_nobody_in(tmp_path, clock, caplog):
    file = tmp_path / "sessions.json"
    file.write_text('[{"id": 1}]')
    assert PageSessions(file, clock).all() == []
    assert "nobody" in caplog.text.lower() or "no browser" in caplog.text

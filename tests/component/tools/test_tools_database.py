"""The file of the house: whole after anything, and the house goes on without it."""

from __future__ import annotations

import random
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from device.tools.database import (
    CANNOT_SAVE,
    LOST_SOME,
    RESTORED,
    Database,
    StoreBusyError,
    StoreError,
)
from device.tools.rescue import second_copy


def fill(database: Database, rows: int = 40) -> None:
    with database.transaction() as run:
        for number in range(rows):
            run("INSERT INTO items (list, text) VALUES (?, ?)", ("shopping", f"thing {number}"))
        run("INSERT INTO entries VALUES (?, ?)", (7, "x" * 3_000))


def texts(database: Database) -> list[object]:
    return [row[0] for row in database.rows("SELECT text FROM items ORDER BY id")]


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.set-aside-*"))


def test_what_is_written_is_there_the_next_time(store_path: Path) -> None:
    with closing(Database.open(store_path)) as database:
        fill(database)
    with closing(Database.open(store_path)) as database:
        assert len(texts(database)) == 40
        assert database.troubles == []
    assert store_path.parent.stat().st_mode & 0o077 == 0


def test_it_is_set_up_to_survive_a_power_cut(store_path: Path) -> None:
    with closing(Database.open(store_path)) as database:
        pragmas = {
            name: database.rows(f"PRAGMA {name}")[0][0]
            for name in ("journal_mode", "synchronous", "locking_mode", "auto_vacuum")
        }
        assert pragmas == {
            "journal_mode": "persist",
            "synchronous": 2,
            "locking_mode": "exclusive",
            "auto_vacuum": 0,
        }
        (free_pages,) = database.rows("PRAGMA freelist_count")[0]
        assert int(str(free_pages)) >= 8
    assert Path(f"{store_path}-journal").stat().st_size > 16 * 4_096


def insert_two(database: Database, second: str) -> None:
    with database.transaction() as run:
        run("INSERT INTO items (list, text) VALUES ('a', 'b')", ())
        run(f"INSERT INTO items (list, text) VALUES ('a', {second})", ())


def insert_and_fail(database: Database) -> None:
    with database.transaction() as run:
        run("INSERT INTO items (list, text) VALUES ('a', 'b')", ())
        raise ZeroDivisionError


def test_a_transaction_is_whole_or_not_at_all(store_path: Path) -> None:
    with closing(Database.open(store_path)) as database:
        for wrong in ("NULL", "nonsense"):
            with pytest.raises(StoreError):
                insert_two(database, wrong)
        with pytest.raises(ZeroDivisionError):
            insert_and_fail(database)
        assert texts(database) == []
        fill(database, 1)
        assert texts(database) == ["thing 0"]


def test_a_second_process_is_kept_out(store_path: Path) -> None:
    with closing(Database.open(store_path)):
        code = "import sys, pathlib; from device.tools.database import Database; "
        code += "Database.open(pathlib.Path(sys.argv[1]))"
        command = [sys.executable, "-c", code, str(store_path)]
        other = subprocess.run(command, capture_output=True, text=True)
        assert "StoreBusyError" in other.stderr
        assert "in use by another process" in other.stderr
        with pytest.raises(StoreBusyError, match="in use"):
            Database.open(store_path)
    Database.open(store_path).close()


class TestDamage:
    @pytest.mark.parametrize("content", [b"", b"not a database at all" * 500, b"\0" * 8_192])
    def test_no_database_at_all(self, store_path: Path, content: bytes) -> None:
        store_path.parent.mkdir()
        store_path.write_bytes(content)
        with closing(Database.open(store_path)) as database:
            fill(database)
            assert database.troubles == [LOST_SOME]
        assert len(aside(store_path)) == 1

    @pytest.mark.parametrize("keep", [100, 4_096, 9_000, 20_000])
    def test_cut_short(self, store_path: Path, keep: int) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database)
        store_path.write_bytes(store_path.read_bytes()[:keep])
        with closing(Database.open(store_path)) as database:
            assert database.troubles == [RESTORED]
            assert len(texts(database)) == 40
            assert database.rows("SELECT id FROM entries") == [(7,)]
        assert aside(store_path)[0].stat().st_size == keep
        with closing(Database.open(store_path)) as database:
            assert database.troubles == []

    def test_what_can_be_read_is_taken_over(self, store_path: Path) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database, rows=2_000)
        content = bytearray(store_path.read_bytes())
        middle = content.find(b"thing 1000") // 4_096 * 4_096
        assert middle > 0
        content[middle : middle + 4_096] = b"\xff" * 4_096
        store_path.write_bytes(content)
        second_copy(store_path).write_bytes(b"no better")
        with closing(Database.open(store_path)) as database:
            assert database.troubles
            saved = texts(database)
            assert "thing 0" in saved
            assert "thing 1999" in saved
            assert "thing 1000" not in saved
            assert len(saved) > 1_500
            assert len(saved) == len(set(saved))
            assert database.rows("SELECT id FROM entries") == [(7,)]

    def test_the_journal_goes_with_the_file(self, store_path: Path) -> None:
        """A journal left behind would be played into the new file."""
        with closing(Database.open(store_path)) as database:
            fill(database)
        store_path.write_bytes(b"rubbish" * 1_000)
        second_copy(store_path).unlink()
        with closing(Database.open(store_path)) as database:
            assert texts(database) == []
        assert [path.name.endswith("-journal") for path in aside(store_path)] == [False, True]

    def test_a_file_of_a_later_bittern_is_kept_and_its_rows_are_taken_over(
        self, store_path: Path
    ) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database)
        with closing(sqlite3.connect(store_path)) as later:
            later.execute("ALTER TABLE items ADD COLUMN done INTEGER DEFAULT 0")
            later.execute("PRAGMA user_version=99")
        with closing(Database.open(store_path)) as database:
            assert len(texts(database)) == 40
        assert aside(store_path)

    def test_every_byte_may_be_wrong(self, store_path: Path) -> None:
        """One bit turned anywhere in the header or the schema: opened, or set aside."""
        with closing(Database.open(store_path)) as database:
            fill(database, 3)
        good = store_path.read_bytes()
        for position in range(0, 4_096, 37):
            bad = bytearray(good)
            bad[position] ^= 0x41
            store_path.write_bytes(bad)
            with closing(Database.open(store_path)) as database:
                database.rows("SELECT * FROM entries")
            for path in aside(store_path):
                path.unlink()

    @pytest.mark.parametrize("is_there", [True, False])
    def test_a_store_that_lost_everything_is_had_from_the_second_copy(
        self, store_path: Path, is_there: bool
    ) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database)
        store_path.unlink()
        if is_there:
            store_path.touch()
        with closing(Database.open(store_path)) as database:
            assert database.troubles == [RESTORED]
            assert len(texts(database)) == 40

    def test_the_second_copy_is_as_new_as_the_store(self, store_path: Path) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database, 1)
            database.tidy()
            copied = second_copy(store_path)
            assert copied.stat().st_mode & 0o077 == 0
            with closing(sqlite3.connect(copied)) as copy:
                assert copy.execute("SELECT text FROM items").fetchall() == [("thing 0",)]


class TestGone:
    """What is deleted is in no file of the folder any more."""

    def test_after_any_evening_of_changes(self, store_path: Path) -> None:
        chance = random.Random(11)
        there: set[str] = set()
        with closing(Database.open(store_path)) as database:
            for turn in range(25):
                with database.transaction() as run:
                    for _ in range(chance.randrange(30)):
                        text = f"secret{chance.getrandbits(64):016x}" + "z" * chance.randrange(400)
                        run("INSERT INTO items (list, text) VALUES ('a', ?)", (text,))
                        there.add(text)
                gone = set(chance.sample(sorted(there), k=len(there) * chance.randrange(5) // 5))
                with database.transaction() as run:
                    for text in gone:
                        run("DELETE FROM items WHERE text = ?", (text,))
                there -= gone
                database.tidy(is_wanted_gone=True)
                assert left_in(store_path.parent) == {text[:22] for text in there}, turn

    def test_a_damaged_file_goes_with_what_it_held(self, store_path: Path) -> None:
        with closing(Database.open(store_path)) as database, database.transaction() as run:
            run("INSERT INTO items (list, text) VALUES ('a', ?)", ("secret" + "0" * 16,))
        with store_path.open("rb+") as file:
            file.truncate(store_path.stat().st_size - 4_096)
        with closing(Database.open(store_path)) as database:
            assert aside(store_path)
            with database.transaction() as run:
                run("DELETE FROM items", ())
            database.tidy(is_wanted_gone=True)
            assert left_in(store_path.parent) == set()


def left_in(folder: Path) -> set[str]:
    """The secrets in all files of a folder, as their bytes stand there."""
    found: set[str] = set()
    for path in folder.iterdir():
        found |= {match.decode() for match in re.findall(rb"secret[0-9a-f]{16}", path.read_bytes())}
    return found


class TestNoDisk:
    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with closing(Database.open(tmp_path / "file" / "house.sqlite")) as database:
            assert database.troubles == [CANNOT_SAVE]
            fill(database)
            assert len(texts(database)) == 40

    def test_the_disk_is_used_as_soon_as_it_can_be(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        blocked = tmp_path / "state"
        blocked.write_text("")
        path = blocked / "house.sqlite"
        clock = [1_000.0]
        monkeypatch.setattr("device.tools.database.time.monotonic", lambda: clock[0])
        with closing(Database.open(path)) as database:
            assert not database.is_durable
            fill(database)
            blocked.unlink()
            assert not database.settle()
            clock[0] += 30
            assert database.settle()
        with closing(Database.open(path)) as database:
            assert len(texts(database)) == 40
            assert database.is_durable

    def test_a_folder_in_its_place(self, store_path: Path) -> None:
        store_path.mkdir(parents=True)
        with closing(Database.open(store_path)) as database:
            assert database.troubles == [CANNOT_SAVE]
        assert store_path.is_dir()

    def test_a_disk_that_fills_up_is_an_error_and_the_file_stays_whole(
        self, store_path: Path
    ) -> None:
        with closing(Database.open(store_path)) as database:
            fill(database)
            (pages,) = database.rows("PRAGMA page_count")[0]
            database.rows(f"PRAGMA max_page_count={pages}")
            with pytest.raises(StoreError, match="full"):
                fill(database, rows=5_000)
            assert len(texts(database)) == 40
            fill_one = "INSERT INTO items (list, text) VALUES ('a', 'fits')"
            with database.transaction() as run:
                run(fill_one, ())
        with closing(Database.open(store_path)) as database:
            assert len(texts(database)) == 41
            assert database.troubles == []

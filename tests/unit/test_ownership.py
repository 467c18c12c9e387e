"""Root writes where nobody else can lead it astray."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.ownership import (
    NotOursAloneError,
    changeable_by_others,
    must_be_ours_alone,
    opened_folder,
)

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of another user's, with one of root's in it, as the models once lay."""
    folder = tmp_path / "state"
    (folder / "models").mkdir(parents=True)
    os.chown(folder, NOBODY, NOBODY)
    return folder


def test_a_folder_of_our_own_is_ours_alone(tmp_path: Path) -> None:
    assert changeable_by_others(tmp_path / "not" / "there" / "yet") == ""
    must_be_ours_alone(tmp_path, "")


@as_root
def test_a_folder_of_root_s_in_one_of_another_user_s_is_not(theirs: Path) -> None:
    assert "belongs to nobody" in changeable_by_others(theirs / "models")
    with pytest.raises(NotOursAloneError, match="belongs to nobody"):
        must_be_ours_alone(theirs / "models" / "new", "")


@as_root
def test_a_folder_that_all_may_write_to_is_not_unless_it_is_sticky(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    assert "others may write" in changeable_by_others(folder / "file")
    folder.chmod(0o1777)
    assert changeable_by_others(folder / "file") == ""


@as_root
def test_a_link_is_judged_by_where_it_leads(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(theirs)
    assert "belongs to nobody" in changeable_by_others(tmp_path / "link" / "models")
    (tmp_path / "round").symlink_to("round")
    changeable_by_others(tmp_path / "round" / "and round")


@as_root
def test_a_folder_is_opened_by_no_link_of_another_user_s(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (theirs / "models").rmdir()
    (theirs / "models").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError), opened_folder(theirs / "models"):
        pass
    (tmp_path / "of root").symlink_to(theirs)
    with opened_folder(tmp_path / "of root") as folder:
        assert os.listdir(folder) == ["models"]

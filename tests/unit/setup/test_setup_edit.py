"""Changing single keys in a file that a person wrote."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.settings.edit import KeyChange, edited
from device.settings.setup_errors import SetupError

MINE = """\
# my kitchen
[microphone]   # the good one
# it stands on the shelf
device = "USB"  # not the "old" one # really
channel = 1

[wake]
words = [
    "hey jarvis",  # everybody
]

[[endpoint]]
name = "house"
url = "ws://house:1"

[[endpoint]]
name = "openai"
"""


def change(text: str, *path: str, to: Any) -> str:
    return edited(text, [KeyChange(path, to)])


def test_a_value_changes_and_its_comments_stay() -> None:
    new = change(MINE, "microphone", "device", to='a "new" one')
    assert 'device = "a \\"new\\" one"  # not the "old" one # really\n' in new
    assert new.replace('"a \\"new\\" one"', '"USB"') == MINE


def test_a_value_over_several_lines() -> None:
    new = change(MINE, "wake", "words", to=("alexa",))
    assert '[wake]\nwords = ["alexa"]\n' in new


def test_a_new_key_joins_its_table() -> None:
    new = change(MINE, "microphone", "gain_db", to=3.0)
    assert tomllib.loads(new)["microphone"] == {"device": "USB", "channel": 1, "gain_db": 3.0}
    assert "# it stands on the shelf\ndevice" in new


def test_a_new_table_comes_last() -> None:
    assert change(MINE, "panel", "board", to="none") == f'{MINE}\n[panel]\nboard = "none"\n'
    assert change("", "panel", "board", to="none") == '[panel]\nboard = "none"\n'


def test_endpoints_go_by_their_names() -> None:
    new = tomllib.loads(change(MINE, "endpoint", "openai", "key_file", to="/k"))
    assert new["endpoint"][1] == {"name": "openai", "key_file": "/k"}
    new = tomllib.loads(change(MINE, "endpoint", "other", "key_file", to="/k"))
    assert new["endpoint"][2] == {"name": "other", "key_file": "/k"}


@pytest.mark.parametrize("rest", ["}\n", ", channel = 2 } # so\n"])
def test_a_table_in_one_line_stays_one(rest: str) -> None:
    new = change(f'# mine\nmicrophone = {{ device = "USB"{rest}', "microphone", "device", to="x")
    assert new == f'# mine\nmicrophone = {{ device = "x"{rest}'


@pytest.mark.parametrize("text", ["microphone = 5\n", 'microphone = ["USB"]\n'])
def test_what_cannot_be_changed_safely_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="cannot be changed safely") as refused:
        change(text, "microphone", "device", to="other")
    assert refused.value.advice == "Write 'device = \"other\"' into [microphone] yourself."


def test_a_table_is_kept_apart_from_what_stands_before_it() -> None:
    new = change("# nothing else\n", "panel", "board", to="none")
    assert new == '# nothing else\n\n[panel]\nboard = "none"\n'
    new = change(f"{MINE}# the end", "endpoint", "other", "key_file", to="/k")
    assert MINE in new
    assert '\n\n[[endpoint]]\nname = "other"\nkey_file = "/k"\n' in new


def test_dotted_keys() -> None:
    new = change('microphone.device = "USB" # here\n', "microphone", "device", to="other")
    assert new == 'microphone.device = "other" # here\n'


VALUES = st.one_of(st.integers(-9, 99), st.booleans(), st.text(max_size=12))
TABLES = st.sampled_from(["microphone", "speaker", "wake", "panel"])
KEYS = st.sampled_from(["device", "channel", "board", "volume_percent"])


@given(
    st.dictionaries(TABLES, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4),
    TABLES, KEYS, VALUES, st.sampled_from(["", "  # a remark", " # with a # and a \""]),
)  # fmt: skip
def test_only_that_key_changes(
    tables: dict[str, dict[str, Any]], table: str, key: str, value: Any, remark: str
) -> None:
    lines = []
    for name, keys in tables.items():
        lines += [f"# about {name}", f"[{name}]"]
        lines += [
            str(KeyChange((name, each), v)).partition(".")[2] + remark for each, v in keys.items()
        ]
    text = "\n".join([*lines, ""])
    new = change(text, table, key, to=value)
    expected = {**tables, table: {**tables.get(table, {}), key: value}}
    assert tomllib.loads(new) == expected
    assert all(line in new for line in lines if line.startswith("#"))

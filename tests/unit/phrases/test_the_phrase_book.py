"""Every phrase that is said is in the book, with its slots; no sentence is anywhere else."""

from __future__ import annotations

import ast
import datetime as dt
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.phrases.book import Day, Phrase, PhraseBook, phrase
from device.phrases.en import ENGLISH, FORMS, NOTICES
from device.phrases.replies import load_replies

DEVICE = Path(__file__).parents[3] / "device"
ROOMS = (
    "tools", "room", "house", "assistant", "ears", "audio/sounds.py", "brain/answering",
    "brain/understanding",
)  # fmt: skip
"""Where whatever is said is said by phrase. What the rest of the brain writes is errors of the
protocol, for programs."""
READ = {
    "Your answer is spoken aloud: plain sentences, no lists, no markup.",
    "See `quiet_from` and `quiet_to` of [speaker] in the settings.",
    "Try again in a moment.",
    "The words of the user's last question were lost. What follows was done for it already: "
    "say in one short sentence what came of it, and do none of it again.",
}
"""Advice that `bittern say` prints, and what a model is told that no person hears."""
VARYING = {
    "no_such_": ("timer", "alarm", "reminder"),
    "which_of_": ("timers", "alarms", "reminders"),
}
"""Keys that are put together from a noun."""


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(DEVICE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name:
                yield f"{file.relative_to(DEVICE)}:{node.lineno}", node


def keys_of(call: ast.Call) -> list[str]:
    match call.args[0]:
        case ast.Constant(value=str(key)):
            return [key]
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), _, *tail]):
            end = "".join(str(part.value) for part in tail if isinstance(part, ast.Constant))
            nouns = [noun for noun in VARYING[head] if noun.endswith(end)]
            return [head + noun for noun in nouns]
        case _:
            raise AssertionError(f"a key that cannot be read: {ast.unparse(call)}")


def used() -> list[tuple[str, str, set[str]]]:
    return [
        (where, key, {str(keyword.arg) for keyword in call.keywords})
        for where, call in calls("phrase")
        for key in keys_of(call)
    ]


def test_every_key_is_in_the_book_and_every_slot_is_filled() -> None:
    wrong = [
        f"{where}: {key} {sorted(slots)}"
        for where, key, slots in used()
        if key not in ENGLISH.sentences or ENGLISH.slots_of(key) != slots
    ]
    assert not wrong
    assert len(used()) > 80


def test_nothing_in_the_book_is_never_said() -> None:
    said = {key for _, key, _ in used()}
    assert sorted(set(ENGLISH.sentences) - said - set(NOTICES)) == []


def test_every_form_of_the_book_exists() -> None:
    for key, sentence in ENGLISH.sentences.items():
        for _, slot, form, _ in ENGLISH._filler.parse(sentence):
            name = (form or "").partition(" ")[0].lower()
            assert slot is None or not name or name in FORMS, (key, form)


def sentences_in(file: Path) -> Iterator[str]:
    """Literals that read like something said: a capital, several words, a full stop."""
    tree = ast.parse(file.read_text())
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in documented | bare:
                pass
            case ast.JoinedStr(values=parts):
                text = "".join(str(getattr(part, "value", "")) if isinstance(part, ast.Constant)
                    else "X" for part in parts)  # fmt: skip
            case _:
                continue
        if text[:1].isupper() and " " in text and text[-1] in ".?!" and text not in READ:
            if text.endswith(" ?"):
                continue  # a statement for the database
            yield f"{file.relative_to(DEVICE)}:{node.lineno}: {text}"


def said_and_not_advice(file: Path) -> list[str]:
    """Leave out what a ``BitternError`` holds: it is read in a terminal or a log, not heard."""
    tree = ast.parse(file.read_text())
    advice = {
        inner.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "").endswith("Error")
        and getattr(node.func, "id", "") != "ToolError"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant)
    }
    return [each for each in sentences_in(file) if int(each.split(":")[1]) not in advice]


def test_no_sentence_is_anywhere_else() -> None:
    files = [
        file
        for room in ROOMS
        for file in ([DEVICE / room] if room.endswith(".py") else (DEVICE / room).rglob("*.py"))
    ]
    assert len(files) > 50
    assert [each for file in sorted(files) for each in said_and_not_advice(file)] == []


@pytest.mark.parametrize("file", ["reports.py", "choice.py", "saying.py", "self_reliance.py"])
def test_what_the_brain_reports_is_put_together_of_phrases(file: str) -> None:
    """Not even half a sentence: two words in one literal, or one beside what is filled in."""
    tree = ast.parse((DEVICE / "brain" / "answering" / file).read_text())
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare
    ]
    assert [text for text in words if re.search(r"[a-z'] [a-z]|^[a-z']+ $|^ [a-z]+", text)] == []


def test_the_check_finds_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.DEVICE", tmp_path)
    file = tmp_path / "new_tool.py"
    whole = 'def f():\n    return "Your lamp is on."\n'
    filled = 'def g(x):\n    return f"{x} is on."\n'
    file.write_text('"""Not this one."""\n' + whole + filled)
    found = said_and_not_advice(file)
    assert found == ["new_tool.py:3: Your lamp is on.", "new_tool.py:5: X is on."]


SLOTS = {
    "left": 90.0, "late": 90.0, "length": 600.0, "time": dt.time(7, 5), "count": 2, "days": (0, 1),
    "percent": 40, "more": 3, "date": dt.date(2026, 11, 30), "items": ["milk", "bread"],
    "choice": ["the a", "the b"], "alarms": ["alarm", "alarm"], "address": "10.0.0.1",
    "code": "012345", "day": Day(dt.date(2026, 12, 1), dt.date(2026, 11, 30)),
}  # fmt: skip


@pytest.mark.parametrize("key", sorted(ENGLISH.sentences))
def test_every_phrase_can_be_said(key: str) -> None:
    slots = {slot: SLOTS.get(slot, "pasta") for slot in ENGLISH.slots_of(key)}
    if key == "status_running":
        slots["time"] = 3_600.0
    if key in ("date_ahead", "date_past"):
        slots["days"] = 2
    said = ENGLISH.say(Phrase(key, slots))
    assert said
    assert "{" not in said


def test_values_are_said_in_the_form_that_the_sentence_wants() -> None:
    said = phrase("timer_left", timer=phrase("timer_named", name="pasta {1}"), left=90)
    assert ENGLISH.say(said) == "Your pasta {1} timer has one minute and thirty seconds left."
    assert ENGLISH.say([said, phrase("not_kept")]).endswith("left. I couldn't save it, so it "
        "will be lost if I lose power.")  # fmt: skip
    one = phrase("list_has_not", items=["milk"], count=1, name="shopping")
    assert ENGLISH.say(one) == "Milk is not on your shopping list."
    two = phrase("list_has_not", items=["milk", "oil"], count=2, name="shopping")
    assert ENGLISH.say(two) == "Milk and oil are not on your shopping list."
    assert ENGLISH.say("as the user said it") == "as the user said it"


def test_another_language_says_it_in_its_own_way() -> None:
    german = PhraseBook("de", {"timer_set": "{length:minuten} ab jetzt.", "x": "{length:Minuten}"},
        {"minuten": lambda _, value, __: f"noch {value // 60:.0f} Minuten"})  # fmt: skip
    assert german.say(phrase("timer_set", length=600.0)) == "noch 10 Minuten ab jetzt."
    assert german.say(phrase("x", length=600.0)) == "Noch 10 Minuten"


def test_what_is_missing_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        ENGLISH.say(phrase("nobody_says_this"))
    with pytest.raises(KeyError):
        ENGLISH.say(phrase("timer_left", timer="timer"))


def test_no_reply_of_the_brain_is_never_said() -> None:
    """By its key, by the name of an intent, or by a key put together of a kind."""
    files = [*(DEVICE / "brain").rglob("*.py"), *(DEVICE / "brain").rglob("*.yaml")]
    known = set(re.findall(r"\w+", "\n".join(file.read_text() for file in files)))
    put_together = ("about_", "emergency_")
    replies = load_replies("en", random.Random(0))
    assert len(replies.ways) > 100
    unsaid = [key for key in replies.ways if key.removesuffix("_about") not in known]
    assert [key for key in unsaid if not key.startswith(put_together)] == []

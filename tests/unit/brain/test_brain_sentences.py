"""Sentences out of text that comes in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.brain.base.sentences import SentenceSplitter


def split(*pieces: str) -> list[str]:
    splitter = SentenceSplitter()
    found = [sentence for piece in pieces for sentence in splitter.feed(piece)]
    return found + splitter.finish()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello there. How are you?", ["Hello there. ", "How are you?"]),
        ("It is 3.5 degrees. Cold!", ["It is 3.5 degrees. ", "Cold!"]),
        ("Dr. Smith is in.", ["Dr. Smith is in."]),
        ("Use e.g. salt. Or not.", ["Use e.g. salt. ", "Or not."]),
        ('He said "no." Then he left.', ['He said "no." ', "Then he left."]),
        ("Wait... what? No.", ["Wait... ", "what? ", "No."]),
        ("one\ntwo\nthree", ["one\n", "two\n", "three"]),
        ("no end", ["no end"]),
        ("", []),
        ("  ", []),
        ("J. R. Smith wrote it. Good.", ["J. R. Smith wrote it. ", "Good."]),
    ],
)
def test_sentences(text, sentences):
    assert split(text) == sentences
    assert split(*text) == sentences


def test_a_sentence_is_given_as_soon_as_the_next_word_begins():
    splitter = SentenceSplitter()
    assert splitter.feed("Hello there.") == []
    assert splitter.feed(" ") == ["Hello there. "]


def test_the_first_clause_of_a_long_beginning_is_given_at_once():
    splitter = SentenceSplitter()
    assert splitter.feed("Once upon a time there was a little dog called Rex, ") != []
    assert splitter.feed("who lived in a small house in the middle of the woods, ") == []
    assert SentenceSplitter().feed("Well, yes, ") == []


def test_a_long_sentence_is_cut_at_a_comma():
    text = "This is the first part of it, and this is the second, " * 6
    cut = split(text)
    assert len(cut) > 1
    assert all(len(part) <= 240 for part in cut)
    assert all(part.rstrip().endswith(",") for part in cut)


def test_a_long_row_of_words_is_cut_between_words():
    cut = split("word " * 100)
    assert all(len(part) <= 240 and part.endswith("word ") for part in cut)


def test_a_word_without_end_is_cut_somewhere():
    assert all(len(part) <= 240 for part in split("x" * 1000))


@given(st.lists(st.text(alphabet="ab. ,!?\n", max_size=60), max_size=20))
def test_nothing_is_lost_and_nothing_added(pieces):
    text = "".join(pieces)
    assert "".join(split(*pieces)).rstrip() == text.rstrip()

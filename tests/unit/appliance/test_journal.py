"""Log lines as the journal gets them."""

from __future__ import annotations

import logging
import os

import pytest

from device.appliance.journal import is_journalled
from device.assistant import news
from device.assistant.turn import Figures, Trigger
from device.realtime.failures import Reason
from device.reports import log_lines


def test_the_journal_reads_along_only_where_the_stream_is_its_own(tmp_path):
    with open(tmp_path / "stream", "w") as stream:
        status = os.fstat(stream.fileno())
        mine = f"{status.st_dev}:{status.st_ino}"
        assert is_journalled({"JOURNAL_STREAM": mine}, stream)
        assert not is_journalled({"JOURNAL_STREAM": f"{mine}0"}, stream)
        assert not is_journalled({}, stream)
    assert not is_journalled({"JOURNAL_STREAM": mine}, stream)


def _record(caplog: pytest.LogCaptureFixture, what: news.News, with_transcripts: bool = False):
    caplog.set_level(logging.DEBUG, "bittern")
    log_lines(with_transcripts, lambda: "speaking")(what)
    return caplog.records[-1]


def _ended(speech_end_s: float | None, first_audio_played_s: float | None) -> news.TurnEnded:
    times = (1.0, 1.2, 1.3, speech_end_s, 2.7, first_audio_played_s, 4.0)
    return news.TurnEnded(3, Figures(*times, trigger=Trigger.BUTTON, endpoint="brain"))


def test_a_turn_has_its_particulars_as_fields(caplog):
    record = _record(caplog, _ended(speech_end_s=2.0, first_audio_played_s=2.75))
    fields = {name: value for name, value in vars(record).items() if name.startswith("BITTERN_")}
    assert fields == {
        "BITTERN_EVENT": "turn",
        "BITTERN_TURN": 3,
        "BITTERN_STATE": "speaking",
        "BITTERN_ENDPOINT": "brain",
        "BITTERN_LATENCY_MS": 750,
    }


def test_a_question_that_was_typed_has_no_latency_of_speech(caplog):
    ended = _ended(speech_end_s=None, first_audio_played_s=2.75)
    assert not hasattr(_record(caplog, ended), "BITTERN_LATENCY_MS")


@pytest.mark.parametrize(
    ("what", "level"),
    [
        (news.WakeHeard(1, "hey jarvis", 0.9, 1.0), "INFO"),
        (news.LinkBroke(1, "cloud", Reason.DNS, "no such name"), "WARNING"),
        (news.Unanswered(1, "dns", ("cloud",)), "ERROR"),
    ],
)
def test_what_went_wrong_stands_out(caplog, what, level):
    assert _record(caplog, what).levelname == level


@pytest.mark.parametrize("kind", [news.QuestionHeard, news.AnswerSaid])
def test_what_was_said_is_in_no_field_unless_the_owner_wants_it(caplog, kind):
    spoken = kind(1, "my secret wish", "brain")
    assert "secret wish" not in str(vars(_record(caplog, spoken)))
    assert "secret wish" in str(vars(_record(caplog, spoken, with_transcripts=True)))


def test_what_a_tool_was_told_and_answered_is_hidden_too(caplog):
    used = news.ToolRan(1, "add_item", '{"a": "wine"}', "wine")
    record = _record(caplog, used)
    assert "wine" not in str(vars(record))
    assert "add_item" in record.getMessage()

"""Log lines as the journal gets them."""

from __future__ import annotations

import logging
import os

import pytest

from device.appliance.journal import is_journalled
from device.assistant.effects import Report
from device.reports import log_lines


def test_the_journal_reads_along_only_where_the_stream_is_its_own(tmp_path):
    with open(tmp_path / "stream", "w") as stream:
        status = os.fstat(stream.fileno())
        mine = f"{status.st_dev}:{status.st_ino}"
        assert is_journalled({"JOURNAL_STREAM": mine}, stream)
        assert not is_journalled({"JOURNAL_STREAM": f"{mine}0"}, stream)
        assert not is_journalled({}, stream)
    assert not is_journalled({"JOURNAL_STREAM": mine}, stream)


def _record(caplog: pytest.LogCaptureFixture, report: Report, with_transcripts: bool = False):
    caplog.set_level(logging.DEBUG, "bittern")
    log_lines(with_transcripts, lambda: "speaking")(report)
    return caplog.records[-1]


def test_a_turn_has_its_particulars_as_fields(caplog):
    figures = {"speech_end_s": 2.0, "first_audio_played_s": 2.75, "endpoint": "brain"}
    record = _record(caplog, Report("turn", 3, figures))
    fields = {name: value for name, value in vars(record).items() if name.startswith("BITTERN_")}
    assert fields == {
        "BITTERN_EVENT": "turn",
        "BITTERN_TURN": 3,
        "BITTERN_STATE": "speaking",
        "BITTERN_ENDPOINT": "brain",
        "BITTERN_LATENCY_MS": 750,
    }


def test_a_question_that_was_typed_has_no_latency_of_speech(caplog):
    figures = {"speech_end_s": None, "first_audio_played_s": 2.75, "endpoint": "brain"}
    assert not hasattr(_record(caplog, Report("turn", 3, figures)), "BITTERN_LATENCY_MS")


@pytest.mark.parametrize(
    ("event", "level"),
    [("wake", "INFO"), ("link_failed", "WARNING"), ("unanswered", "ERROR")],
)
def test_what_went_wrong_stands_out(caplog, event, level):
    assert _record(caplog, Report(event, 1, {"reason": "dns"})).levelname == level


@pytest.mark.parametrize("event", ["heard", "said"])
def test_what_was_said_is_in_no_field_unless_the_owner_wants_it(caplog, event):
    spoken = Report(event, 1, {"text": "my secret wish", "endpoint": "brain"})
    assert "secret wish" not in str(vars(_record(caplog, spoken)))
    assert "secret wish" in str(vars(_record(caplog, spoken, with_transcripts=True)))


def test_what_a_tool_was_told_and_answered_is_hidden_too(caplog):
    used = Report("tool", 1, {"name": "add_item", "arguments": '{"a": "wine"}', "result": "wine"})
    record = _record(caplog, used)
    assert "wine" not in str(vars(record))
    assert "add_item" in record.getMessage()

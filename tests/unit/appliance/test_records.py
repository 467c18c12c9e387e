"""The names and particulars that the log and ``--json`` have for what happens: a promise."""

from __future__ import annotations

import io
import json
from typing import get_args

import pytest

from device.assistant import news
from device.assistant.budget import BudgetLevel
from device.assistant.turn import Figures, Trigger
from device.realtime.failures import Reason
from device.reports import json_lines, record

FIGURES = Figures(1.0, 1.2, None, 2.0, 2.4, 2.5, 4.0, trigger=Trigger.WAKE_WORD, endpoint="cloud")
TIMES = {
    "wake_s": 1.0,
    "link_ready_s": 1.2,
    "first_audio_sent_s": None,
    "speech_end_s": 2.0,
    "first_audio_received_s": 2.4,
    "first_audio_played_s": 2.5,
    "done_s": 4.0,
}
SPENT = {"spent_usd": 8.5, "month_usd": 10.0}
RECORDS = [
    (news.TurnBegan(1, Trigger.BUTTON, 5), {"event": "button", "at_sample": 5}),
    (news.TurnBegan(1, Trigger.TYPED), {"event": "typed"}),
    (news.TurnBegan(1, Trigger.FOLLOW_UP, 5), {"event": "follow_up", "at_sample": 5}),
    (
        news.WakeHeard(1, "hey jarvis", 0.9, 2.5),
        {"event": "wake", "word": "hey jarvis", "score": 0.9, "at_s": 2.5},
    ),
    (news.NobodySpoke(1), {"event": "no_speech"}),
    (
        news.QuestionHeard(1, "what time is it", "cloud"),
        {"event": "heard", "text": "what time is it", "endpoint": "cloud"},
    ),
    (news.AnswerSaid(1, "It is six.", "cloud"), {"event": "said", "text": "It is six."}),
    (
        news.AnswerSaid(1, "It", "cloud", is_interrupted=True),
        {"event": "said", "interrupted": True},
    ),
    (
        news.ToolRan(1, "add", '{"a": 1}', '{"sum": 2}'),
        {"event": "tool", "name": "add", "arguments": {"a": 1}, "result": {"sum": 2}},
    ),
    (
        news.NoticeSaid(1, "no_answer", "Nobody answers."),
        {"event": "notice", "name": "no_answer", "text": "Nobody answers."},
    ),
    (
        news.LinkBroke(1, "cloud", Reason.DNS, "no such name"),
        {"event": "link_failed", "endpoint": "cloud", "reason": "dns", "detail": "no such name"},
    ),
    (
        news.EventRefused(1, "cloud", "empty"),
        {"event": "endpoint_error", "endpoint": "cloud", "detail": "empty"},
    ),
    (
        news.Unanswered(1, "dns", ("cloud", "lan")),
        {"event": "unanswered", "reason": "dns", "tried": ["cloud", "lan"]},
    ),
    (news.AnswerStopped(1, "cloud"), {"event": "answer_stopped", "endpoint": "cloud"}),
    (
        news.TurnEnded(1, FIGURES),
        {"event": "turn", **TIMES, "trigger": "wake_word", "endpoint": "cloud"},
    ),
    (news.PlaybackStalled(1, 2), {"event": "playback_stalled", "unplayed": 2}),
    (news.BudgetChanged(1, BudgetLevel.NEAR, 8.5, 10.0), {"event": "budget_near", **SPENT}),
    (news.EchoTold(1, works=False), {"event": "echo", "works": False}),
    (
        news.MicrophoneBroke(1, "stalled for 2 s"),
        {"event": "microphone_failed", "detail": "stalled for 2 s"},
    ),
    (news.MicrophoneBack(1), {"event": "microphone_recovered"}),
]


@pytest.mark.parametrize(("what", "told"), RECORDS, ids=lambda it: type(it).__name__)
def test_the_record_of_it(what: news.News, told: dict[str, object]) -> None:
    stream = io.StringIO()
    json_lines(stream)(what)
    line = json.loads(stream.getvalue())
    assert line["turn"] == 1
    assert {key: line[key] for key in told} == told
    if not isinstance(what, news.AnswerSaid):
        assert set(line) == {"turn", *told}, "and nothing else"


def test_no_kind_of_news_is_left_out() -> None:
    assert {type(what) for what, _ in RECORDS} == set(get_args(news.News))


def test_a_wake_word_is_told_once_by_the_line_that_knows_the_word() -> None:
    assert record(news.TurnBegan(1, Trigger.WAKE_WORD, 5)) is None

"""The realtime client of `openai-agents` talks with `bittern brain`.

It lives in an environment of its own (`tests/clients/prepare` makes it), because it caps
`websockets` below what the appliance uses.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
PYTHON = REPOSITORY / "build" / "test-clients" / "bin" / "python"
TALK = REPOSITORY / "tests" / "clients" / "agents_talk.py"
SPOKEN = {
    "time": "What time is it?",
    "timer": "Set a timer for ten minutes.",
    "alarm": "Set an alarm for seven thirty in the morning.",
}


@pytest.fixture(scope="module")
def report(brain, say, tmp_path_factory) -> dict[str, Any]:
    """Play all scenes once."""
    if not PYTHON.exists():
        pytest.skip("no environment for other people's clients; tests/clients/prepare makes it")
    sounds = tmp_path_factory.mktemp("sounds")
    for name, sentence in SPOKEN.items():
        (sounds / f"{name}.pcm").write_bytes(say(sentence).astype("<i2").tobytes())
    command = [str(PYTHON), str(TALK), f"{brain}/realtime", str(sounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    scenes: dict[str, Any] = json.loads(done.stdout)
    return scenes


def said(scene: dict[str, Any], role: str) -> list[str]:
    """Return what one of the two said, as the client's history has it."""
    return [
        " ".join(part.get("transcript") or part.get("text") or "" for part in item["content"])
        for item in scene["history"]
        if item["type"] == "message" and item["role"] == role
    ]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", ["written", "spoken", "tool", "approved", "interrupted", "spoken_over"]
)
def test_no_event_of_ours_fails_its_validation(report, name):
    assert report[name]["errors"] == []
    assert "error" not in report[name]["raw"]


def test_written_question_spoken_answer(report):
    assert "fifty-six" in said(report["written"], "assistant")[0]
    assert report["written"]["audio_bytes"] > 24_000


def test_two_spoken_turns_under_its_own_settings(report):
    scene = report["spoken"]
    assert said(scene, "user") == ["What time is it?"] * 2
    assert len(said(scene, "assistant")) == 2
    assert scene["raw"]["conversation.item.input_audio_transcription.completed"] == 2


def test_a_tool_is_run_and_its_result_spoken(report):
    scene = report["tool"]
    assert scene["kinds"]["tool_end"] == 1
    assert scene["tools"][0].startswith('set_timer {"seconds": 600}')
    assert scene["kinds"]["audio_end"] == 1


def test_a_tool_that_needs_approval_waits_for_it(report):
    scene = report["approved"]
    assert scene["kinds"]["tool_approval_required"] == 1
    assert scene["tools"][0].startswith('set_alarm {"time": "07:30"}')


def test_interruption_cuts_what_was_not_heard(report):
    scene = report["interrupted"]
    assert scene["kinds"]["audio_interrupted"] == 1
    assert scene["raw"]["conversation.item.truncated"] == 1
    assert len(said(scene, "assistant")[0]) < 40
    assert "four" in said(scene, "assistant")[1]


def test_speech_over_an_answer_cancels_it(report):
    scene = report["spoken_over"]
    assert scene["raw"]["response.done"] == 2
    assert said(scene, "user")[-1] == "What time is it?"

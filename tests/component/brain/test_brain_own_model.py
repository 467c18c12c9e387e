"""A GGUF of the user's own, its chat template and the tool calls that the template describes.

No larger model with tool calls comes with our packages: this is the small one with another
template in its file, which makes the path the same and the answers no better.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import ClassVar

import pytest

from device.brain.answering.llm import ChatSettings
from device.brain.answering.putting_together import load_thinker
from device.brain.answering.thinker import LayeredThinker
from device.brain.base.abilities import (
    Cancellation,
    FunctionTool,
    Message,
    NamedTool,
    TextPart,
    TextPiece,
    ThinkRequest,
    ToolCallPiece,
)
from device.models import MissingModel, path_of

TEMPLATE = """\
{%- if tools %}<|im_start|>system
You call{% for tool in tools %} {{ tool.function.name }}{% endfor %}.<|im_end|>
{% for colour in ["green", "white", "green"] %}<|im_start|>user
Now {{ colour }}.<|im_end|>
<|im_start|>assistant
<tool_call>
{"name": "paint_fence", "arguments": {"colour": "{{ colour }}"}}
</tool_call><|im_end|>
{% endfor %}{% endif %}
{%- for message in messages %}
{%- if message.role != "system" or not tools %}<|im_start|>{{ message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
FENCE = FunctionTool(
    "paint_fence",
    "Paint the fence.",
    {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["green", "white"]}},
        "required": ["colour"],
    },
)
OTHER = FunctionTool("feed_cat", "Feed the cat.", {"type": "object", "properties": {}})


class Gguf:
    """Reads the beginning of a GGUF (version 3) as far as it takes to change a text in it."""

    SIZES: ClassVar = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    TEXT, LIST = 8, 9

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return int(value)

    def text(self) -> bytes:
        size = self.number("Q")
        self.at += size
        return self.data[self.at - size : self.at]

    def skip(self, kind: int) -> None:
        if kind == self.TEXT:
            self.text()
        elif kind == self.LIST:
            inner, count = self.number("I"), self.number("Q")
            for _ in range(count):
                self.skip(inner)
        else:
            self.at += self.SIZES[kind]

    def with_template(self, template: bytes) -> bytes:
        """Return the file with another chat template."""
        assert self.data[:8] == b"GGUF\x03\x00\x00\x00"
        self.at = 8
        tensors, pairs = self.number("Q"), self.number("Q")
        start = end = 0
        for _ in range(pairs):
            key, kind = self.text(), self.number("I")
            before = self.at
            self.skip(kind)
            if key == b"tokenizer.chat_template":
                start, end = before, self.at
        for _ in range(tensors):
            self.text()
            dimensions = self.number("I")
            self.at += 8 * dimensions + 4 + 8
        head = self.data[:start] + struct.pack("<Q", len(template)) + template
        head += self.data[end : self.at]
        weights = self.at + -self.at % 32
        return head + bytes(-len(head) % 32) + self.data[weights:]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LayeredThinker]:
    try:
        small = path_of("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    except MissingModel as missing:
        pytest.skip(f"{missing.what}: {missing.advice}")
    file = tmp_path_factory.mktemp("own") / "own.gguf"
    file.write_bytes(Gguf(small.read_bytes()).with_template(TEMPLATE.encode()))
    yield load_thinker(file, settings=ChatSettings(context_tokens=2048, temperature=0.0))
    file.unlink()


def asked(words: str, **more: object) -> ThinkRequest:
    said = Message("user", (TextPart(words),))
    return ThinkRequest([said], "", [FENCE, OTHER], is_spoken=False, **more)  # type: ignore[arg-type]


def calls(thinker: LayeredThinker, request: ThinkRequest) -> list[tuple[str, object]]:
    pieces = thinker.answer(request, Cancellation())
    return [
        (piece.name, json.loads(piece.arguments))
        for piece in pieces
        if isinstance(piece, ToolCallPiece)
    ]


@pytest.mark.parametrize("choice", ["auto", "required", NamedTool(FENCE.name)])
def test_a_call_in_the_words_of_its_template_is_a_call(own: LayeredThinker, choice: object) -> None:
    ((name, arguments),) = calls(own, asked("Whatever else you do, now white.", tool_choice=choice))
    assert name == FENCE.name
    assert arguments == {"colour": "white"}


def test_it_calls_nothing_where_the_client_forbids_it(own: LayeredThinker) -> None:
    request = asked("Whatever else you do, now white.", tool_choice="none", max_output_tokens=12)
    assert calls(own, request) == []


def test_facts_are_hedged_before_it_says_what_it_thinks(own: LayeredThinker) -> None:
    request = asked("Who was the first to sail around the world?", max_output_tokens=12)
    first = next(own.answer(request, Cancellation()))
    assert isinstance(first, TextPiece)
    assert "offline" in first.text.lower()

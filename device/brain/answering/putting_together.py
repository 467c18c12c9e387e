"""Puts the layers of the thinker together, from the settings and the model store."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from device.brain.answering.chatting import Chat, ChatManner
from device.brain.answering.llm import ChatModel, ChatSettings
from device.brain.answering.thinker import LayeredThinker
from device.brain.base.truths import HouseTruths
from device.brain.understanding.intents.language import Language, load_language
from device.brain.understanding.proposals import Understanding

if TYPE_CHECKING:
    from device.models import ModelStore

_log = logging.getLogger(__name__)

_SMALL_MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"

ToolModel: TypeAlias = Literal["none", "needle"]


def load_thinker(
    model: Path | None = None,
    *,
    language: str = "en",
    settings: ChatSettings | None = None,
    tool_model: ToolModel = "none",
    models: ModelStore | None = None,
    truths: HouseTruths | None = None,
) -> LayeredThinker:
    """Put the layers together, models not loaded yet; those of the store come from ``models``.

    ``model`` is a GGUF of the owner's own, trusted with facts, hedged, and with tool calls.
    Without one the brain obeys, calculates and does not chat: of 124 answers that the
    smallest model gave, 100 were silly or rambling. It is guarded, whoever asks for it.
    ``tool_model`` comes after the rules of the second layer.
    """
    words = load_language(language)
    caller = load_tool_model(tool_model, words, models=models)
    if model is None:
        return LayeredThinker(words, tool_model=caller, truths=truths)
    is_small = model.name == _SMALL_MODEL
    settings = settings or ChatSettings(context_tokens=1024 if is_small else 4096)
    manner = ChatManner.small() if is_small else ChatManner.trusted()
    chat = Chat(ChatModel(model, settings), manner)
    return LayeredThinker(words, chat, tool_model=caller, truths=truths)


def load_tool_model(
    name: ToolModel,
    language: Language,
    patience_s: float | None = None,
    models: ModelStore | None = None,
) -> Understanding | None:
    """Start a model of tool calls from the store; None if none is wished, or it is not there.

    ``patience_s`` is how long a user waits for it, if not the usual time.
    """
    from device.brain.understanding.needle import PATIENCE_S, Needle
    from device.brain.understanding.needle_process import NeedleProcess
    from device.models import store
    from device.models.errors import ModelError

    if name == "none":
        return None
    here = models or store()
    try:
        engine = NeedleProcess(
            here.path_of("needle3/libneedle3.so"), here.path_of("needle3/needle3.cact")
        )
    except ModelError as missing:
        _log.warning("no model of tool calls: %s; %s", missing, missing.advice)
        return None
    needle = Needle(engine, language, patience_s=patience_s or PATIENCE_S)
    needle.load()
    return needle

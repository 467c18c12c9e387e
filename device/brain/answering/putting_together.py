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
    from device.models import Store

_log = logging.getLogger(__name__)

ToolModel: TypeAlias = Literal["none", "needle"]


def load_thinker(
    model: Path | None = None,
    *,
    language: str = "en",
    settings: ChatSettings | None = None,
    tool_model: ToolModel = "none",
    models: Store | None = None,
    truths: HouseTruths | None = None,
) -> LayeredThinker:
    """Put the layers together, models not loaded yet; those of the store come from ``models``.

    ``model`` is a GGUF of the user's own in place of the small one from the store: it is
    trusted with facts, hedged, and with tool calls. ``tool_model`` comes after the rules
    of the second layer.
    """
    words = load_language(language)
    caller = load_tool_model(tool_model, words, models=models)
    own = model is not None
    file = model or _small_model(models)
    if file is None:
        return LayeredThinker(words, tool_model=caller, truths=truths)
    settings = settings or ChatSettings(context_tokens=4096 if own else 1024)
    manner = ChatManner.trusted() if own else ChatManner.small()
    chat = Chat(ChatModel(file, settings), manner)
    return LayeredThinker(words, chat, tool_model=caller, truths=truths)


def load_tool_model(
    name: ToolModel,
    language: Language,
    patience_s: float | None = None,
    models: Store | None = None,
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


def _small_model(models: Store | None) -> Path | None:
    """The small model of the store; without it the brain obeys and calculates, but cannot chat."""
    from device.models import store
    from device.models.errors import MissingModel

    try:
        return (models or store()).path_of("smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    except MissingModel as missing:
        _log.warning("no chat model: %s", missing)
        return None

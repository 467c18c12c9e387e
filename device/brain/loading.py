"""Loads the models of the brain from the store, and makes them its abilities."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from device.brain.base.abilities import Abilities
from device.brain.base.truths import HouseTruths

if TYPE_CHECKING:
    from device.brain.answering.putting_together import ToolModel
    from device.models import ModelStore


def load_abilities(
    model: Path | None = None,
    tool_model: ToolModel = "none",
    models: ModelStore | None = None,
    truths: HouseTruths | None = None,
) -> Abilities:
    """Load everything that a session needs; ``model`` is a language model of the user's own.

    ``models`` is where the models lie, if not in the store of this machine and user;
    ``truths`` is what the settings say of the house.

    What every turn needs is loaded here, side by side; the language model waits for the
    first question that needs it. Raises `BitternError` (a missing model, a file that is
    no model) with what to do.
    """
    from device.brain.answering.putting_together import load_thinker
    from device.brain.hearing.stt import WhisperTranscriber
    from device.brain.speaking.tts import HibariVoice
    from device.memory import keep_memory_small
    from device.models import store
    from device.vad.silero import detectors

    keep_memory_small()
    here = models or store()
    silero = here.path_of("silero/silero_vad.onnx")
    transcriber = WhisperTranscriber(here.path_of("whisper-tiny.en"))
    voice = HibariVoice(folder=here.folder)
    with ThreadPoolExecutor(3, thread_name_prefix="brain-loading") as pool:
        thinker = pool.submit(
            load_thinker, model, tool_model=tool_model, models=here, truths=truths
        )
        new_detector = pool.submit(detectors, silero)
        for loading in (pool.submit(voice.load), pool.submit(transcriber.load)):
            loading.result()
        return Abilities(transcriber, thinker.result(), voice, new_detector.result())

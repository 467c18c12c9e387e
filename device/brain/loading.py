"""Loads the models of the brain from the store, and makes them its abilities."""

from __future__ import annotations

from pathlib import Path

from device.brain.abilities import Abilities


def load_abilities(model: Path | None = None) -> Abilities:
    """Load everything that a session needs; ``model`` is a language model of the user's own.

    Raises `BitternError` (a missing model, a file that is no model) with what to do.
    """
    from device.brain.answering import load_thinker
    from device.brain.stt import WhisperTranscriber
    from device.brain.tts import HibariVoice
    from device.models import path_of
    from device.vad.silero import Silero

    transcriber = WhisperTranscriber(path_of("whisper-tiny.en"))
    voice = HibariVoice()
    silero = path_of("silero/silero_vad.onnx")
    transcriber.load()
    voice.load()
    return Abilities(transcriber, load_thinker(model), voice, lambda: Silero(silero))

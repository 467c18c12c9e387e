"""The least that a voice satellite does: PyAudio read in blocks, and pymicro-wakeword.

``python -m device.workshop.bench.minimal_loop MICROPHONE SPEAKER FILE``. The loop is the one of
linux-voice-assistant (Apache-2.0), of which this is a stand-in without its server: 1024
samples at 16 kHz at a time, features, one model for "hey jarvis". On SIGUSR1 it plays FILE
(raw mono PCM16 at 24 kHz) once, through a stream that it opens for that.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

BLOCK_SAMPLES = 1024
RATE_HZ, SPEAKER_RATE_HZ = 16_000, 24_000
PLAYED_SAMPLES = 1024


def main(arguments: list[str]) -> int:
    """Listen until killed; prints ``heard`` for each detection."""
    import pyaudio
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures, Model

    microphone, speaker, path = arguments
    audio = pyaudio.PyAudio()
    player = threading.Thread(
        target=_play_when_told, args=(audio, _index(audio, speaker), Path(path)), daemon=True
    )
    player.start()
    model = MicroWakeWord.from_builtin(Model.HEY_JARVIS)
    features = MicroWakeWordFeatures()
    stream = audio.open(
        RATE_HZ,
        1,
        pyaudio.paInt16,
        input=True,
        input_device_index=_index(audio, microphone),
        frames_per_buffer=BLOCK_SAMPLES,
    )
    print("listening", flush=True)
    while True:
        block = stream.read(BLOCK_SAMPLES, exception_on_overflow=False)
        for frame in features.process_streaming(block):
            if model.process_streaming(frame):
                print("heard", flush=True)


def _index(audio: object, name: str) -> int:
    count = audio.get_device_count()  # type: ignore[attr-defined]
    infos = (audio.get_device_info_by_index(number) for number in range(count))  # type: ignore[attr-defined]
    return int(next(info["index"] for info in infos if info["name"] == name))


_told = threading.Event()


def _play_when_told(audio: object, index: int, path: Path) -> None:
    import pyaudio

    while True:
        _told.wait()
        _told.clear()
        stream = audio.open(  # type: ignore[attr-defined]
            SPEAKER_RATE_HZ, 1, pyaudio.paInt16, output=True, output_device_index=index,
            frames_per_buffer=PLAYED_SAMPLES,
        )  # fmt: skip
        data = path.read_bytes()
        for at in range(0, len(data), 2 * PLAYED_SAMPLES):
            stream.write(data[at : at + 2 * PLAYED_SAMPLES])
        stream.close()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, lambda *_: _told.set())
    sys.exit(main(sys.argv[1:]))

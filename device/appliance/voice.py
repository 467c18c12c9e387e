"""Speaks a sentence in a process of its own: ``python -m device.appliance.voice``.

The sentence comes by standard input, PCM16 mono at 24 kHz goes to standard output. A
process of its own, since loading a voice would hold up the ears for a while, and takes
memory that the appliance wants back.
"""

from __future__ import annotations

import asyncio
import sys

import numpy as np

from device.appliance.secrecy import for_children
from device.audio.samples import Samples
from device.errors import BitternError

LONGEST_TEXT = 600
"""Characters; about 40 s of speech."""
SPEAK_WITHIN_S = 60.0
"""The voice loads in 1 to 2 s on a PC and speaks far faster than real time; a Pi is slower."""


class NoVoiceError(BitternError):
    """The sentence could not be spoken."""


async def speak(text: str) -> Samples:
    """Return the sound of a text (24 kHz); raises ``NoVoiceError``."""
    if not text.strip() or len(text) > LONGEST_TEXT:
        raise NoVoiceError(f"a text of 1 to {LONGEST_TEXT} characters is needed")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", __name__,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=for_children(),
    )  # fmt: skip
    try:
        async with asyncio.timeout(SPEAK_WITHIN_S):
            sound, _ = await process.communicate(text.encode())
    except TimeoutError:
        raise NoVoiceError(f"the voice took more than {SPEAK_WITHIN_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not sound:
        raise NoVoiceError(
            "the voice could not speak", "It belongs to the brain: is its voice installed?"
        )
    return np.frombuffer(sound, np.int16)


def main() -> int:
    """Speak standard input."""
    from device.brain.base.abilities import AbilityFailedError, Cancellation
    from device.brain.speaking.tts import HibariVoice

    text = sys.stdin.buffer.read().decode()
    try:
        for chunk in HibariVoice().speak(text, "", 1.0, Cancellation()):
            sys.stdout.buffer.write(chunk.tobytes())
    except AbilityFailedError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

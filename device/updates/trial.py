"""How a release shows that it works on this machine: it hears itself, and answers itself.

The brain's voice says the wake word and a question into a sound file; the appliance listens
to that file in place of its microphone, exactly as ``bittern talk`` does, with a brain and
timers of its own, so that nobody is disturbed and nothing leaves the machine.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from device.assistant.news import AnswerSaid, News, QuestionHeard
from device.audio.files import write_sound
from device.audio.resample import WIRE_RATE_HZ
from device.audio.samples import Samples
from device.audio.sounds import Synthesize, brain_voice
from device.daemon.talk import NoWakeWordError, talk
from device.models import ModelStore, store_of
from device.models.model_store import Condition
from device.settings import LoadedSettings
from device.settings.places import OWN_BRAIN
from device.settings.tree import Settings, Wake, shipped_endpoints
from device.updates.errors import UpdateFailed

QUESTION = "What time is it?"
_PAUSE_S = 1.0
"""Before, so that the gate has heard silence; after, so that the question has an end."""
_BREATH_S = 0.3

Say = Callable[[str], None]


async def trial(loaded: LoadedSettings, say: Say) -> None:
    """Check the models by hash, then hear and answer; raises ``BitternError`` for what fails."""
    say(f"settings: {loaded.user_file or 'as shipped'}: good")
    check_models(store_of(loaded.settings.paths.models), say)
    await prove_ears(with_brain_only(loaded), brain_voice(), say)


async def prove_ears(alone: LoadedSettings, voice: Synthesize, say: Say) -> None:
    """Hear and answer by the first word that is listened for and that the voice says well.

    Not every word is one that our voice does, a name that the owner enrolled for instance;
    where none of these is, the shipped one has to do.
    """
    for word in alone.settings.wake_words():
        try:
            await hear_and_answer(alone, word, voice, say)
        except NoWakeWordError:
            say(f"our voice does not say {word!r} well; trying another")
        else:
            return
    spare = with_shipped_words(alone)
    await hear_and_answer(spare, spare.settings.wake.words[0], voice, say)


def check_models(here: ModelStore, say: Say) -> None:
    """Hash every model that the appliance uses by default; raises UpdateFailed."""
    bad = [
        entry.path
        for chosen in here.manifest.select(())
        for entry in chosen.entries
        if here.full_condition(entry) is not Condition.SOUND
    ]
    if bad:
        raise UpdateFailed(
            f"models are not sound: {', '.join(bad)}", "Run `sudo bittern models fetch`."
        )
    say(f"models: all sound in {here.folder}")


async def hear_and_answer(loaded: LoadedSettings, word: str, voice: Synthesize, say: Say) -> None:
    """Say a wake word and a question into a file, and have the appliance answer it."""
    understood = answered = ""

    def note(what: News) -> None:
        nonlocal understood, answered
        match what:
            case QuestionHeard(text=text):
                understood = text
            case AnswerSaid(text=text):
                answered = text

    with tempfile.TemporaryDirectory(prefix="bittern-trial-") as folder:
        phrase = Path(folder) / "phrase.wav"
        write_sound(phrase, spoken(word, voice), WIRE_RATE_HZ)
        await talk(loaded, phrase, None, note)
    say(f"ears: woke on {word!r}, understood {understood!r}")
    say(f"brain: answered {answered!r}")


def spoken(word: str, voice: Synthesize) -> Samples:
    """The wake word and the question, int16 at 24 kHz, with silence around them."""
    quiet = np.zeros(round(_PAUSE_S * WIRE_RATE_HZ), np.int16)
    breath = np.zeros(round(_BREATH_S * WIRE_RATE_HZ), np.int16)
    return np.concatenate([quiet, voice(f"{word.capitalize()}."), breath, voice(QUESTION), quiet])


def with_shipped_words(loaded: LoadedSettings) -> LoadedSettings:
    """These settings with the wake words that every release has, and no profiles."""
    settings = dataclasses.replace(loaded.settings, wake=Wake(), profile=())
    return dataclasses.replace(loaded, settings=settings)


def with_brain_only(loaded: LoadedSettings) -> LoadedSettings:
    """The settings in force, with the appliance's own brain as the only endpoint."""
    settings: Settings = loaded.settings
    own = [endpoint for endpoint in settings.endpoint if endpoint.url == OWN_BRAIN]
    brain = own[0] if own else shipped_endpoints()[-1]
    brain = dataclasses.replace(brain, enabled=True)
    return dataclasses.replace(
        loaded, settings=dataclasses.replace(settings, endpoint=(brain,)), given={}
    )

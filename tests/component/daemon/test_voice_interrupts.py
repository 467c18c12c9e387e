"""A plain speaker beside a plain microphone: a voice interrupts, the speaker's own does not."""

from __future__ import annotations

import numpy as np

from device.audio.files import write_sound
from device.workshop.simulation.cloud import Cloud
from device.workshop.simulation.room import AcousticEcho, SimulatedRoom
from device.workshop.simulation.script import script_from

RATE_HZ = 24_000
STORY = (
    "Once upon a time there was a bittern in the reeds. It was booming all night, so that "
    "nobody in the village could sleep. So they went out with lamps, and looked for it "
    "everywhere. But whenever somebody came near, it stood still like a reed."
)
ANSWERS = [{"items": [{"say": STORY}]}, {"items": [{"say": "It is noon."}]}]
TELEVISION_SHARE = 6
"""Of the amplitude of whom asked: 16 dB softer, as from across a room."""
ECHO = AcousticEcho(delay_s=0.06, gain_db=-8.0, reverb_s=0.2, drift_ppm=60.0)


async def test_a_voice_interrupts_an_answer_and_its_own_echo_does_not(
    studio, settings, appliance_class
) -> None:
    # The question is asked 7 s into the story; nobody says the wake word a second time.
    take = studio.take(0.4, "Hey Jarvis", 0.2, "What time is it?", 9.0, "What day is it?", 2.0)
    script = {"answers": ANSWERS, "server": {"voice": "speech"}}
    async with Cloud(script_from(script)) as cloud:
        room = SimulatedRoom(take.path, ECHO)
        loaded = settings.load(settings.endpoint("cloud", cloud.url), barge_in="voice")
        async with appliance_class(loaded, room.microphone, room.speaker) as appliance:
            await appliance.until_told("turn", 2, within_s=40.0)
            triggers = [it.fields["trigger"] for it in appliance.of("turn")]
            assert triggers == ["wake_word", "voice"]
            (status,) = [appliance.room.listening.echo]
            assert status.removed_db > 10
            assert appliance.of("said")[0].fields["interrupted"]
    begun = int(np.nonzero(room.played)[0][0])
    asked = room.person_at(take.begins[5])
    stopped = asked + 1.5 * RATE_HZ
    assert begun + 4 * RATE_HZ < asked, "it spoke for a while, and did not interrupt itself"
    pause = room.played[int(stopped) : int(stopped) + RATE_HZ // 10]
    assert not pause.any()


async def test_a_television_over_an_answer_does_not_end_it(
    studio, settings, appliance_class
) -> None:
    news = "The minister said that nobody had expected so much rain in a single night."
    take = studio.take(0.4, "Hey Jarvis", 0.2, "What time is it?", 8.0, news, 12.0)
    quieter = take.sound.copy()
    heard = slice(take.begins[5], take.begins[6])
    quieter[heard] = take.sound[heard] // TELEVISION_SHARE
    write_sound(take.path, quieter, RATE_HZ)
    script = {"answers": ANSWERS, "server": {"voice": "speech"}}
    async with Cloud(script_from(script)) as cloud:
        room = SimulatedRoom(take.path, ECHO)
        loaded = settings.load(settings.endpoint("cloud", cloud.url), barge_in="voice")
        async with appliance_class(loaded, room.microphone, room.speaker) as appliance:
            await appliance.until_told("said", 1, within_s=40.0)
            assert not appliance.of("said")[0].fields.get("interrupted")
            assert len(appliance.of("turn")) == 1
    talks = room.person_at(take.begins[5])
    span = room.played[int(talks) : int(talks) + 2 * RATE_HZ]
    assert np.count_nonzero(~span.reshape(-1, RATE_HZ // 10).any(axis=1)) >= 2, "it held its tongue"

"""Echo: what the appliance plays is taken out of what it hears.

::

    playback -> Reference -> (Alignment: delay and drift) -> canceller -> wake word, voice
                                     ^ correlation                  |
    microphone ----------------------+------------------------------+-> Monitor: does it work?

Everything here works at 16 kHz and counts in samples of the capture clock at that rate,
runs only while something is played, and costs nothing otherwise.
"""

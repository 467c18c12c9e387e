"""Asks ALSA for its configuration before PortAudio does, which ends the process over some.

Where the configuration is empty or absent (no ``/usr/share/alsa/alsa.conf``: package
libasound2-data) and there is no card, PortAudio 19.6 aborts by an assertion in
``BuildDeviceList``: no exception, no word, and systemd starts it again and again.
"""

from __future__ import annotations

import ctypes

from device.audio.devices import SoundDeviceError, present_card_ids

ADVICE = (
    "Is /usr/share/alsa/alsa.conf there (package libasound2-data)? "
    "Is there a mistake in /etc/asound.conf or ~/.asoundrc? `aplay -L` tells."
)


def check_alsa() -> None:
    """Raise ``SoundDeviceError`` where PortAudio could not start because of ALSA."""
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:
        return  # PortAudio links to it where it uses it
    status = alsa.snd_config_update()
    if status < 0:
        alsa.snd_strerror.restype = ctypes.c_char_p
        reason = alsa.snd_strerror(status).decode(errors="replace")
        raise SoundDeviceError(f"ALSA cannot read its configuration: {reason}", ADVICE)
    if not _names_a_device(alsa) and not present_card_ids():
        raise SoundDeviceError("ALSA's configuration names no device, and there is no card", ADVICE)


def _names_a_device(alsa: ctypes.CDLL) -> bool:
    """Whether there is a node ``pcm`` in the configuration that was read."""
    configuration = ctypes.c_void_p.in_dll(alsa, "snd_config")
    alsa.snd_config_search.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    found = ctypes.c_void_p()
    return int(alsa.snd_config_search(configuration, b"pcm", ctypes.byref(found))) >= 0

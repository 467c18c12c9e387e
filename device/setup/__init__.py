"""The first-run wizard: one step a module, nothing written before its owner has agreed.

* :mod:`device.setup.wizard`: the order of the steps, skipping and redoing, the end
* :mod:`device.setup.visit`: what the steps share: the settings as they will be
* :mod:`device.setup.dialogue`: questions on a plain terminal
* :mod:`device.setup.microphone`, ``speaker``, ``wake_word``, ``key``, ``board``, ``zone``:
  the steps
* :mod:`device.settings.edit`, :mod:`device.settings.settings_file`: the owner's file, its
  comments kept
* :mod:`device.settings.key_store`: where keys go, which is never the settings
* :mod:`device.setup.running`: an appliance that runs meanwhile
"""

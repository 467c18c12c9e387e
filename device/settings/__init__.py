"""The settings: one frozen, typed tree from TOML.

* :mod:`device.settings.tree`: the tree, each key with unit, range and help
* :mod:`device.settings.load`: which files, and how one lies over the other
* :mod:`device.settings.rules`: what keys must say together
* :mod:`device.settings.secrets`: keys of endpoints, from everywhere but the settings
* :mod:`device.settings.places`: folders and sockets that are named by default
* :mod:`device.settings.show`: the effective settings and the reference, for people

Only :mod:`device.daemon` and the commands import this; the rooms take plain arguments.
"""

from device.settings.load import LoadedSettings, load_settings
from device.settings.tree import Endpoint, Settings

__all__ = ["Endpoint", "LoadedSettings", "Settings", "load_settings"]

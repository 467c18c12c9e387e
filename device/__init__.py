"""Bittern: a voice appliance for the Raspberry Pi.

See ``docs/architecture.md`` for the rooms of this package and the rules of each.
"""

__version__ = "0.1.0"

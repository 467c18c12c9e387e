"""Files written by people, read strictly: TOML into frozen dataclasses, every mistake named.

* :mod:`device.schema.keys`: what a person may write for a key (unit, range, choices, help)
* :mod:`device.schema.document`: one TOML file, and on which line each key stands
* :mod:`device.schema.mistakes`: what is wrong, in one line each
* :mod:`device.schema.checker`: a table against a dataclass
* :mod:`device.schema.secrets`: what must never stand in such a file

The settings and the board descriptions both use it.
"""

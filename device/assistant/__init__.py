"""The core: what the appliance decides, with no socket, clock, thread, file or GPIO inside.

Typed inputs in (:mod:`device.assistant.inputs`), typed effects out
(:mod:`device.assistant.effects`); time arrives as an argument.
"""

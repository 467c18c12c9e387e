"""The workshop: what measures, trains and simulates the appliance, and does not run in it.

``bench/`` has every figure we quote as a command, ``training/`` makes and judges models,
``simulation/`` is a scripted cloud, a virtual clock and a virtual room. All of it is shipped,
so that an owner can repeat what we claim; nothing that runs in the appliance imports it.
"""

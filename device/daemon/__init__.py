"""The composition root: builds the parts from the settings, wires, runs and stops them.

This package alone knows everybody.
"""

"""Makes the model that judges whether a sentence is finished.

``python -m device.workshop.training.turns`` does it.
"""

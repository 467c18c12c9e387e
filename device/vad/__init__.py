"""Voice activity: the cheap gate before the wake model, and endpointing after it."""

"""Lights and buttons: pure patterns, and the hardware, terminal and recorder that show them."""

"""How well wake words are heard: trials in noise, several systems, curves with confidence."""

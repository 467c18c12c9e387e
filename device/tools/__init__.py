"""What the assistant can do in the house: the registry of tools, and the ones built in."""

"""From words to calls of the tools that a session declares."""

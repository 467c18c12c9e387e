"""From the ring of captured sound to what was heard in it: one thread, and the facts it tells."""

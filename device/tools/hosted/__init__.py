"""Tools of other people, run by a process of its own: this side of its socket."""

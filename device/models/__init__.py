"""The model store: what weights there are, how they are fetched, checked and converted."""

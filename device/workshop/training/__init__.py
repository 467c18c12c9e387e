"""How models of ours are made and judged: wake words, the end of a sentence, an owner's voice."""

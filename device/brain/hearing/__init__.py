"""From sound to words: when somebody speaks, what was said, when a question is over."""
